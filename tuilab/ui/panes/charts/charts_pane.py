"""The charts of a run: loss, metric, gradients, updates and learning rate."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.getters import query_one
from textual.widget import Widget

from tuilab.core.run.run import Run
from tuilab.ui.panes.charts.chart_metrics import (
    Guide,
    labels_of,
    loss_guides,
    metric_guides,
    metrics_of,
    title,
)
from tuilab.ui.panes.charts.layer_list import LayerList, LayerRow, layer_rows
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.scene import Scene, Settings
from tuilab.ui.plot.traces import Trace
from tuilab.ui.terminal.glyphs import signs

SOON = "The first values appear in a moment."


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the charts to choose from."""

    name: str
    "As the border shows it; empty for what the task's metric is called."
    brief: str
    "The same where there is little room."
    empty: str
    is_log: bool = False
    layers: str = ""
    "The family of series that has one for each layer."
    families: tuple[str, ...] = ()
    "The families of its series; none for the metric that is chosen."
    guides: tuple[Guide, ...] = ()


KINDS = (
    Kind(
        "Loss", "Loss", "the loss appears here. C opens the course",
        families=("loss", "discriminator_loss"),
    ),
    Kind("", "", "how well the network does appears here"),
    Kind(
        "Gradients", "Grad",
        "the size of each layer's gradient appears here", True, "gradient", ("gradient",),
    ),
    Kind(
        "Updates", "Upd",
        "how far each step moves the weights, as a part of their size, appears here",
        True, "update", ("update",), ((1e-3, "1e-3 is usual"),),
    ),
    Kind("Rate", "Rate", "the learning rate appears here", families=("lr",)),
)  # fmt: skip

COLOURS = {"validation": 2, "discriminator": 3}
"""The colours of lines by their labels, so that they keep them; else the first."""

NARROW = 46
"""Below so many columns, the choice of charts is written in short."""

TALL = 22
"""From so many rows on, there are two charts."""


