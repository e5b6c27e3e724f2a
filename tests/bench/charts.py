"""The cost of a chart, by the length of the run."""

import asyncio
import random
import statistics
import sys
import time
from collections.abc import Iterator

from textual.app import App, ComposeResult

from tests.bench.measure import Row, at_most, interleaved, ratio, summarize
from tuilab.core.protocol.events import Progressed
from tuilab.core.run.run import Run
from tuilab.core.run.series import Series
from tuilab.ui.panes.charts.charts_pane import ChartsPane

SHORT, LONG = 1_000, 10_000_000


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
    """An app with a pane of charts."""

    def __init__(self) -> None:
        super().__init__()
        self.charts = ChartsPane()

    def compose(self) -> ComposeResult:
        yield self.charts


async def _measure_frames(short: Run, long: Run) -> tuple[list[float], list[float]]:
    app = ChartsApp()
    async with app.run_test(size=(80, 44)) as pilot:

        def draw_frame(run: Run) -> float:
            run.version += 1
            run.step += 1
            run.series["loss/train"].append(run.step, 0.1 + (run.step % 7) / 50)
            start = time.perf_counter()
            app.charts.show(run)
            for chart in app.charts.query("Chart"):
                for y in range(chart.size.height):
                    chart.render_line(y)
            return 1000 * (time.perf_counter() - start)

        for run in (short, long):
            draw_frame(run)
            await pilot.pause()
        first, second = interleaved(21, lambda: draw_frame(short), lambda: draw_frame(long))
    return first, second


def rows() -> Iterator[Row]:
    """Yields the rows on charts."""
    short, long = make_run(SHORT), make_run(LONG)
    first, second = asyncio.run(_measure_frames(short, long))
    yield at_most(
        "chart frame after 10⁷ steps / after 10³", ratio(second, first), 1.2,
        f"{summarize(second, 1)} / {summarize(first, 1)} ms", "×",
    )  # fmt: skip
    series = long.series["loss/train"]
    points = len(series.recent) + len(series.buckets) + len(series.pending)
    size = points * (sys.getsizeof((0.0,) * 4) + 4 * sys.getsizeof(0.0)) / 2**20
    yield at_most("memory of one series after 10⁷ steps", size, 2, f"{points} points", " MiB")
    yield Row("a chart frame", statistics.median(first), "", None, summarize(first, 1), " ms")
