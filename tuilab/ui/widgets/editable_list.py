"""A pane of lines that are edited in place, with details and choices below them."""

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
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.article_panel import ArticlePanel
from tuilab.ui.widgets.choice_list import ChoiceList
from tuilab.ui.widgets.line_input import LineInput, complete_nothing
from tuilab.ui.widgets.line_list import LineList, Span

DETAIL_COLORS = {
    "line-list--problem": "$text-error",
    "line-list--muted": "$foreground 65%",
    "line-list--changed": "$text-warning",
    "line-list--live": "$text-success",
}
"""The detail's colors for the styles of lines."""

NARROW_WIDTH, TALL_HEIGHT = 44, 15
"""Below this width, and from this height on, the detail gets more lines."""


def pane_binding(
    pane: str, keys: str, action: str, label: str, tooltip: str, *, show: bool = True
) -> Binding:
    """Builds a binding of a pane, with an id of its own."""
    name = action.replace("(-1)", ".back").replace("(1)", "")
    return Binding(keys, action, label, tooltip=tooltip, show=show, id=f"{pane}.{name}")


def help_bindings(pane: str) -> list[BindingType]:
    """Builds the bindings of the article panel of a pane."""
    about = "What the line at the cursor is: formula, use, pitfall; it follows the cursor"
    return [
        pane_binding(pane, "i,f1", "explain", "explain", about),
        pane_binding(pane, "escape", "unexplain", "close", "Close the explanation", show=False),
    ]


