"""A scan along the next step as a chart: loss over the learning rate, with what matters marked."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite, log10

from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Scan
from tuilab.core.run.run import Mark
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.plot.axes import short
from tuilab.ui.plot.chart import plotted
from tuilab.ui.plot.chart_layout import Frame, draw
from tuilab.ui.plot.scene import Look, Scene, Settings
from tuilab.ui.plot.traces import Trace

DECADE = 1000
"""How far apart powers of ten stand on the chart's axis, which counts in whole numbers."""

ABOVE = 1.5
"""A curve that rises is cut so many times above now as the best lies below it."""


@dataclass(frozen=True, slots=True)
class Landing:
    """What a scan says of learning rates."""

    best: tuple[float, float] | None
    "The rate with the lowest loss and that loss; None if no step lowers it."
    worse: float | None
    "From this rate on the loss is higher than without a step."


GAIN = 1e-3
"""A loss that falls by less than this part of itself does not fall."""


def landing(scan: Scan) -> Landing:
    """Where the best rate lies, and where steps begin to do harm."""
    known = [
        (rate, loss)
        for rate, loss in zip(scan.rates, scan.losses, strict=True)
        if loss == loss  # NaN is not known yet
    ]
    bar = scan.now - GAIN * abs(scan.now)
    lower = [(loss, rate) for rate, loss in known if loss < bar]
    if not lower:
        return Landing(None, None)
    loss, best = min(lower)
    before = (best, loss)
    for rate, after in known:
        if rate > best and after > scan.now:
            return Landing((best, loss), _crossing(before, (rate, after), scan.now))
        if rate > best:
            before = (rate, after)
    return Landing((best, loss), None)


def _crossing(before: tuple[float, float], after: tuple[float, float], level: float) -> float:
    """The rate at which a line over the logarithm of the rate reaches a level."""
    if not isfinite(after[1]) or after[1] <= before[1]:
        return after[0]
    part = (level - before[1]) / (after[1] - before[1])
    ends = log10(before[0]), log10(after[0])
    return float(10 ** (ends[0] + part * (ends[1] - ends[0])))


