"""Dialogs of studies beside a run: a search with its chart, a cross-validation with its table."""

from math import isfinite, log2, log10
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import ProgressBar, Static

from tuilab.core.catalogue.metrics import headline
from tuilab.core.protocol.events import Found, Validated
from tuilab.core.run.run import Run
from tuilab.ui.plot.axes import short
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.scene import Scene
from tuilab.ui.plot.traces import Trace
from tuilab.ui.screens.dialogs import Dialog
from tuilab.ui.terminal.glyphs import signs

TITLES = {"lr": "Find a learning rate", "batch_size": "Find a batch size"}

ABOUT = {
    "lr": "The rate rises from step to step, and the loss is watched; then the run is put back "
    "as it was.",
    "batch_size": "Some steps are timed at each size; then the run is put back as it was.",
}

MOST_METRICS = 5
"""Columns of the table of a cross-validation."""


class Study(Dialog):
    """Something that the host does beside the run, with how far it is."""

    def __init__(self, title: str, about: str) -> None:
        super().__init__()
        self._title, self._about = title, about

    def compose(self) -> ComposeResult:
        """What it is, how far it is, and what it has seen."""
        with Vertical(classes="box study") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "escape leaves everything as it was"
            yield Static(self._about, classes="about", markup=False)
            yield Static("", classes="what", markup=False)
            yield ProgressBar(total=1, show_eta=False)
            yield from self.outcome()
            yield Static("", classes="note", markup=False)

    def outcome(self) -> ComposeResult:
        """What shows what was seen."""
        raise NotImplementedError

    def hear(self, run: Run) -> None:
        """Follow what the host says."""
        if not self.is_mounted:
            return
        loading = run.loading
        if loading is not None:
            self.query_one(".what", Static).update(loading.what)
            self.query_one(ProgressBar).update(progress=loading.fraction or 0.0)

    def end(self, note: str, keys: str) -> None:
        """There is no more to come."""
        self.query_one(ProgressBar).display = False
        self.query_one(".what", Static).display = False
        self.query_one(".about", Static).display = False
        self.query_one(".note", Static).update(note)
        self.query_one(".box").border_subtitle = keys


class Search(Study):
    """Learning rates with their loss, or batch sizes with their speed; answers with a value."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "take", "take", tooltip="Take the suggestion, or the value at the cursor")
    ]

    def __init__(self, what: str) -> None:
        super().__init__(TITLES[what], ABOUT[what])
        self._is_rate = what == "lr"
        self.found: Found | None = None

    def outcome(self) -> ComposeResult:
        """The chart, once there is something to show."""
        yield Chart()

    def on_mount(self) -> None:
        """Begin without a chart."""
        self.query_one(Chart).display = False

    def hear(self, run: Run) -> None:
        """Show the chart when it is there."""
        super().hear(run)
        if run.found is None or run.found is self.found or not self.is_mounted:
            return
        self.found = run.found
        chart = self.query_one(Chart)
        if self.found.points:
            chart.display = True
            chart.show(self._scene(self.found))
            self.set_focus(chart)
        value = self.value
        note = self.found.note.rstrip(".")
        if value is None:
            self.end(f"{signs().wrong} {note}.", "escape closes")
        else:
            keys = "enter takes it · ←→ another · escape leaves all as it was"
            self.end(f"{signs().right} {short(value)}: {note}.", keys)

    def _scene(self, found: Found) -> Scene:
        """The points over the logarithm of what was tried, with the suggestion."""
        scale = log10 if self._is_rate else log2
        points = [(scale(x), y, y, y) for x, y in found.points if x > 0 and isfinite(y)]
        traces = [Trace("loss" if self._is_rate else "examples/s", points, 1)]
        if found.suggestion:
            place = scale(found.suggestion)
            height = min(points, key=lambda point: abs(point[0] - place))[1]
            label = f"suggested {short(found.suggestion)}"
            dot = [(place, height, height, height)]
            traces.append(Trace(label, dot, 2, signs().lines[0]))
        name = "log10 of lr" if self._is_rate else "log2 of batch size"
        return Scene(traces, x_name=name, is_counted=False)

    @property
    def value(self) -> float | int | None:
        """What would be taken: the value at the cursor, else the suggestion."""
        at = self.query_one(Chart).cursor
        if at is None:
            found = self.found.suggestion if self.found else None
        else:
            found = 10**at if self._is_rate else 2**at
        if found is None:
            return None
        return float(f"{found:.2g}") if self._is_rate else round(found)

    def action_take(self) -> None:
        """Answer with the value."""
        if self.found is None:
            self.app.bell()
        else:
            self.dismiss(self.value)


class Folds(Study):
    """The rounds of a cross-validation, their mean and their spread; answers whether it is over."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "close", "close", tooltip="Close when all rounds are over"),
        Binding("escape", "leave", "leave", tooltip="Close; rounds to come are left out"),
    ]

    def __init__(self, rounds: int) -> None:
        about = f"{rounds} times, on other examples each time. A run in progress waits meanwhile."
        super().__init__("Cross-validation", about)
        self._rounds = rounds
        self._seen: Validated | None = None

    def outcome(self) -> ComposeResult:
        """The table."""
        yield Static("", classes="table", markup=False)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to come."""
        seen = self._seen
        return seen is not None and (not seen.results or len(seen.results) >= seen.of)

    def hear(self, run: Run) -> None:
        """Show the rounds so far."""
        super().hear(run)
        if run.validated is None or run.validated is self._seen or not self.is_mounted:
            return
        self._seen = run.validated
        self.query_one(".table", Static).update(table(self._seen))
        if self.is_over:
            note = self._seen.note or f"{signs().right} all {self._seen.of} rounds are over."
            self.end(note, "enter closes")

    def action_close(self) -> None:
        """Close what is over."""
        if self.is_over:
            self.dismiss(True)
        else:
            self.app.bell()

    def action_leave(self) -> None:
        """Close, and say whether it was over."""
        self.dismiss(self.is_over)


def table(validated: Validated) -> str:
    """One line a round, then mean and spread, for the most important metrics."""
    if not validated.results:
        return ""
    names = list(headline(validated.mean, MOST_METRICS))
    width = max(9, *(len(name) + 2 for name in names))
    lines = ["round ".rjust(8) + "".join(name.rjust(width) for name in names)]
    for number, result in enumerate(validated.results, 1):
        cells = "".join(f"{result.get(name, float('nan')):.4g}".rjust(width) for name in names)
        lines.append(f"{number} ".rjust(8) + cells)
    rows = {"mean": validated.mean, "±": validated.spread}
    for title, row in rows.items():
        cells = "".join(f"{row[name]:.4g}".rjust(width) for name in names)
        lines.append(f"{title} ".rjust(8) + cells)
    return "\n".join(lines)