class ChartView(Container):
    """One chart with the line that chooses which."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "up", "choose(-1)", "Chart", tooltip="Show the chart before",
            id="charts.previous", key_display="↑↓",
        ),
        Binding(
            "down", "choose(1)", "Next chart", tooltip="Show the next chart",
            id="charts.next", show=False,
        ),
        Binding(
            "t", "metric(1)", "Metric", tooltip="Show the next of the metrics: accuracy, F1, ...",
            id="charts.metric",
        ),
    ]  # fmt: skip

    chart = query_one(Chart)
    layer_list = query_one(LayerList)

    def __init__(self, chosen: int, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.chosen = chosen
        self.metric = ""
        "The metric that is shown; empty for the task's own."
        self._run: Run | None = None
        self._seen: tuple[object, ...] = ()
        self._titles = "", ""
        self._settings = [Settings(kind.is_log, 0.6 if kind.layers else 0.0) for kind in KINDS]

    @property
    def kind(self) -> Kind:
        """The chart that is shown."""
        return KINDS[self.chosen]

    @property
    def _is_metric(self) -> bool:
        return not self.kind.name

    def _metric_of(self, run: Run | None) -> str:
        """The metric to show: the one that was chosen, if this run has it."""
        names = metrics_of(run)
        return self.metric if self.metric in names else names[0]

    def compose(self) -> ComposeResult:
        yield Chart()
        yield LayerList()

    def on_mount(self) -> None:
        self.chart.settings = self._settings[self.chosen]
        self._label()

    def show(self, run: Run) -> None:
        """Show a run's history, if it is another than the one shown and anyone sees it."""
        self._run = run
        if not self.is_on_screen:
            return
        marks = (len(run.marks), *run.marks[-1:])
        guides = self._guides(run)
        seen = (run.id, run.state, self.chosen, self.metric, marks, guides, *self._lengths(run))
        if seen == self._seen:
            return
        self._seen = seen
        rows = list(layer_rows(run, self.kind.layers)) if self.kind.layers else []
        self._arrange(rows)
        self._label()
        self.chart.show(self._scene(run, rows, guides))

    def _series(self, run: Run) -> dict[str, str]:
        """The series that the chart shows, each with its label."""
        return labels_of(run, self.kind.families or (self._metric_of(run),))

    def _guides(self, run: Run) -> tuple[Guide, ...]:
        if self._is_metric:
            return metric_guides(run, self._metric_of(run))
        return loss_guides(run.experiment) if self.kind.name == "Loss" else self.kind.guides

    def _lengths(self, run: Run) -> Iterator[object]:
        for name in self._series(run):
            series = run.series[name]
            yield from (name, series.count, series.last)

    def _arrange(self, rows: list[LayerRow]) -> None:
        self.layer_list.show(rows)
        width, height = self.size
        beside = width >= 84
        self.set_class(bool(rows) and beside, "-beside")
        self.set_class(bool(rows) and not beside and height >= 12, "-below")
        self.layer_list.styles.height = "100%" if beside else min(len(rows) + 1, height // 2 - 1)

    def _scene(self, run: Run, rows: list[LayerRow], guides: tuple[Guide, ...]) -> Scene:
        traces = []
        if self.kind.layers:
            for row in (row for row in rows if row.sign):
                series = run.series[f"{self.kind.layers}/{row.name}"]
                traces.append(Trace(row.name, [], row.colour, row.sign, True, row.newest, series))
        else:
            for name, label in self._series(run).items():
                series = run.series[name]
                newest = series.last[1] if series.last else None
                number = COLOURS.get(label, 1)
                sign = signs().lines[number - 2] if number > 1 else ""
                traces.append(Trace(label, [], number, sign, True, newest, series))
        is_begun = run.state in ("starting", "training")
        empty = SOON if is_begun else f"Press space to start training: {self.kind.empty}."
        return Scene(traces, run.marks, guides, empty)

    def _label(self) -> None:
        """Put the choice into the border: the chart that is shown stands out."""
        metric = title(self._metric_of(self._run))
        if self.size.width < NARROW:
            names = [kind.brief or metric[:3] for kind in KINDS]
        else:
            names = [kind.name or metric for kind in KINDS]
        heading = " ".join(
            f"[b reverse] {name} [/]"
            if number == self.chosen
            else f"[@click=open({number})] {name} [/]"
            for number, name in enumerate(names)
        )
        titles = heading, self._others()
        if titles != self._titles:  # a new title repaints all that it frames
            self.border_title, self.border_subtitle = self._titles = titles

    def _others(self) -> str:
        """The metrics to choose from, where there are several: for the frame's last line."""
        names, shown = metrics_of(self._run), self._metric_of(self._run)
        if not self._is_metric or len(names) < 2:
            return ""
        place = names.index(shown)
        return f"{place + 1} of {len(names)} · [b]t[/] {title(names[(place + 1) % len(names)])}"

    def action_choose(self, by: int) -> None:
        """Show the chart so many further on."""
        self.action_open((self.chosen + by) % len(KINDS))

    def action_open(self, number: int) -> None:
        """Show a chart by its place."""
        self._settings[self.chosen] = self.chart.settings
        self.chosen, self._seen = number, ()
        self.chart.action_cursor_off()
        self.chart.settings = self._settings[number]
        self._label()
        if self._run is not None:
            self.show(self._run)

    def action_metric(self, by: int) -> None:
        """Show the metric so many further on; go to the chart of metrics first."""
        names, shown = metrics_of(self._run), self._metric_of(self._run)
        if self._is_metric:
            self.metric = names[(names.index(shown) + by) % len(names)]
        self.action_open(next(place for place, kind in enumerate(KINDS) if not kind.name))

    def on_show(self) -> None:
        """Catch up with what came while the chart was hidden."""
        if self._run is not None:
            self.show(self._run)

    def on_resize(self) -> None:
        """Find a place for the layers again."""
        self._label()
        self._seen = ()
        if self._run is not None:
            self.show(self._run)


class ChartsPane(Widget):
    """One chart, or two above each other where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "other", "Other chart", tooltip="Go to the other chart", id="charts.other")
    ]

    upper = query_one("#upper", ChartView)
    lower = query_one("#lower", ChartView)

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._run: Run | None = None
        self._turn = 0

    def compose(self) -> ComposeResult:
        yield ChartView(0, id="upper")
        yield ChartView(2, id="lower")

    def show(self, run: Run, in_turns: bool = False) -> None:
        """Show a run's history as it stands; in turns, so that no frame waits for two charts."""
        self._run = run
        views = [view for view in (self.upper, self.lower) if view.display]
        self._turn += 1
        for view in [views[self._turn % len(views)]] if in_turns and views else views:
            view.show(run)

    def action_other(self) -> None:
        """Go to the other of two charts."""
        there = self.upper if self.lower.has_focus_within else self.lower
        self.screen.set_focus(there.chart)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There is another chart only where there is room for two."""
        return self.has_class("-tall") if action == "other" else True

    def on_resize(self) -> None:
        """Make or take away the second chart."""
        self.set_class(self.size.height >= TALL, "-tall")
        if self._run is not None:
            self.call_after_refresh(self.show, self._run)
