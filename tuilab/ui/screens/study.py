"""Dialogs of studies beside a run: a search, repeats over seeds, a cross-validation."""

from collections import Counter
from collections.abc import Callable
from math import isfinite, log2, log10
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ProgressBar, Static

from tuilab.core.catalogue.metrics import headline_metrics
from tuilab.core.format import format_compact, format_rounds
from tuilab.core.protocol.events import CrossValidated, FinderReported, SeedsReported
from tuilab.core.run.run import Run
from tuilab.core.run.seeds import format_summary
from tuilab.ui.panes.charts.band_traces import band_trace
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.chart_data import ChartData
from tuilab.ui.plot.traces import Trace
from tuilab.ui.screens.dialogs import Dialog
from tuilab.ui.terminal.glyphs import get_glyphs

TITLES = {"lr": "Find a learning rate", "batch_size": "Find a batch size"}

DESCRIPTIONS = {
    "lr": "A new network is trained for a few steps at ever higher learning rates; the run does "
    "not change.",
    "batch_size": "A few steps are timed at each size; the run does not change.",
}

MAX_SEED_METRICS, MAX_PROBLEMS = 2, 3
"""Metrics of each part of the data, and failures, in the results of several seeds."""

MAX_METRICS = 5
"""Columns of the table of a cross-validation."""


class StudyBox(Vertical):
    """What a study is, how far it is, its result, and a note at its end."""

    def __init__(self, title: str, description: str, result: Widget) -> None:
        super().__init__(classes="box study")
        self.border_title = Content(title)
        self.border_subtitle = "escape cancels; the run is unchanged"
        self._description, self._result = description, result

    def compose(self) -> ComposeResult:
        """Yields the description, the progress, the result and the note."""
        yield Static(self._description, classes="about", markup=False)
        yield Static("", classes="what", markup=False)
        yield ProgressBar(total=1, show_eta=False)
        yield self._result
        yield Static("", classes="note", markup=False)

    def show(self, run: Run) -> None:
        """Shows how far the study is."""
        if run.loading is not None:
            self.query_one(".what", Static).update(run.loading.what)
            self.query_one(ProgressBar).update(progress=run.loading.fraction or 0.0)

    def finish(self, note: str, keys: str) -> None:
        """Shows the note of a study that is over, and the keys that close it."""
        for selector in ("ProgressBar", ".what", ".about"):
            self.query_one(selector).display = False
        self.query_one(".note", Static).update(note)
        self.border_subtitle = keys


