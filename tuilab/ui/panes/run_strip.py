"""The strip below the status: a small chart for each run in progress or in the queue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from textual import events
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from tuilab.core.format import format_number
from tuilab.core.run.series import average_groups
from tuilab.ui.canvas.cell_buffer import truncate
from tuilab.ui.panes.charts.layer_list import draw_sparkline
from tuilab.ui.panes.status import progress_bar
from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.line_list import fit_text, glyph_or_ascii

if TYPE_CHECKING:  # not before the first frame
    from tuilab.host.active_runs import ActiveRun

SIGNS = {
    "training": ("●", "*", "$text-success"), "starting": ("◌", ".", "$text-muted"),
    "paused": ("‖", "=", "$text-warning"), "failed": ("✗", "x", "$text-error"),
    "waiting": ("◦", "-", "$text-muted"), "cut off": ("!", "!", "$text-warning"),
}  # fmt: skip
"""A sign, one in ASCII and a color for each state, so that color is never the only one."""

ROWS_PER_LINE = 8
"""Rows of the screen for each line that the strip may have."""

WIDE, NARROW = 130, 90
"""Cells from which on metrics have their whole name and epochs a bar; below which the state is a
sign only."""


class RunStrip(Widget):
    """Shows the runs; it takes no room where there is only one."""

    @dataclass
    class Chosen(Message):
        """A run was clicked."""

        run: str

    def __init__(self) -> None:
        super().__init__()
        self.display = False
        self.is_hidden = False
        self._runs: Sequence[ActiveRun] = ()
        self._current = ""

    def show(self, runs: "Sequence[ActiveRun]", current: str) -> None:
        """Shows the runs; the one in the lab is marked."""
        if (runs, current) == (self._runs, self._current):
            return
        self._runs, self._current = runs, current
        self._fit()
        self.refresh()

    def toggle(self) -> None:
        """Hides the strip, or shows it again."""
        self.is_hidden = not self.is_hidden
        self._fit()

    def _fit(self) -> None:
        self.display = len(self._runs) > 1 and not self.is_hidden
        height = min(len(self._runs), self._max_lines)
        if self.styles.height is None or self.styles.height.value != height:
            self.styles.height = height

    @property
    def _max_lines(self) -> int:
        return max(2, self.app.size.height // ROWS_PER_LINE)

    def on_resize(self) -> None:
        """Takes as many lines as the screen has room for."""
        self._fit()

    def on_click(self, event: events.Click) -> None:
        """Chooses the run of a line."""
        lines = self._visible
        if event.y < len(lines) and lines[event.y].is_in_progress:
            self.post_message(self.Chosen(lines[event.y].run))

    @property
    def _visible(self) -> "Sequence[ActiveRun]":
        """The runs for which there is room; the last line may count the others."""
        if len(self._runs) <= self._max_lines:
            return self._runs
        count = self._max_lines - 1
        first = [run for run in self._runs if run.run == self._current][:1]
        others = [run for run in self._runs if run.run != self._current][: count - len(first)]
        shown_ids = {run.run for run in [*first, *others]}
        return [run for run in self._runs if run.run in shown_ids]

    def render(self) -> Content:
        """Returns a line for each run, and how many more there are."""
        width = self.size.width - 2
        visible = self._visible
        lines = [draw_run(run, width, is_current=run.run == self._current) for run in visible]
        if rest := len(self._runs) - len(visible):
            lines.append(Content.styled(f"  {rest} more: tuilab queue", "$text-muted"))
        return Content("\n").join(lines)


def draw_run(run: "ActiveRun", width: int, *, is_current: bool) -> Content:
    """Returns the line of a run in this many cells."""
    sign, ascii_sign, color = SIGNS.get(run.state, ("?", "?", "$text-muted"))
    mark = get_glyphs().arrow if is_current else " "
    name_width = max(12, min(30, width // 4))
    numbers = _describe_numbers(run, is_wide=width >= WIDE)
    position = f"{run.position}." if run.position else ""
    state = f" {run.state:<8} " if width >= NARROW else " "
    chart_width = width - name_width - len(numbers) - len(state) - 9
    return Content.assemble(
        (f"{mark}{glyph_or_ascii(sign, ascii_sign)} ", color),
        (f"{position:<3} ", "$text-muted"),
        (fit_text(run.run, name_width), "bold" if is_current else ""),
        (state, color),
        (_draw_losses(run, chart_width), "$accent"),
        " ",
        numbers,
    ).truncate(width, ellipsis=True)


def _draw_losses(run: "ActiveRun", width: int) -> str:
    """Returns the losses of the whole run as bars on a logarithmic scale."""
    if width < 4:
        return ""
    losses = average_groups(list(run.losses), width)
    positive = [loss for loss in losses if loss > 0]
    low, high = (min(positive), max(positive)) if positive else (0.0, 0.0)
    return draw_sparkline(losses, len(losses), low, high, get_glyphs().bars).ljust(width)


def _describe_numbers(run: "ActiveRun", *, is_wide: bool) -> str:
    """Returns loss, metric and epochs in columns."""
    loss = f"loss {format_number(run.losses[-1], 3)}" if run.losses else ""
    metric = ""
    if run.metric:
        name = run.metric if is_wide else run.metric.rpartition(" ")[2]
        metric = f"{truncate(name, 22, get_glyphs().ellipsis)} {format_number(run.value, 3)}"
    epochs = f"{int(run.epoch)}/{run.epochs}"
    if not is_wide:
        return f"{loss:<12} {metric:<14} {epochs:>10}"
    bar = progress_bar(run.epoch / run.epochs if run.epochs else 0.0, 8)
    return f"{loss:<12} {metric:<28} epoch {epochs:>11} {bar}"
