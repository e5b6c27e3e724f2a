"""A scan along the next step as a chart: loss over the learning rate, with what matters marked."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor, isfinite, isnan, log10

from tuilab.core.format import format_compact, format_count
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse, Scan
from tuilab.core.run.run import Mark
from tuilab.core.run.series import Point
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.draw_chart import draw_chart
from tuilab.ui.plot.traces import Trace, to_points
from tuilab.ui.views.landscape.draw_landscape import name_examples

DECADE = 1000
"""Units of the chart's axis, which counts in whole numbers, from one power of ten to the next."""

CUT_RATIO = 1.5
"""A curve that rises is cut this many times farther above the start than the best lies below it."""

MIN_GAIN = 1e-3
"""A loss counts as lower if it falls by more than this fraction of itself."""


@dataclass(frozen=True, slots=True)
class ScanSummary:
    """What a scan shows about learning rates."""

    best: tuple[float, float] | None
    "The rate with the lowest loss and that loss; None if no step lowers it."
    harmful_from: float | None
    "From this rate on the loss is higher than without a step."


def summarize_scan(scan: Scan) -> ScanSummary:
    """Returns where the best rate lies, and from where on steps do harm."""
    known = [
        (rate, loss)
        for rate, loss in zip(scan.rates, scan.losses, strict=True)
        if not isnan(loss)  # NaN is not known yet
    ]
    limit = scan.current_loss - MIN_GAIN * abs(scan.current_loss)
    lower = [(loss, rate) for rate, loss in known if loss < limit]
    if not lower:
        return ScanSummary(None, None)
    loss, best = min(lower)
    before = (best, loss)
    for rate, after in known:
        if rate > best and after > scan.current_loss:
            crossing = _crossing(before, (rate, after), scan.current_loss)
            return ScanSummary((best, loss), crossing)
        if rate > best:
            before = (rate, after)
    return ScanSummary((best, loss), None)


def _crossing(before: tuple[float, float], after: tuple[float, float], level: float) -> float:
    """Returns the rate at which a line over the logarithm of the rate reaches a level."""
    if not isfinite(after[1]) or after[1] <= before[1]:
        return after[0]
    part = (level - before[1]) / (after[1] - before[1])
    ends = log10(before[0]), log10(after[0])
    return float(10 ** (ends[0] + part * (ends[1] - ends[0])))