class EditableList(Widget):
    """A list of lines, a few lines of detail, choices, and an input that lies over a line."""

    def __init__(self, line_list: LineList[Any]) -> None:
        super().__init__()
        self.line_list = line_list
        self.detail = Static(markup=False, classes="detail")
        self.choice_list = ChoiceList()
        self.input = LineInput()
        self.article_panel = ArticlePanel()
        self.is_typing = False
        self.is_article_open = False

    def compose(self) -> ComposeResult:
        """Yields the parts."""
        yield self.line_list
        yield self.detail
        yield self.choice_list
        yield self.input
        yield self.article_panel

    def on_mount(self) -> None:
        """Starts with nothing being typed."""
        self.choice_list.display = self.input.display = False
        self.watch(self.line_list, "scroll_y", self.position_input, init=False)
        self.update_view()

    def focus(self, scroll_visible: bool = True) -> "EditableList":
        """Focuses the lines."""
        self.line_list.focus(scroll_visible)
        return self

    def on_resize(self) -> None:
        """Keeps the input on its line, and the detail as wide as there is room."""
        self.set_class(self.size.width < NARROW_WIDTH, "-narrow")
        self.set_class(self.size.height >= TALL_HEIGHT, "-tall")
        self.call_after_refresh(self.position_input)
        self.call_after_refresh(self.update_detail)

    # --- what a pane implements -------------------------------------------------------------------

    def update_view(self) -> None:
        """Shows the current state."""
        raise NotImplementedError

    def describe(self) -> Sequence[Span]:
        """Returns details of the line at the cursor."""
        raise NotImplementedError

    def find_article(self) -> Article | None:
        """Returns the article about the line at the cursor, or about the highlighted choice."""
        raise NotImplementedError

    def locate_input(self) -> tuple[int, int, int] | None:
        """Returns the row that is typed in, where its text begins and how many cells it has."""
        raise NotImplementedError

    def action_edit(self) -> None:
        """Edits the line at the cursor, by key or by a second click."""
        raise NotImplementedError

    def choose(self, key: str) -> None:
        """Takes a choice of the list below."""
        raise NotImplementedError

    def update_draft(self, text: str) -> None:
        """Follows the text of the input."""
        raise NotImplementedError

    def accept(self, text: str) -> bool:
        """Keeps the text of the input; returns whether it could be kept."""
        raise NotImplementedError

    def cancel_edit(self) -> None:
        """Discards the text of the input."""
        raise NotImplementedError

    # --- detail and article -----------------------------------------------------------------------

    def update_detail(self) -> None:
        """Shows details of the line at the cursor: a single part may take all lines."""
        width, height = self.detail.size.width - 2, self.detail.size.height
        lines = [
            Content.styled(line, DETAIL_COLORS.get(style, ""))
            for text, style in self.describe()
            for line in wrap(text, max(12, width))
        ]
        if len(lines) > height > 0:
            lines = [*lines[: height - 1], lines[height - 1] + get_glyphs().ellipsis]
        self.detail.update(Content("\n").join(lines), layout=False)
        self._update_article()

    def action_explain(self) -> None:
        """Opens the article about the line at the cursor, or closes it; it follows the cursor."""
        self.is_article_open = not self.is_article_open
        if not self.has_focus_within:
            self.focus()
        self._update_article()
        self.refresh_bindings()

    @on(ArticlePanel.Pressed)
    def action_unexplain(self) -> None:
        """Closes the article."""
        self.is_article_open = False
        self._update_article()
        self.refresh_bindings()

    def _update_article(self) -> None:
        article = self.find_article() if self.is_article_open else None
        self.article_panel.display = article is not None
        if article is not None:
            index = (self.line_list.cursor_index or 0) - self.line_list.scroll_offset.y
            line = Region(0, self.line_list.region.y + index, 1, 1)
            choices = self.choice_list.region if self.choice_list.display else None
            self.article_panel.show(article, self.region, choices or line, self.screen.size)

    def on_descendant_blur(self) -> None:
        """Closes the article when another pane has the focus."""
        self.call_after_refresh(self._close_article_without_focus)

    def _close_article_without_focus(self) -> None:
        if self.is_article_open and self.screen.is_current and not self.has_focus_within:
            self.action_unexplain()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leaves the keys to the input and the choices while they are open; lets escape close an
        article only while one is open."""
        is_elsewhere = self.is_typing or self.choice_list.display
        if is_elsewhere and f"action_{action}" in type(self).__dict__:
            return False
        return self.is_article_open and not self.is_typing if action == "unexplain" else True

    # --- typing -----------------------------------------------------------------------------------

    def start_typing(
        self, key: object, text: str, complete: Callable[[str], Completion] = complete_nothing
    ) -> None:
        """Places the input over a line."""
        self.is_typing = True
        self.line_list.set_cursor(key)
        self.input.begin(text, complete)
        self.update_view()
        self.position_input()
        self.call_after_refresh(self.position_input)
        self.refresh_bindings()

    def position_input(self) -> None:
        """Moves the input to where its line is."""
        if not self.is_typing or (position := self.locate_input()) is None:
            return
        self.line_list.scroll_to_cursor()
        row, start, room = position
        self.input.styles.width = room
        self.input.styles.offset = (start, row - self.line_list.scroll_offset.y)

    def stop_typing(self) -> None:
        """Hides the input."""
        self.is_typing = False
        self.input.end()
        self.choice_list.display = False
        self.refresh_bindings()

    @on(LineList.Highlighted)
    def _on_highlighted(self, event: LineList.Highlighted) -> None:
        event.stop()
        if event.line_list is self.line_list:
            self.update_detail()
        else:
            self._update_article()

    @on(LineList.Selected)
    def _on_selected(self, event: LineList.Selected) -> None:
        event.stop()
        if event.line_list is self.choice_list:
            self.choose(self.choice_list.cursor)
        elif not self.is_typing:
            self.action_edit()

    @on(LineInput.Typed)
    def _on_typed(self, event: LineInput.Typed) -> None:
        event.stop()
        if self.is_typing:
            self.update_draft(self.input.value)
            self.position_input()

    @on(LineInput.Accepted)
    def _on_accepted(self, event: LineInput.Accepted) -> None:
        event.stop()
        if self.is_typing and self.accept(event.text):
            self.screen.set_focus(self.line_list, scroll_visible=False)

    @on(LineInput.Exited)
    def _on_exited(self, event: LineInput.Exited) -> None:
        event.stop()
        if not self.is_typing:
            return
        if event.by_key:
            self.cancel_edit()
            self.screen.set_focus(self.line_list, scroll_visible=False)
        elif not self.accept(event.text):
            self.cancel_edit()
