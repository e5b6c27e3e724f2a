"""Lines with a cursor, all drawn by one widget."""

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
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

from tuilab.ui.terminal.glyphs import get_glyph_mode, get_glyphs

Span = tuple[str, str]
"""Text and the component class that styles it; empty for plain text."""

_UNPRINTABLE = dict.fromkeys([*range(32), *range(127, 160)], "�")


class ListLine(Protocol):
    """A line; the cursor stands only on those that have a key."""

    @property
    def key(self) -> Hashable:
        """Identifies the line, or None."""


L = TypeVar("L", bound=ListLine)


class LineList(ScrollView, Generic[L], can_focus=True):
    """A list of lines; a subclass says how one is drawn.

    Not an `OptionList`: the cursor keeps its key while every keystroke replaces the lines (60 of
    them in 3.5 ms, an `OptionList` in 9), and a line's columns depend on the width.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, tooltip="Go to the line above"),
        Binding("down,j", "move(1)", "down", show=False, tooltip="Go to the line below"),
        Binding("pageup", "page(-1)", "page up", show=False, tooltip="Go up by a pane"),
        Binding("pagedown", "page(1)", "page down", show=False, tooltip="Go down by a pane"),
        Binding("home", "move(-100000)", "first", show=False, tooltip="Go to the first line"),
        Binding("end", "move(100000)", "last", show=False, tooltip="Go to the last line"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "line-list--cursor", "line-list--muted", "line-list--heading", "line-list--value",
        "line-list--changed", "line-list--glyph", "line-list--problem", "line-list--disabled",
        "line-list--set", "line-list--live",
    }  # fmt: skip

    SELECTS_ON_FIRST_CLICK: ClassVar[bool] = False
    "The first click on a line already selects it."

    cursor: var[Any] = var(None)
    "The key of the line at the cursor."

    @dataclass
    class Highlighted(Message):
        """The cursor moved to another line."""

        line_list: "LineList[Any]"

    class Selected(Highlighted):
        """The line at the cursor was clicked again, or chosen by key."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: Sequence[L] = ()
        self._had_focus = False

    @abstractmethod
    def draw_line(self, line: L, width: int) -> list[Span]:
        """Returns one line in `width` cells."""

    def handle_click_inside(self, line: L, x: int) -> bool:
        """Returns whether a click at x was for a part of the line, and handles it."""
        return False

    def set_lines(self, lines: Sequence[L]) -> None:
        """Shows other lines; the cursor stays on its line, or near its place."""
        index = self.cursor_index
        self.lines = lines
        if self.cursor_index is None:
            self.cursor = self._nearest_key(index or 0)
        self.virtual_size = Size(0, len(lines))
        self.refresh()

    def set_cursor(self, key: Hashable) -> None:
        """Moves the cursor to a line that may exist only after the next `set_lines`."""
        self.set_reactive(LineList.cursor, key)

    @property
    def cursor_index(self) -> int | None:
        """The index of the line at the cursor."""
        if self.cursor is None:
            return None
        return next((i for i, line in enumerate(self.lines) if line.key == self.cursor), None)

    @property
    def current_line(self) -> L | None:
        """The line at the cursor."""
        return None if (index := self.cursor_index) is None else self.lines[index]

    @property
    def line_width(self) -> int:
        """Cells of a line, beside the scrollbar."""
        return int(self.scrollable_content_region.width)

    def _nearest_key(self, index: int) -> Hashable:
        keyed = [(abs(i - index), i) for i, line in enumerate(self.lines) if line.key is not None]
        return self.lines[min(keyed)[1]].key if keyed else None

    def watch_cursor(self) -> None:
        """Scrolls to the line and reports it."""
        self.refresh()
        self.scroll_to_cursor()
        self.post_message(self.Highlighted(self))

    def scroll_to_cursor(self) -> None:
        """Scrolls just far enough to show the line at the cursor, and headings above the first."""
        index = self.cursor_index
        if index is None or not self.size.height:
            return
        is_first = all(line.key is None for line in self.lines[:index])
        region = Region(0, 0, 1, index + 1) if is_first else Region(0, index, 1, 1)
        self.scroll_to_region(region, animate=False, force=True, x_axis=False, immediate=True)

    def action_move(self, by: int) -> None:
        """Moves the cursor by a number of lines that it can stand on."""
        keys = [line.key for line in self.lines if line.key is not None]
        if keys:
            start = keys.index(self.cursor) if self.cursor in keys else 0
            self.cursor = keys[max(0, min(len(keys) - 1, start + by))]

    def action_page(self, direction: int) -> None:
        """Moves the cursor by the height of the list."""
        self.action_move(direction * max(1, self.size.height - 1))

    def on_resize(self) -> None:
        """Keeps the cursor in view."""
        self.scroll_to_cursor()

    def focus_on_click(self) -> bool:
        """Remembers whether the focus was here before the click that follows."""
        self._had_focus = self.has_focus
        return super().focus_on_click()

    def on_click(self, event: events.Click) -> None:
        """Moves the cursor to the line; another click on it selects it."""
        index = event.y + self.scroll_offset.y
        if index >= len(self.lines) or (key := self.lines[index].key) is None:
            return
        if self.handle_click_inside(self.lines[index], event.x):
            return
        is_repeated = key == self.cursor and self._had_focus
        self.cursor = key
        if is_repeated or self.SELECTS_ON_FIRST_CLICK:
            self.post_message(self.Selected(self))

    def render_line(self, y: int) -> Strip:
        """Returns one line of the list."""
        width, style = self.line_width, self.rich_style
        index = y + self.scroll_offset.y
        if index >= len(self.lines):
            return Strip.blank(width, style)
        line = self.lines[index]
        is_at_cursor = line.key is not None and line.key == self.cursor
        over = self._cursor_style() if is_at_cursor else Style.null()
        segments = [self._segment(text, name, over) for text, name in self.draw_line(line, width)]
        return Strip(segments).adjust_cell_length(width, style + over).apply_style(style)

    def _segment(self, text: str, name: str, over: Style) -> Segment:
        # Reversed, each color would become a patch of its own.
        is_plain = not name or over.reverse
        style = self.rich_style if is_plain else self.get_component_rich_style(name)
        return Segment(text.translate(_UNPRINTABLE), style + over)

    def _cursor_style(self) -> Style:
        """Returns what the cursor adds to a line, which keeps its own colors."""
        style = self.get_component_rich_style("line-list--cursor")
        return Style(bgcolor=style.bgcolor, bold=style.bold, reverse=style.reverse)


def glyph_or_ascii(glyph: str, ascii_glyph: str) -> str:
    """Returns the glyph, or its replacement where only ASCII can be shown."""
    return ascii_glyph if get_glyph_mode() == "ascii" else glyph


def fit_text(text: str, width: int) -> str:
    """Returns text in exactly `width` cells, with an ellipsis where it is cut."""
    if cell_len(text) > width > 0:
        return set_cell_size(text, width - 1) + get_glyphs().ellipsis
    return set_cell_size(text, max(0, width))
