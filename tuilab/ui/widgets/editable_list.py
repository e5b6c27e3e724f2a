"""Lines that are edited in place, with what there is to know and to choose below them."""

from collections.abc import Callable, Sequence
from textwrap import wrap
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region
from textual.widget import Widget
from textual.widgets import Static

from tuilab.core.network.complete import Completion
from tuilab.core.reference.articles import Article
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.choice_list import ChoiceList
from tuilab.ui.widgets.help_panel import Explanation
from tuilab.ui.widgets.line_input import LineInput, no_completion
from tuilab.ui.widgets.line_list import LineList, Span

COLOURS = {
    "rows--problem": "$text-error",
    "rows--muted": "$foreground 65%",
    "rows--changed": "$text-warning",
    "rows--live": "$text-success",
}
"""The detail's colours for the styles of rows."""

NARROW, TALL = 44, 15
"""Below this width, and from this height on, the detail gets more lines."""


def key(
    pane: str, keys: str, action: str, label: str, tooltip: str, *, shown: bool = True
) -> Binding:
    """A key of a pane, with a name by which it can be told from all others."""
    name = action.replace("(-1)", ".back").replace("(1)", "")
    return Binding(keys, action, label, tooltip=tooltip, show=shown, id=f"{pane}.{name}")


def explaining(pane: str) -> list[BindingType]:
    """The keys of the explanation, for the pane of this name."""
    about = "What the line at the cursor is: formula, use, pitfall; it follows the cursor"
    return [
        key(pane, "i,f1", "explain", "explain", about),
        key(pane, "escape", "unexplain", "close", "Close the explanation", shown=False),
    ]


class EditableList(Widget):
    """A pane of rows, two lines of detail, a tray of choices and an input that lies on a row."""

    def __init__(self, rows: LineList[Any]) -> None:
        super().__init__()
        self.rows = rows
        self.detail = Static(markup=False, classes="detail")
        self.tray = ChoiceList()
        self.line = LineInput()
        self.explanation = Explanation()
        self.is_typing = False
        self.is_explaining = False

    def compose(self) -> ComposeResult:
        """The rows, what there is to know, what there is to choose, and the input."""
        yield self.rows
        yield self.detail
        yield self.tray
        yield self.line
        yield self.explanation

    def on_mount(self) -> None:
        """Begin with nothing being typed."""
        self.tray.display = self.line.display = False
        self.watch(self.rows, "scroll_y", self.place_line, init=False)
        self.paint()

    def focus(self, scroll_visible: bool = True) -> "EditableList":
        """Put the keys on the rows."""
        self.rows.focus(scroll_visible)
        return self

    def on_resize(self) -> None:
        """Keep the input on its row, and the detail as wide as there is room."""
        self.set_class(self.size.width < NARROW, "-narrow")
        self.set_class(self.size.height >= TALL, "-tall")
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        self.place_line()
        self.tell()

    # --- what a pane says and does

    def paint(self) -> None:
        """Show everything as it is now."""
        raise NotImplementedError

    def describe(self) -> Sequence[Span]:
        """What there is to know of the row at the cursor."""
        raise NotImplementedError

    def article(self) -> Article | None:
        """What there is to read about the row at the cursor, or the choice that is gone to."""
        raise NotImplementedError

    def typing_place(self) -> tuple[int, int, int] | None:
        """The row that is typed in, where its text begins and how many cells it has."""
        raise NotImplementedError

    def pressed(self) -> None:
        """The row at the cursor was clicked once more."""
        raise NotImplementedError

    def chosen(self, key: str) -> None:
        """A choice of the tray was taken."""
        raise NotImplementedError

    def typed(self, text: str) -> None:
        """Another text stands in the input."""
        raise NotImplementedError

    def accepted(self, text: str) -> bool:
        """Keep what was typed; False if it cannot be kept."""
        raise NotImplementedError

    def left(self) -> None:
        """Nothing is to be kept of what was typed."""
        raise NotImplementedError

    # --- how it does it

    def tell(self) -> None:
        """Show the detail of the row at the cursor: a single part may take all lines."""
        width, height = self.detail.size.width - 2, self.detail.size.height
        parts = [
            Content.styled(line, COLOURS.get(style, ""))
            for text, style in self.describe()
            for line in wrap(text, max(12, width))
        ]
        if len(parts) > height > 0:
            parts = [*parts[: height - 1], parts[height - 1] + signs().ellipsis]
        self.detail.update(Content("\n").join(parts), layout=False)
        self._explain()

    def action_explain(self) -> None:
        """Explain the row at the cursor, and whichever comes next; once more ends it."""
        self.is_explaining = not self.is_explaining
        if not self.has_focus_within:
            self.focus()
        self._explain()
        self.refresh_bindings()

    @on(Explanation.Pressed)
    def action_unexplain(self) -> None:
        """Close the explanation."""
        self.is_explaining = False
        self._explain()
        self.refresh_bindings()

    def _explain(self) -> None:
        article = self.article() if self.is_explaining else None
        self.explanation.display = article is not None
        if article is not None:
            place = (self.rows.place or 0) - self.rows.scroll_offset.y
            line = Region(0, self.rows.region.y + place, 1, 1)
            kept = self.tray.region if self.tray.display and self.tray.region else line
            self.explanation.show(article, self.region, kept, self.screen.size)

    def on_descendant_blur(self) -> None:
        """What is explained belongs to the pane that has the keys."""
        self.call_after_refresh(self._follow_focus)

    def _follow_focus(self) -> None:
        if self.is_explaining and self.screen.is_current and not self.has_focus_within:
            self.action_unexplain()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Escape closes an explanation only while there is one."""
        return self.is_explaining and not self.is_typing if action == "unexplain" else True

    def type_at(
        self, key: object, text: str, complete: Callable[[str], Completion] = no_completion
    ) -> None:
        """Lay the input over a row."""
        self.is_typing = True
        self.rows.go(key)
        self.line.begin(text, complete)
        self.paint()
        self.place_line()
        self.call_after_refresh(self.place_line)
        self.refresh_bindings()

    def place_line(self) -> None:
        """Move the input to where its row is."""
        if not self.is_typing or (where := self.typing_place()) is None:
            return
        self.rows.show_cursor()
        row, start, room = where
        self.line.styles.width = room
        self.line.styles.offset = (start, row - self.rows.scroll_offset.y)

    def stop_typing(self) -> None:
        """Take the input away."""
        self.is_typing = False
        self.line.end()
        self.tray.display = False
        self.refresh_bindings()

    @on(LineList.Moved)
    def _moved(self, event: LineList.Moved) -> None:
        event.stop()
        if event.rows is self.rows:
            self.tell()
        else:
            self._explain()

    @on(LineList.Pressed)
    def _pressed(self, event: LineList.Pressed) -> None:
        event.stop()
        if event.rows is self.tray:
            self.chosen(self.tray.cursor)
        elif not self.is_typing:
            self.pressed()

    @on(LineInput.Typed)
    def _typed(self, event: LineInput.Typed) -> None:
        event.stop()
        if self.is_typing:
            self.typed(self.line.value)
            self.place_line()

    @on(LineInput.Accepted)
    def _accepted(self, event: LineInput.Accepted) -> None:
        event.stop()
        if self.is_typing and self.accepted(event.text):
            self.screen.set_focus(self.rows, scroll_visible=False)

    @on(LineInput.Left)
    def _left(self, event: LineInput.Left) -> None:
        event.stop()
        if not self.is_typing:
            return
        if event.by_key:
            self.left()
            self.screen.set_focus(self.rows, scroll_visible=False)
        elif not self.accepted(event.text):
            self.left()
