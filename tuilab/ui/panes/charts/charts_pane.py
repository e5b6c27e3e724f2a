"""The charts of a run: loss, metric, gradients, updates and learning rate."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from tuilab.core.catalogue.metrics import is_higher_better
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import format_counted
from tuilab.core.run.run import Run
from tuilab.core.run.step_map import build_step_map
from tuilab.ui.panes.charts.band_traces import trace_bands
from tuilab.ui.panes.charts.chart_metrics import (
    Guide,
    find_loss_guides,
    find_metric_guides,
    label_series,
    list_metrics,
    metric_title,
)
from tuilab.ui.panes.charts.layer_list import (
    VERDICT_NOTES,
    LayerList,
    LayerRow,
    build_layer_rows,
)
from tuilab.ui.panes.charts.overlay_traces import (
    OverlayTraces,
    convert_marks,
    convert_trace,
    name_held_out_first,
)
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.traces import Trace
from tuilab.ui.run_overlay import RunOverlay
from tuilab.ui.terminal.glyphs import get_glyphs

WAITING_MESSAGE = "The first values appear in a moment."

UNMEASURED_MESSAGE = "The run ended before this was measured."


@dataclass(frozen=True, slots=True)
class ChartKind:
    """One of the charts to choose from."""

    name: str
    "As the border shows it; empty for the title of the metric."
    short_name: str
    "The same where there is little room."
    empty_message: str
    is_log: bool = False
    layer_family: str = ""
    "The family of series that has one for each layer."
    families: tuple[str, ...] = ()
    "The families of its series; empty for the metric that is chosen."
    guides: tuple[Guide, ...] = ()


CHART_KINDS = (
    ChartKind(
        "Loss", "Loss", "the loss appears here. C opens the course",
        families=("loss", "discriminator_loss"),
    ),
    ChartKind("", "", "how well the network does appears here"),
    ChartKind(
        "Gradients", "Grad",
        "the size of each layer's gradient appears here", True, "gradient", ("gradient",),
    ),
    ChartKind(
        "Updates", "Upd",
        "how far each step moves the weights, relative to their size, appears here",
        True, "update", ("update",), ((1e-3, "1e-3 is usual"),),
    ),
    ChartKind("Rate", "Rate", "the learning rate appears here", families=("lr",)),
)  # fmt: skip

LABEL_COLORS = {
    "validation": 2, "generator, validation": 2,
    "discriminator": 3, "discriminator, validation": 5,
}  # fmt: skip
"""The colors of lines by their labels, so that they keep them; others have the first."""

SHORT_LABELS = {
    "generator": "G", "generator, validation": "G validation",
    "discriminator": "D", "discriminator, validation": "D validation",
}  # fmt: skip
"""Labels where there is little room."""

LAYER_SMOOTHING = 0.6
"""The smoothing that charts of layers begin with."""

TALL_HEIGHT = 28
"""From this height on there are two charts."""

WIDTH_BESIDE = 84
"""From this width on the layers are listed beside their chart."""

MIN_LIST_HEIGHT = 12
"""From this height on the layers are listed below their chart, where they are not beside it."""


class ChartView(Container):
    """One chart with the line that chooses which."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "choose(-1)", "Chart", id="charts.previous", key_display="↑↓",
                tooltip="Show another chart"),
        Binding("down", "choose(1)", "Next chart", id="charts.next", show=False,
                tooltip="Show the next chart"),
        Binding("t", "metric(1)", "Metric", id="charts.metric",
                tooltip="Show the next metric: accuracy, F1, ...; of other runs, the next layer"),
    ]  # fmt: skip

    def __init__(self, tab: int, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.chart, self.layer_list = Chart(), LayerList()
        self.tab = tab
        self.metric = ""
        "The metric that is shown; empty for the task's own."
        self.layer_name = ""
        "The layer that is shown with other runs; empty for the first."
        self._overlay, self._overlay_traces = RunOverlay(), OverlayTraces()
        self._missing = 0
        "Other runs that have nothing to show in this chart."
        self._run = Run()
        self._experiment: Experiment | None = None
        "The experiment of the next run."
        self._shown_state: tuple[object, ...] = ()
        self._titles = "", ""
        self._options = [
            ChartOptions(kind.is_log, LAYER_SMOOTHING if kind.layer_family else 0.0)
            for kind in CHART_KINDS
        ]

    @property
    def kind(self) -> ChartKind:
        """The chart that is shown."""
        return CHART_KINDS[self.tab]

    @property
    def _is_metric(self) -> bool:
        return not self.kind.name

    def _choose_metric(self, run: Run) -> str:
        """Returns the metric that was chosen if this run has it, else the run's first."""
        names = list_metrics(run, self._experiment)
        return self.metric if self.metric in names else names[0]

    def compose(self) -> ComposeResult:
        yield self.chart
        yield self.layer_list

    def on_mount(self) -> None:
        self.chart.options = self._options[self.tab]
        self._update_titles()

    def show(
        self, run: Run, experiment: Experiment | None = None, overlay: RunOverlay | None = None
    ) -> None:
        """Shows the history of a run, if it changed and the chart is visible.

        Args:
            experiment: that of the next run.
            overlay: other runs that are drawn as well.
        """
        self._run, self._experiment = run, experiment
        self._overlay = overlay or self._overlay
        if not self.is_on_screen:
            return
        self.chart.show_past(self._locate_past(run))
        marks = (len(run.marks), *run.marks[-1:])
        guides = self._find_guides(run)
        ends = [(name, run.series[name].count, run.series[name].last) for name in self._series(run)]
        metric = self._choose_metric(run)
        seeds = run.seeds and (run.seeds.group, run.seeds.fraction)
        version = self._overlay.version
        state = (run.id, run.state, self.tab, metric, marks, guides, seeds, version, *ends)
        if state == self._shown_state:
            return
        self._shown_state = state
        family = self.kind.layer_family
        rows = self._choose_rows(list(build_layer_rows(run, family))) if family else []
        self._place_layers(rows)
        traces = list(self._trace_layers(run, rows) if family else self._trace_series(run))
        traces += trace_bands(run, self.kind.families or (metric,)) if not family else ()
        data = ChartData(
            traces, run.marks, guides, self._empty_message(run),
            is_higher_better=self._is_higher_better(metric),
        )  # fmt: skip
        self.chart.show(self._add_overlay(run, data))
        self._update_titles()

    def _locate_past(self, run: Run) -> float | None:
        """Returns the x of the snapshot that is traveled to, in the unit of the overlay."""
        if run.past is None:
            return None
        step_map = build_step_map(run, self._overlay.unit)
        return float(run.past.step) if step_map is None else step_map.at(run.past.step)

    def _add_overlay(self, run: Run, data: ChartData) -> ChartData:
        """Returns what is shown with the lines of other runs, all in the unit of the overlay."""
        overlay, family = self._overlay, self.kind.layer_family
        names = name_held_out_first(self.kind.families or (self._choose_metric(run),))
        if family:
            names = [f"{family}/{self._choose_layer()}"]
        backdrop, forks = self._overlay_traces.build(overlay, run.id, names)
        step_map = build_step_map(run, overlay.unit)
        if step_map is not None:
            traces = [convert_trace(trace, step_map) for trace in data.traces]
            data = replace(data, traces=traces, is_integer_x=False, x_name=overlay.unit)
        self._missing = len(overlay.ids - {run.id}) - len(backdrop.traces)
        marks = [*convert_marks(run.marks, step_map), *forks]
        return replace(data, marks=marks, backdrop=backdrop)

    def _is_higher_better(self, metric: str) -> bool | None:
        """Returns whether the best value is the highest; None where no value is the best."""
        if self._is_metric:
            return is_higher_better(metric)
        return False if self.kind.name == "Loss" else None

    def _list_layers(self) -> list[str]:
        """Returns the layers that can be compared: those of the present run, else of another."""
        runs = (self._run, *(other.run for other in self._overlay.runs))
        prefix = f"{self.kind.layer_family}/"
        layers = ([name.removeprefix(prefix) for name in run.series if name.startswith(prefix)]
                  for run in runs)  # fmt: skip
        return next(filter(None, layers), [])

    def _choose_layer(self) -> str:
        layers = self._list_layers()
        return self.layer_name if self.layer_name in layers else next(iter(layers), "")

    def _choose_rows(self, rows: list[LayerRow]) -> list[LayerRow]:
        """Returns the layers; only one of them is drawn where there are other runs."""
        if not self._overlay.runs:
            return rows
        layer_name, marker = self._choose_layer(), get_glyphs().line_markers[0]
        return [replace(row, marker=marker, color=1) if row.name == layer_name
                else replace(row, marker="", color=0) for row in rows]  # fmt: skip

    def _empty_message(self, run: Run) -> str:
        """Returns what is said while there is nothing to draw."""
        if run.state == "idle":
            return f"Press space to start training: {self.kind.empty_message}."
        return UNMEASURED_MESSAGE if run.state in ("finished", "failed") else WAITING_MESSAGE

    def _series(self, run: Run) -> dict[str, str]:
        """Returns the series that the chart shows, each with its label."""
        return label_series(run.series, self.kind.families or (self._choose_metric(run),))

    def _find_guides(self, run: Run) -> tuple[Guide, ...]:
        if self._is_metric:
            return find_metric_guides(run, self._choose_metric(run))
        return find_loss_guides(run.experiment) if self.kind.name == "Loss" else self.kind.guides

    def _place_layers(self, rows: list[LayerRow]) -> None:
        self.layer_list.show(rows)
        width, height = self.size
        is_beside = width >= WIDTH_BESIDE
        self.set_class(bool(rows) and is_beside, "-beside")
        self.set_class(bool(rows) and not is_beside and height >= MIN_LIST_HEIGHT, "-below")
        list_height = min(len(rows) + 1, height // 2 - 1)
        self.layer_list.styles.height = "100%" if is_beside else list_height

    def _trace_layers(self, run: Run, rows: list[LayerRow]) -> Iterator[Trace]:
        for row in rows:
            if row.marker:
                series = run.series[f"{self.kind.layer_family}/{row.name}"]
                yield Trace(row.name, [], row.color, row.marker, True, row.latest, series)

    def _trace_series(self, run: Run) -> Iterator[Trace]:
        for name, label in self._series(run).items():
            series = run.series[name]
            latest = series.last[1] if series.last else None
            color = LABEL_COLORS.get(label, 1)
            marker = get_glyphs().line_markers[color - 2] if color > 1 else ""
            short = SHORT_LABELS.get(label, "")
            yield Trace(label, [], color, marker, True, latest, series, short)

    def _update_titles(self) -> None:
        """Writes the charts to choose from into the border, the current one highlighted."""
        metric = metric_title(self._choose_metric(self._run))
        names = [kind.name or metric for kind in CHART_KINDS]
        if self.size.width < sum(len(name) + 3 for name in names) + 1:
            names = [kind.short_name or metric[:3] for kind in CHART_KINDS]
        heading = " ".join(
            f"[b reverse] {name} [/]"
            if number == self.tab
            else f"[@click=open({number})] {name} [/]"
            for number, name in enumerate(names)
        )
        notes = (self._describe_missing(), self._describe_next_choice())
        titles = heading, " · ".join(filter(None, notes)) or self._describe_verdicts()
        if titles != self._titles:  # A new title repaints everything that it frames.
            self.border_title, self.border_subtitle = self._titles = titles

    def _describe_missing(self) -> str:
        """Returns how many of the other runs have nothing to show in this chart."""
        return f"not in {format_counted(self._missing, 'run')}" if self._missing else ""

    def _describe_next_choice(self) -> str:
        """Returns the place of the metric or layer among several, and the next one."""
        if self._is_metric:
            names, current = (
                list_metrics(self._run, self._experiment),
                self._choose_metric(self._run),
            )
            titles = list(map(metric_title, names))
        elif self.kind.layer_family and self._overlay.runs:
            names, current = self._list_layers(), self._choose_layer()
            titles = [name.replace("[", "(") for name in names]
        else:
            return ""
        if len(names) < 2:
            return ""
        index = names.index(current)
        return f"{index + 1} of {len(names)} · [b]t[/] {titles[(index + 1) % len(names)]}"

    def _describe_verdicts(self) -> str:
        """Returns what `small?` and `large?` in the list of layers mean, if one is there."""
        family = self.kind.layer_family
        if not family or not self.layer_list.has_question:
            return ""
        return VERDICT_NOTES[family]

    def action_choose(self, by: int) -> None:
        """Shows the chart `by` places further on."""
        self.action_open((self.tab + by) % len(CHART_KINDS))

    def action_open(self, number: int) -> None:
        """Shows a chart by its number."""
        self._options[self.tab] = self.chart.options
        self.tab = number
        self.chart.action_cursor_off()
        self.chart.options = self._options[number]
        self._show_again()

    def action_metric(self, by: int) -> None:
        """Shows the metric `by` places further on; goes to the chart of metrics first.

        Where one layer is compared with that of other runs, it is the layer.
        """
        layers = self._list_layers() if self.kind.layer_family and self._overlay.runs else []
        if layers:
            self.layer_name = layers[(layers.index(self._choose_layer()) + by) % len(layers)]
            self._show_again()
            return
        names = list_metrics(self._run, self._experiment)
        metric = self._choose_metric(self._run)
        if self._is_metric:
            self.metric = names[(names.index(metric) + by) % len(names)]
        self.action_open(next(n for n, kind in enumerate(CHART_KINDS) if not kind.name))

    def on_show(self) -> None:
        """Shows what changed while the chart was hidden."""
        self.show(self._run, self._experiment)

    def on_resize(self) -> None:
        """Places the layers again."""
        self._show_again()

    def _show_again(self) -> None:
        self._update_titles()
        self._shown_state = ()
        self.show(self._run, self._experiment)


class ChartsPane(Widget):
    """One chart, or two above each other where there is room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "other", "Other chart", tooltip="Go to the other chart", id="charts.other"),
        Binding("a", "align", "Align by", id="charts.align",
                tooltip="Draw runs over steps, epochs, examples or seconds"),
    ]  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self.upper, self.lower = ChartView(0, id="upper"), ChartView(2, id="lower")
        self._run: Run | None = None
        self._experiment: Experiment | None = None
        self._overlay = RunOverlay()
        self._show_count = 0

    def compose(self) -> ComposeResult:
        yield from (self.upper, self.lower)

    def show(
        self, run: Run, experiment: Experiment | None = None, alternate: bool = False,
        overlay: RunOverlay | None = None,
    ) -> None:  # fmt: skip
        """Shows the history of a run.

        Args:
            experiment: that of the next run.
            alternate: one chart a call, so that no frame waits for two.
            overlay: other runs that are drawn as well.
        """
        self._run, self._experiment = run, experiment
        self._overlay = overlay or self._overlay
        views = [view for view in (self.upper, self.lower) if view.display]
        self._show_count += 1
        for view in [views[self._show_count % len(views)]] if alternate and views else views:
            view.show(run, experiment, self._overlay)

    def action_align(self) -> None:
        """Draws all runs over the next unit: steps, epochs, examples or seconds."""
        unit = self._overlay.next_unit()
        for view in (self.upper, self.lower):
            view.chart.action_cursor_off()
        if self._run is not None:
            self.show(self._run, self._experiment)
        self.notify(f"over {unit if unit in ('examples', 'seconds') else f'{unit}s'}", timeout=2)

    def action_other(self) -> None:
        """Goes to the other of two charts."""
        other = self.upper if self.lower.has_focus_within else self.lower
        self.screen.set_focus(other.chart)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers the other chart only where there is room for two."""
        return self.has_class("-tall") if action == "other" else True

    def on_resize(self) -> None:
        """Shows or hides the second chart."""
        self.set_class(self.size.height >= TALL_HEIGHT, "-tall")
        if self._run is not None:
            self.call_after_refresh(self.show, self._run, self._experiment)
