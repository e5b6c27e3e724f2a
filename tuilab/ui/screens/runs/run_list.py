"""The list of runs, with its headings."""

from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tuilab.ui.screens.runs.run_columns import (
    RunLayout,
    RunRow,
    fit_layout,
    write_headings,
    write_row,
)
from tuilab.ui.widgets.line_list import LineList, Span


class RunList(LineList[RunRow]):
    """One line for each run; the screen says what its keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", tooltip="Open the run in the lab", id="runs.choose")
    ]

    def __init__(self) -> None:
        super().__init__()
        self.metric = "loss"

    def layout_for(self, width: int) -> RunLayout:
        """Returns the columns that fit into a width."""
        return fit_layout(self.metric, width)

    def draw_line(self, line: RunRow, width: int) -> list[Span]:
        return write_row(line, self.layout_for(width))

    def action_choose(self) -> None:
        """Chooses the run at the cursor."""
        if self.current_line is not None:
            self.post_message(self.Selected(self))


class RunHeadings(Widget):
    """The headings of the columns; a click on one sorts by it."""

    @dataclass
    class Clicked(Message):
        """A heading was clicked."""

        sort_key: str

    def __init__(self, runs: RunList) -> None:
        super().__init__()
        self._runs = runs
        self._sorting = ("started", False)

    def show(self, sort_key: str, is_reversed: bool) -> None:
        """Shows what the runs are sorted by."""
        self._sorting = sort_key, is_reversed
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Returns the headings."""
        width = self._runs.line_width
        layout = self._runs.layout_for(width)
        segments = [
            Segment(text, self._runs.get_component_rich_style(style) if style else self.rich_style)
            for text, style in write_headings(layout, *self._sorting)
        ]
        return Strip(segments).adjust_cell_length(self.size.width, self.rich_style)

    def on_click(self, event: events.Click) -> None:
        """Sorts by the column under the mouse."""
        key = self._runs.layout_for(self._runs.line_width).find_column(event.x)
        if key:
            self.post_message(self.Clicked(key))
