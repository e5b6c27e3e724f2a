"""The screen of what differs between runs: the table of `tuilab compare`, in colors."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from tuilab.core.format import format_counted
from tuilab.core.run.compare_runs import RunComparison
from tuilab.core.run.comparison_table import Line, Tone, write_markdown, write_table
from tuilab.ui.panes.key_bar import KeyBar
from tuilab.ui.screens.dialogs import Overlay

STYLES: dict[Tone, str] = {
    "heading": "bold", "muted": "$text-muted", "better": "$text-success", "worse": "$text-error",
    "changed": "$text-accent",
}  # fmt: skip


class DifferencesScreen(Overlay):
    """Shows what differs between runs; the first one is the base of all others."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy as Markdown", id="differences.copy",
                tooltip="Copy the table as Markdown"),
        Binding("question_mark", "help", "keys", id="view.help", tooltip="Show every key"),
        Binding("escape,q,d", "dismiss(None)", "close", id="lab.quit",
                tooltip="Back to the list of runs"),
    ]  # fmt: skip

    def __init__(self, comparison: RunComparison) -> None:
        super().__init__()
        self._comparison = comparison
        self._table = Static("", classes="table", markup=False)
        self._width = 0

    def compose(self) -> ComposeResult:
        """Yields the title, the table, and the keys."""
        count = format_counted(len(self._comparison.runs), "run")
        with Horizontal(classes="top"):
            yield Static("Differences", classes="name", markup=False)
            yield Static(f"{count} · against {self._comparison.labels[0]}", classes="count",
                         markup=False)  # fmt: skip
        with VerticalScroll(classes="body"):
            yield self._table
        yield KeyBar()

    def on_mount(self) -> None:
        """Lets the keys scroll the table."""
        self.set_focus(self.query_one(VerticalScroll))

    def on_resize(self) -> None:
        """Fits the table to the width."""
        width = self.query_one(VerticalScroll).scrollable_content_region.width
        if width and width != self._width:
            self._width = width
            lines = write_table(self._comparison, width)
            self._table.update(Content("\n").join(map(_style, lines)))

    def action_copy(self) -> None:
        """Copies the table as Markdown."""
        self.app.copy_to_clipboard(write_markdown(self._comparison))
        self.notify("the table, as Markdown", title="Copied", markup=False)

    def action_help(self) -> None:
        """Shows every key."""
        from tuilab.ui.screens.help import Help

        self.app.push_screen(Help(self))


def _style(line: Line) -> Content:
    pieces = (Content.styled(text, STYLES.get(tone, "")) for text, tone in line.pieces)
    return Content.assemble(*pieces).rstrip()