def draw_scan(
    seen: LandscapeResponse, scan: Scan, is_log: bool, size: tuple[int, int], look: Look
) -> CellBuffer:
    """Draw a scan to fill a size: a few lines of words, and the chart."""
    width, height = size
    grid = CellBuffer(width, height, look.base)
    lines = textwrap.wrap(" ".join(words(seen, scan)), max(20, width))
    lines = lines[: max(1, (height - 7) // 2)] if height > 8 else lines[:1]
    for y, line in enumerate(lines):
        grid.write(0, y, line, look.label)
    room = (width, max(1, height - len(lines)))
    frame = draw(scene(seen, scan, look.signs.lines[1]), Settings(is_log), room, look, plotted)
    _rates(frame)
    grid.place(0, len(lines), frame.grid)
    return grid


def words(seen: LandscapeResponse, scan: Scan) -> Iterator[str]:
    """What the scan says, in sentences; the most wanted first."""
    found = landing(scan)
    if scan.lr and isfinite(scan.now) and isfinite(scan.landing):
        yield (
            f"One step at the present rate {short(scan.lr)} takes the loss "
            f"from {short(scan.now, 4)} to {short(scan.landing, 4)}."
        )
    elif not scan.lr:
        yield "The schedule's present learning rate is 0."
    if found.best is not None:
        yield f"Best: about {short(found.best[0], 2)}, to {short(found.best[1], 4)}."
    elif isfinite(scan.now) and seen.evaluations == seen.of:
        yield "No rate lowers the loss on these examples by a thousandth of it."
    if found.worse is not None:
        yield f"Higher than now from {short(found.worse, 2)} on."
    way = (
        f"Along the step of {scan.optimizer}"
        if scan.along == "optimizer"
        else "Straight down the gradient"
    )
    done = f"{seen.evaluations} of {seen.of} evaluations, on {seen.examples} examples"
    yield f"{way} of step {grouped(seen.step)}; {done}."
    if seen.present != seen.step:
        yield f"The run is at step {grouped(seen.present)} by now: a takes it anew."
    if is_relative(scan):
        yield "Drawn are multiples of the loss without a step."
    if seen.note:
        yield seen.note


def is_relative(scan: Scan) -> bool:
    """Whether curves are drawn as multiples of the loss without a step, so that they compare."""
    return scan.now > 0 and not scan.batch_now <= 0


def scene(seen: LandscapeResponse, scan: Scan, sign: str) -> Scene:
    """The two curves and what is marked on them."""
    found = landing(scan)
    marks = [(scan.lr, f"now {short(scan.lr)}")] if scan.lr else []
    if found.best is not None and scan.lr and abs(_x(found.best[0]) - _x(scan.lr)) < DECADE / 20:
        marks = [(scan.lr, f"now, best {short(scan.lr)}")]
    elif found.best is not None:
        marks.append((found.best[0], f"best {short(found.best[0], 2)}"))
    if found.worse is not None:
        marks.append((found.worse, f"worse {short(found.worse, 2)}"))
    unit = 1.0 if is_relative(scan) else scan.now
    traces = []
    if scan.batch_losses:
        batch = f"next batch of {grouped(scan.batch)}"
        points = _points(scan, scan.batch_losses, scan.batch_now)
        traces.append(Trace(batch, points, 2, sign))
    label = f"{grouped(seen.examples)} training examples"
    traces.append(Trace(label, _points(scan, scan.losses, scan.now), 1))
    return Scene(
        traces,
        [Mark(_x(rate), text) for rate, text in marks],
        [(unit, "without a step")] if isfinite(scan.now) else [],
        empty="The first steps are being measured.",
        x_name="learning rate",
    )


def _x(rate: float) -> int:
    return round(DECADE * log10(rate))


def _points(scan: Scan, losses: list[float], now: float) -> list[tuple[float, float, float, float]]:
    """A curve up to where it leaves the chart upwards."""
    unit = now if is_relative(scan) else 1.0
    top = _top(scan)
    points = []
    for rate, loss in zip(scan.rates, losses, strict=True):
        if loss == loss:
            shown = min(loss / unit, top)
            points.append((float(_x(rate)), shown, shown, shown))
            if shown == top:
                break
    return points


def _top(scan: Scan) -> float:
    """Where curves are cut: the fall to the best of them stays well visible."""
    start = 1.0 if is_relative(scan) else scan.now
    falls = [0.1 * abs(start), 1e-9]
    for losses, now in ((scan.losses, scan.now), (scan.batch_losses, scan.batch_now)):
        unit = now if is_relative(scan) else 1.0
        falls += [start - loss / unit for loss in losses if isfinite(loss)]
    return start + ABOVE * max(falls)


def _rates(frame: Frame) -> None:
    """Write powers of ten under the axis instead of the whole numbers that it counts in."""
    grid, look, row = frame.grid, frame.look, frame.grid.height - 1
    line = frame.top + frame.height
    if line >= grid.height:
        return
    name = " learning rate" if frame.width > 44 else " lr"
    end = grid.width - len(name)
    for x in range(frame.left - 1 if frame.left else 0, grid.width):
        grid.put(x, row, " ", look.label)
        if line < row and x >= frame.left:
            grid.put(x, line, look.signs.horizontal, look.axis)
    free = 0
    for power in range(round(frame.view.left / DECADE), round(frame.view.right / DECADE) + 1):
        label = f"1e{power}" if abs(power) > 2 else short(10.0**power)
        column = frame.column(power * DECADE)
        start = max(0, column - len(label) // 2)
        if line < row:
            grid.put(column, line, look.signs.tick_down, look.axis)
        if start >= free and start + len(label) <= end:
            free = grid.write(start, row, label, look.label) + 2
    grid.write(end, row, name, look.label)
