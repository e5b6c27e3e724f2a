"""Lines with a cursor, drawn by one widget however many there are."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import var
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuilab.ui.terminal.glyphs import glyphs, signs

Span = tuple[str, str]
"""Text and the component class that styles it; without one it is plain."""

_UNPRINTABLE = dict.fromkeys([*range(32), *range(127, 160)], "�")


class Drawable(Protocol):
    """A line; the cursor stands only on those that have a key."""

    @property
    def key(self) -> Hashable:
        """What the line stands for, or None."""


L = TypeVar("L", bound=Drawable)


class LineList(ScrollView, Generic[L], can_focus=True):
    """A list of lines; a subclass says how one is drawn."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, tooltip="Go to the line above"),
        Binding("down,j", "move(1)", "down", show=False, tooltip="Go to the line below"),
        Binding("pageup", "page(-1)", "page up", show=False, tooltip="Go up by a pane"),
        Binding("pagedown", "page(1)", "page down", show=False, tooltip="Go down by a pane"),
        Binding("home", "move(-100000)", "first", show=False, tooltip="Go to the first line"),
        Binding("end", "move(100000)", "last", show=False, tooltip="Go to the last line"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "rows--cursor", "rows--muted", "rows--heading", "rows--value", "rows--changed",
        "rows--sign", "rows--problem", "rows--off", "rows--set", "rows--live",
    }  # fmt: skip

    PRESSED_AT_ONCE: ClassVar[bool] = False
    "The first click on a line already means it."

    cursor: var[Any] = var(None)
    "The key of the line at the cursor."

    class Moved(Message):
        """The cursor stands on another line."""

        def __init__(self, rows: "LineList[Any]") -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> "LineList[Any]":
            """The list."""
            return self.rows

    class Pressed(Moved):
        """The line at the cursor was clicked once more."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[L] = ()
        self._had_focus = False

    @abstractmethod
    def draw(self, line: L, width: int) -> list[Span]:
        """One line in so many cells."""

    def pressed_inside(self, line: L, x: int) -> bool:
        """Whether a click at x meant a part of the line, and was done."""
        return False

    def fill(self, lines: Sequence[L]) -> None:
        """Show other lines; the cursor stays on its line, or near where that was."""
        before = self.place
        self.lines = lines
        if self.place is None:
            self.cursor = self._near(before or 0)
        self.virtual_size = Size(0, len(lines))
        self.refresh()

    def go(self, key: Hashable) -> None:
        """Put the cursor on a line that may be there only after the next `fill`."""
        self.set_reactive(LineList.cursor, key)

    @property
    def place(self) -> int | None:
        """The index of the line at the cursor."""
        if self.cursor is None:
            return None
        return next((i for i, line in enumerate(self.lines) if line.key == self.cursor), None)

    @property
    def width(self) -> int:
        """Cells of a line, beside the scrollbar."""
        return int(self.scrollable_content_region.width)

    @property
    def current(self) -> L | None:
        """The line at the cursor."""
        return None if (place := self.place) is None else self.lines[place]

    def _near(self, place: int) -> Hashable:
        """The key of the line nearest to a place."""
        keyed = [(abs(i - place), i) for i, line in enumerate(self.lines) if line.key is not None]
        return self.lines[min(keyed)[1]].key if keyed else None

    def watch_cursor(self) -> None:
        """Bring the line into view and tell of it."""
        self.refresh()
        self.show_cursor()
        self.post_message(self.Moved(self))

    def show_cursor(self) -> None:
        """Scroll just far enough to see the line at the cursor, and what stands above the first."""
        place = self.place
        if place is None or not self.size.height:
            return
        first = all(line.key is None for line in self.lines[:place])
        top = Region(0, 0, 1, place + 1) if first else Region(0, place, 1, 1)
        self.scroll_to_region(top, animate=False, force=True, x_axis=False, immediate=True)

    def action_move(self, by: int) -> None:
        """Move the cursor over so many lines that it can stand on."""
        keys = [line.key for line in self.lines if line.key is not None]
        if keys:
            start = keys.index(self.cursor) if self.cursor in keys else 0
            self.cursor = keys[max(0, min(len(keys) - 1, start + by))]

    def action_page(self, direction: int) -> None:
        """Move the cursor by one height of the list."""
        self.action_move(direction * max(1, self.size.height - 1))

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self.show_cursor()

    def focus_on_click(self) -> bool:
        """Remember whether the focus was here before the click that follows."""
        self._had_focus = self.has_focus
        return super().focus_on_click()

    def on_click(self, event: events.Click) -> None:
        """Go to the line; another click on it means it."""
        index = event.y + self.scroll_offset.y
        if index >= len(self.lines) or (key := self.lines[index].key) is None:
            return
        if self.pressed_inside(self.lines[index], event.x):
            return
        again = key == self.cursor and self._had_focus
        self.cursor = key
        if again or self.PRESSED_AT_ONCE:
            self.post_message(self.Pressed(self))

    def render_line(self, y: int) -> Strip:
        """One line of the list."""
        width, style = self.width, self.rich_style
        index = y + self.scroll_offset.y
        if index >= len(self.lines):
            return Strip.blank(width, style)
        line = self.lines[index]
        at_cursor = line.key is not None and line.key == self.cursor
        over = self._cursor_style() if at_cursor else Style.null()
        segments = [self._segment(text, name, over) for text, name in self.draw(line, width)]
        return Strip(segments).adjust_cell_length(width, style + over).apply_style(style)

    def _segment(self, text: str, name: str, over: Style) -> Segment:
        # Reversed, each colour would become a patch of its own.
        plain = not name or over.reverse
        style = self.rich_style if plain else self.get_component_rich_style(name)
        return Segment(text.translate(_UNPRINTABLE), style + over)

    def _cursor_style(self) -> Style:
        """What the cursor adds to a line: the line keeps its own colours."""
        style = self.get_component_rich_style("rows--cursor")
        return Style(bgcolor=style.bgcolor, bold=style.bold, reverse=style.reverse)


def sign(usual: str, plain: str) -> str:
    """A sign, or what stands for it where only ASCII can be shown."""
    return plain if glyphs() == "ascii" else usual


def fitted(text: str, width: int) -> str:
    """Text in exactly so many cells, with an ellipsis where it is cut."""
    if cell_len(text) > width > 0:
        return set_cell_size(text, width - 1) + signs().ellipsis
    return set_cell_size(text, max(0, width))
