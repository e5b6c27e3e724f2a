"""The lines of other runs in a chart, and everything in the unit that runs are aligned by."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tuilab.core.run.run import Mark, Run
from tuilab.core.run.series import Series
from tuilab.core.run.step_map import StepMap, build_step_map, list_points
from tuilab.ui.plot.backdrop import Backdrop
from tuilab.ui.plot.chart_data import PlacedMark
from tuilab.ui.plot.traces import Trace
from tuilab.ui.run_overlay import OverlaidRun, RunOverlay
from tuilab.ui.terminal.glyphs import get_glyphs

FindSeries = Callable[[Run], Series | None]
"""Returns the one series of a run that a chart shows of it; None if it has none."""


def find_first_series(names: Sequence[str]) -> FindSeries:
    """Returns a function that finds the first of these series that a run has."""

    def find(run: Run) -> Series | None:
        candidates = (run.find_series(name) for name in names)
        return next((series for series in candidates if series is not None and series.last), None)

    return find


def name_held_out_first(families: Iterable[str]) -> list[str]:
    """Returns what a chart shows of another run: held-out examples, else what it trained on."""
    return [name for family in families
            for name in (f"{family}/validation", f"{family}/train", family)]  # fmt: skip


class OverlayTraces:
    """Builds the lines of other runs, again only when one of them has changed."""

    def __init__(self) -> None:
        self._key: object = None
        self._backdrop, self._marks = Backdrop(), list[PlacedMark]()

    def build(
        self, overlay: RunOverlay, present: str, names: Sequence[str]
    ) -> tuple[Backdrop, list[PlacedMark]]:
        """Returns the lines, and a mark where a run branched off another one.

        Args:
            present: the id of the present run, which is not drawn twice.
            names: the series that are looked for in each run; the first one is drawn.
        """
        key = (id(overlay), overlay.version, present, tuple(names))
        if key != self._key:
            find = find_first_series(names)
            traces, marks = [], []
            for other in overlay.runs:
                series = find(other.run) if other.id != present else None
                if series is None:
                    continue
                step_map = build_step_map(other.run, overlay.unit)
                traces.append(_trace_run(other, series, step_map))
                marks += _mark_fork(other, step_map)
            self._key, self._backdrop, self._marks = key, Backdrop(traces), marks
        return self._backdrop, self._marks


def _trace_run(other: OverlaidRun, series: Series, step_map: StepMap | None) -> Trace:
    marker = get_glyphs().line_markers[other.marker]
    latest = series.last[1] if series.last else None
    trace = Trace(other.label, [], other.color, marker, latest=latest, series=series)
    return trace if step_map is None else convert_trace(trace, step_map)


def _mark_fork(other: OverlaidRun, step_map: StepMap | None) -> list[PlacedMark]:
    if not other.run.parent:
        return []
    step = float(other.run.parent_step)
    x = step if step_map is None else step_map.at(step)
    return [PlacedMark(x, f"{other.label} branches")]


def convert_trace(trace: Trace, step_map: StepMap) -> Trace:
    """Returns a line over steps in the unit of a map."""
    points = trace.points if trace.series is None else list_points(trace.series)
    return replace(trace, points=step_map.convert(points), series=None)


def convert_marks(marks: Iterable[Mark], step_map: StepMap | None) -> list[Mark | PlacedMark]:
    """Returns the marks of a run in the unit of a map."""
    if step_map is None:
        return list(marks)
    return [PlacedMark(step_map.at(mark.step), mark.text) for mark in marks]
