"""The cost of a chart, by the length of the run."""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator
from functools import partial

import msgspec
from textual.app import App, ComposeResult

from tests.bench.measure import Row, at_most, interleaved, ratio, summarize
from tuilab.core.protocol.events import Progressed
from tuilab.core.run.run import Run
from tuilab.core.run.run_summary import RunSummary
from tuilab.core.run.series import Series
from tuilab.ui.panes.charts.charts_pane import ChartsPane
from tuilab.ui.plot.chart import Chart
from tuilab.ui.run_overlay import MAX_RUNS, RunOverlay

SHORT, LONG = 1_000, 10_000_000

OVERLAID_STEPS = 1_000_000


def make_run(steps: int) -> Run:
    """Returns a run with this many steps in its history."""
    rng = random.Random(0)
    series = Series()
    for step in range(steps):
        series.append(step, 1 / (1 + step / steps * 9) + rng.random() / 9)
    newest = Progressed("bench", steps, 1.0, 0.1, 0.1, 0.1, {}, 0.1, 1.0, 1.0, 1.0, None)
    return Run(
        id="bench", state="training", step=steps, progress=newest,
        series={"loss/train": series, "loss/validation": series},
    )  # fmt: skip


class ChartsApp(App[None]):
    """An app with two panes of charts above each other."""

    CSS = "ChartsPane { height: 1fr; }"

    def __init__(self) -> None:
        super().__init__()
        self.panes = ChartsPane(), ChartsPane()

    def compose(self) -> ComposeResult:
        yield from self.panes


def overlay_of(run: Run, count: int) -> RunOverlay:
    """Returns an overlay of runs with histories like this one, each at another height."""
    overlay = RunOverlay()
    for number in range(count):
        series = {name: _raise(series, number / 10) for name, series in run.series.items()}
        overlay.put([(RunSummary(id=f"run-{number}"), Run(id=f"run-{number}", series=series))])
    return overlay


def _raise(series: Series, by: float) -> Series:
    """Returns a history that is higher by a number everywhere."""
    raised = msgspec.structs.replace(series)
    for name in ("recent", "buckets", "pending"):
        points = getattr(series, name)
        setattr(raised, name, [(x, y + by, low + by, high + by) for x, y, low, high in points])
    return raised


async def _measure_frames(
    first: tuple[Run, RunOverlay], second: tuple[Run, RunOverlay]
) -> tuple[list[float], list[float]]:
    """Returns the milliseconds of frames of two runs, each with others over it."""
    app = ChartsApp()
    async with app.run_test(size=(80, 88)) as pilot:

        def draw_frame(pane: ChartsPane, run: Run, overlay: RunOverlay) -> float:
            run.version += 1
            run.step += 1
            run.series["loss/train"].append(run.step, 0.1 + (run.step % 7) / 50)
            start = time.perf_counter()
            pane.show(run, overlay=overlay)
            for chart in pane.query(Chart):
                if chart.is_stale:  # the one before took so long that it would rest now
                    chart.redraw()
                for y in range(chart.size.height):
                    chart.render_line(y)
            return 1000 * (time.perf_counter() - start)

        draw_first = partial(draw_frame, app.panes[0], *first)
        draw_second = partial(draw_frame, app.panes[1], *second)
        for draw in (draw_first, draw_second):
            draw()
            await pilot.pause()
        first_times, second_times = interleaved(21, draw_first, draw_second)
        return first_times, second_times


def _overlay_rows() -> Iterator[Row]:
    """Yields the rows on charts with other runs over the present one.

    The present run of each grows with every frame; the lines of the others are drawn when the axes
    move.
    """
    other = make_run(OVERLAID_STEPS)
    presents = [make_run(SHORT) for _ in range(2)]
    overlays = overlay_of(other, 1), overlay_of(other, MAX_RUNS)
    one, twenty = asyncio.run(
        _measure_frames((presents[0], overlays[0]), (presents[1], overlays[1]))
    )
    yield at_most(
        "chart frame with 20 runs of 10⁶ steps over it / with one", ratio(twenty, one), 1.2,
        f"{summarize(twenty, 1)} / {summarize(one, 1)} ms", "×",
    )  # fmt: skip


def rows() -> Iterator[Row]:
    """Yields the rows on charts."""
    short, long = make_run(SHORT), make_run(LONG)
    none = RunOverlay()
    first, second = asyncio.run(_measure_frames((short, none), (long, none)))
    yield at_most(
        "chart frame after 10⁷ steps / after 10³", ratio(second, first), 1.2,
        f"{summarize(second, 1)} / {summarize(first, 1)} ms", "×",
    )  # fmt: skip
    series = long.series["loss/train"]
    points = len(series.recent) + len(series.buckets) + len(series.pending)
    size = points * (sys.getsizeof((0.0,) * 4) + 4 * sys.getsizeof(0.0)) / 2**20
    yield at_most("memory of one series after 10⁷ steps", size, 2, f"{points} points", " MiB")
    yield Row("a chart frame", statistics.median(first), "", None, summarize(first, 1), " ms")
    yield from _overlay_rows()