class Search(Dialog):
    """Shows learning rates with their loss, or batch sizes with their speed; answers with one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "take", tooltip="Take the suggestion, or the value at the cursor"),
        Binding("w", "repeat", "current weights",
                tooltip="Search again, from the weights that the run has now"),
    ]  # fmt: skip

    def __init__(
        self, quantity: Literal["lr", "batch_size"], repeat: Callable[[], None] | None = None
    ) -> None:
        """Initializes the dialog.

        Args:
            repeat: searches again from the weights of the run; None if they are new as well.
        """
        super().__init__()
        self._repeat = repeat
        self._is_rate = quantity == "lr"
        self._chart = Chart()
        self._box = StudyBox(TITLES[quantity], DESCRIPTIONS[quantity], self._chart)
        self._report: FinderReported | None = None

    def compose(self) -> ComposeResult:
        """Yields the box, without the chart at first."""
        self._chart.display = False
        yield self._box

    def show(self, run: Run) -> None:
        """Shows how far the search is, and its chart at the end."""
        self._box.show(run)
        report = run.finder_report
        if report is None or report is self._report:
            return
        self._report = report
        if report.points:
            self._chart.display = True
            self._chart.show(self._chart_data(report))
            self.set_focus(self._chart)
        note = report.note.rstrip(".")
        again = " · w from the current weights" if self._repeat is not None else ""
        if self.value is None:
            self._box.finish(f"{get_glyphs().cross} {note}.", f"escape closes{again}")
        else:
            text = f"{get_glyphs().check} {format_compact(self.value)}: {note}."
            self._box.finish(text, f"enter takes it · ←→ another{again} · escape changes nothing")

    def _chart_data(self, report: FinderReported) -> ChartData:
        """Returns the points over the logarithm of the values, with the suggestion."""
        scale = log10 if self._is_rate else log2
        points = [(scale(x), y, y, y) for x, y in report.points if x > 0 and isfinite(y)]
        traces = [Trace("loss" if self._is_rate else "examples/s", points, 1)]
        if report.suggestion:
            x = scale(report.suggestion)
            y = min(points, key=lambda point: abs(point[0] - x))[1]
            label = f"suggested {format_compact(report.suggestion)}"
            traces.append(Trace(label, [(x, y, y, y)], 2, get_glyphs().line_markers[0]))
        name = "log10 of lr" if self._is_rate else "log2 of batch size"
        return ChartData(traces, x_name=name, is_integer_x=False)

    @property
    def value(self) -> float | int | None:
        """The value at the cursor of the chart, else the suggestion."""
        exponent = self._chart.cursor
        if exponent is None:
            value = self._report.suggestion if self._report else None
        else:
            value = 10**exponent if self._is_rate else 2**exponent
        if value is None:
            return None
        return float(f"{value:.2g}") if self._is_rate else round(value)

    def action_repeat(self) -> None:
        """Searches again, from the weights of the run."""
        if self._repeat is None or self._report is None:
            self.app.bell()
        else:
            self._repeat()
            self._repeat = None

    def action_take(self) -> None:
        """Answers with the value."""
        if self._report is None:
            self.app.bell()
        else:
            self.dismiss(self.value)


class _SeveralRuns(Dialog):
    """A study of several runs; it answers whether they are all over."""

    @property
    def is_over(self) -> bool:
        """Whether all of them are over."""
        raise NotImplementedError(type(self).__name__)

    def action_close(self) -> None:
        """Closes the dialog if all of them are over."""
        if self.is_over:
            self.dismiss(True)
        else:
            self.app.bell()

    def action_leave(self) -> None:
        """Closes the dialog, and answers whether all of them are over."""
        self.dismiss(self.is_over)


class SeedRepeats(_SeveralRuns):
    """Shows the runs of several seeds and their band; answers whether they are all over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "close", tooltip="Close when all seeds are over"),
        Binding("escape", "leave", "leave", tooltip="Close; seeds in training are stopped, saved"),
    ]

    def __init__(self, count: int) -> None:
        super().__init__()
        description = (
            f"{count} runs that differ in their seed. A run in progress waits; escape stops and "
            "stores them."
        )
        self._chart = Chart()
        self._table = Static("", classes="table", markup=False)
        self._box = StudyBox("Repeat over seeds", description, Vertical(self._chart, self._table))
        self._report: SeedsReported | None = None

    def compose(self) -> ComposeResult:
        """Yields the box, without the chart at first."""
        self._chart.display = False
        yield self._box

    @property
    def is_over(self) -> bool:
        """Whether all seeds are over."""
        return self._report is not None and self._report.is_over

    def show(self, run: Run) -> None:
        """Shows how far the seeds are, their band and their results."""
        self._box.show(run)
        report = run.seeds
        if report is None or report is self._report:
            return
        self._report = report
        traces = [
            band_trace(report, name, color)
            for color, name in enumerate(("loss/train", "loss/validation"), 1)
            if name in report.bands
        ]
        self._chart.display = bool(traces)
        self._chart.show(ChartData(traces))
        self._table.update("\n".join(self._lines(report)))
        if self.is_over:
            sign = get_glyphs().check if report.summary else get_glyphs().cross
            self._box.finish(f"{sign} {report.note}.", "enter closes; the charts keep the band")

    def _lines(self, report: SeedsReported) -> list[str]:
        """Returns the results; of runs in progress only how many there are of each state."""
        if not report.is_over:
            counts = Counter(run.state for run in report.runs)
            return [", ".join(f"{count} {state}" for state, count in counts.items())]
        failed = [f"seed {run.seed}: {run.problem}" for run in report.runs if run.problem]
        summary = format_summary(report.summary, MAX_SEED_METRICS)
        title = ["mean ± standard deviation"] if summary else []
        return [*title, *summary, *failed[:MAX_PROBLEMS]]


class CrossValidation(_SeveralRuns):
    """Shows the rounds of a cross-validation; answers whether they are all over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "close", tooltip="Close when all rounds are over"),
        Binding("escape", "leave", "leave", tooltip="Close; the remaining rounds are skipped"),
    ]

    def __init__(self, rounds: int) -> None:
        super().__init__()
        description = (
            f"{rounds} rounds, each with other validation examples. A run in progress waits."
        )
        self._table = Static("", classes="table", markup=False)
        self._box = StudyBox("Cross-validation", description, self._table)
        self._report: CrossValidated | None = None

    def compose(self) -> ComposeResult:
        """Yields the box with the table."""
        yield self._box

    @property
    def is_over(self) -> bool:
        """Whether all rounds are over."""
        report = self._report
        return report is not None and (not report.results or len(report.results) >= report.total)

    def show(self, run: Run) -> None:
        """Shows how far the rounds are, and their results."""
        self._box.show(run)
        report = run.cross_validation
        if report is None or report is self._report:
            return
        self._report = report
        names = headline_metrics(report.mean, MAX_METRICS)
        ends = {"mean": report.mean, "±": report.std}
        table = format_rounds(report.results, ends, names) if report.results else ""
        self._table.update(table)
        if self.is_over:
            note = report.note or f"{get_glyphs().check} all {report.total} rounds are over."
            self._box.finish(note, "enter closes")