def draw_scan(
    response: LandscapeResponse, scan: Scan, is_log: bool, size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws a scan to fill a size: a few lines of text, and the chart."""
    width, height = size
    cells = StyledCells(size, style, style.text)
    lines = textwrap.wrap(" ".join(describe_scan(response, scan)), max(20, width))
    lines = lines[: max(1, (height - 7) // 2)] if height > 8 else lines[:1]
    cells.write_lines(0, 0, lines, style.muted)
    data = _chart_data(response, scan, style.glyphs.line_markers[1])
    room = (width, max(1, height - len(lines)))
    drawing = draw_chart(data, ChartOptions(is_log), room, style)
    cells.paste(0, len(lines), drawing.cells)
    return cells


def describe_scan(response: LandscapeResponse, scan: Scan) -> Iterator[str]:
    """Yields what the scan shows, in sentences; the most important first."""
    summary = summarize_scan(scan)
    if scan.lr and isfinite(scan.current_loss) and isfinite(scan.loss_after_step):
        before, after = (format_compact(n, 4) for n in (scan.current_loss, scan.loss_after_step))
        yield (
            f"One step at the current rate {format_compact(scan.lr)} takes the loss "
            f"from {before} to {after}."
        )
    elif not scan.lr:
        yield "The schedule's current learning rate is 0."
    if summary.best is not None:
        rate, loss = summary.best
        yield f"Best: about {format_compact(rate, 2)}, to {format_compact(loss, 4)}."
    elif isfinite(scan.current_loss) and response.evaluations == response.total_evaluations:
        yield "No rate lowers the loss on these examples by more than 0.1%."
    if summary.harmful_from is not None:
        yield f"Higher than now from {format_compact(summary.harmful_from, 2)} on."
    way = (
        f"Along the step of {scan.optimizer}"
        if scan.direction == "optimizer"
        else "Straight down the gradient"
    )
    evaluations = f"{response.evaluations} of {response.total_evaluations} evaluations"
    step = format_count(response.step)
    examples = name_examples(response, "example")
    yield f"{way} of step {step}; {evaluations}, on {examples}."
    if response.current_step != response.step:
        yield f"The run is now at step {format_count(response.current_step)}; press a to refresh."
    if is_relative(scan):
        yield "The curves are multiples of the loss without a step."
    if response.note:
        yield response.note


def is_relative(scan: Scan) -> bool:
    """Returns whether curves are multiples of the loss without a step, so that they compare."""
    return scan.current_loss > 0 and not scan.current_batch_loss <= 0


def _chart_data(response: LandscapeResponse, scan: Scan, marker: str) -> ChartData:
    """Returns the two curves and what is marked on them."""
    summary = summarize_scan(scan)
    marks = [(scan.lr, f"now {format_compact(scan.lr)}")] if scan.lr else []
    if summary.best is not None:
        rate = summary.best[0]
        if scan.lr and abs(_x(rate) - _x(scan.lr)) < DECADE / 20:
            marks = [(scan.lr, f"now, best {format_compact(scan.lr)}")]
        else:
            marks.append((rate, f"best {format_compact(rate, 2)}"))
    if summary.harmful_from is not None:
        marks.append((summary.harmful_from, f"worse {format_compact(summary.harmful_from, 2)}"))
    traces = []
    if scan.batch_losses:
        label = f"next batch of {format_count(scan.batch_size)}"
        points = _points(scan, scan.batch_losses, scan.current_batch_loss)
        traces.append(Trace(label, points, 2, marker))
    label = name_examples(response)
    traces.append(Trace(label, _points(scan, scan.losses, scan.current_loss), 1))
    start = 1.0 if is_relative(scan) else scan.current_loss
    return ChartData(
        traces,
        [Mark(_x(rate), text) for rate, text in marks],
        [(start, "without a step")] if isfinite(scan.current_loss) else [],
        empty_message="The first steps are being measured.",
        x_name="learning rate",
        x_ticks=_rate_ticks(scan),
    )


def _x(rate: float) -> int:
    return round(DECADE * log10(rate))


def _points(scan: Scan, losses: list[float], start: float) -> list[Point]:
    """Returns a curve up to where it leaves the chart upwards.

    Args:
        start: the loss without a step.
    """
    unit = start if is_relative(scan) else 1.0
    top = _top(scan)
    points = []
    for rate, loss in zip(scan.rates, losses, strict=True):
        if not isnan(loss):
            points.append((float(_x(rate)), min(loss / unit, top)))
            if points[-1][1] == top:
                break
    return to_points(points)


def _top(scan: Scan) -> float:
    """Returns where curves are cut: the fall to the best of them stays well visible."""
    start = 1.0 if is_relative(scan) else scan.current_loss
    curves = ((scan.losses, scan.current_loss), (scan.batch_losses, scan.current_batch_loss))
    falls = [0.1 * abs(start), 1e-9]
    for losses, current in curves:
        unit = current if is_relative(scan) else 1.0
        falls += [start - loss / unit for loss in losses if isfinite(loss)]
    return start + CUT_RATIO * max(falls)


def _rate_ticks(scan: Scan) -> list[tuple[float, str]]:
    """Returns powers of ten as ticks of the axis, which counts in whole numbers."""
    powers = range(floor(log10(min(scan.rates))), ceil(log10(max(scan.rates))) + 1)
    return [
        (power * DECADE, f"1e{power}" if abs(power) > 2 else format_compact(10.0**power))
        for power in powers
    ]
