"""A histogram, and one histogram after another as time goes on."""

from rich.style import Style

from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.histograms import rebinned
from tuilab.core.protocol.inspect.layer_messages import Histogram, HistogramRow, History
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.half_blocks import paint, shade
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.axes import short
from tuilab.ui.views.layer.draw_heat_grid import Box

TALLEST = 3.0
"""A bar more than so many times as high as the next one is cut."""

WIDEST = 6
"""Columns that one look takes at most."""

OUTERMOST = 0.005
"""The share of numbers on either side that a history leaves out, so that the others are seen."""

AXIS = 8
"""Columns for the labels at the left."""


def draw_histogram(grid: CellBuffer, box: Box, seen: Histogram, brush: Brush) -> None:
    """Bars above an axis from the lowest to the highest number."""
    x, y, width, height = box
    rows, columns = height - 1, max(4, width - AXIS)
    bins = min(len(seen.counts), columns)
    each, total = columns // bins, sum(seen.counts)
    row = HistogramRow(0, 0, seen.low, seen.high, [float(count) for count in seen.counts])
    counts = rebinned(row, seen.low, seen.high, bins)
    if rows < 1 or not total:
        return
    largest, second = sorted(counts)[-1], sorted(counts)[-2]
    top = largest if largest <= TALLEST * second or not second else TALLEST * second / 2
    left = x + AXIS
    for number, count in enumerate(counts):
        middle = seen.low + (number + 0.5) * (seen.high - seen.low) / bins
        style = brush.side(middle < 0)
        for column in range(left + number * each, left + (number + 1) * each):
            _bar(grid, (column, y, rows), count / top, style, brush)
        if count > top:
            text = f"{count / total:.0%}"
            at = min(left + number * each + each, left + bins * each - len(text))
            grid.write(at, y, text, brush.hues.label)
    grid.write(x, y, f"{top / total:.1%}".rjust(AXIS - 1), brush.hues.label)
    grid.write(x, y + rows - 1, "0".rjust(AXIS - 1), brush.hues.label)
    _ends(grid, (left, y + rows, bins * each), seen.low, seen.high, brush)


def _bar(
    grid: CellBuffer, place: tuple[int, int, int], part: float, style: Style, brush: Brush
) -> None:
    """One column of a bar; a little of anything is seen."""
    x, y, rows = place
    levels = brush.signs.levels
    steps = min(rows * len(levels), round(part * rows * len(levels)))
    steps = max(1, steps) if part > 0 else 0
    full, rest = divmod(steps, len(levels))
    for row in range(full):
        grid.put(x, y + rows - 1 - row, levels[-1], style)
    if rest:
        grid.put(x, y + rows - 1 - full, levels[rest - 1], style)


def _ends(
    grid: CellBuffer, place: tuple[int, int, int], low: float, high: float, brush: Brush
) -> None:
    """The labels under an axis: both ends, and zero where there is room."""
    x, y, width = place
    first, last = short(low), short(high)
    grid.write(x, y, first, brush.hues.label)
    grid.write(x + width - len(last), y, last, brush.hues.label)
    if low < 0 < high:
        at = x + round(-low / (high - low) * width)
        if grid.is_blank(at - 2, y, 5):
            grid.write(at, y, "0", brush.hues.label)


def draw_history(grid: CellBuffer, box: Box, seen: History, brush: Brush) -> None:
    """Time to the right, numbers upwards; the more numbers, the stronger the colour."""
    x, y, width, height = box
    rows, columns = height - 1, max(2, width - AXIS)
    if rows < 1 or not seen.rows:
        return
    ends = [_ends_of(row) for row in seen.rows]
    low, high = min(end for end, _ in ends), max(end for _, end in ends)
    few = _thinned(seen.rows, columns)
    each = max(1, min(WIDEST, columns // len(few)))
    bins = rows * 2 if brush.hues.is_blended else rows
    shares = [rebinned(row, low, high, bins) for row in few]
    parts = [_parts(column) for column in shares]
    picture = [
        [column[bins - 1 - place] for column in parts for _ in range(each)] for place in range(bins)
    ]
    left = x + AXIS
    if brush.hues.is_blended:
        paint(grid, left, y, [[brush.colour(part) for part in line] for line in picture])
    else:
        shade(grid, left, y, picture, brush.signs.shades, brush.hues.label)
    for row, value in ((0, high), (rows - 1, low)):
        grid.write(x, y + row, short(value).rjust(AXIS - 1), brush.hues.label)
    if low < 0 < high and 0 < (row := round(high / (high - low) * rows)) < rows - 1:
        grid.write(x, y + row, "0".rjust(AXIS - 1), brush.hues.label)
    first, last = f"step {grouped(few[0].step)}", grouped(few[-1].last)
    end = grid.write(left, y + rows, first, brush.hues.label)
    if len(few) > 1:
        at = max(end + 2, left + len(few) * each - len(last))
        grid.write(at, y + rows, last, brush.hues.label)


def _ends_of(row: HistogramRow) -> tuple[float, float]:
    """Between which numbers all but the outermost lie."""
    each = (row.high - row.low) / len(row.shares)
    first, last = 0, len(row.shares)
    passed = 0.0
    while first < last - 1 and passed + row.shares[first] < OUTERMOST:
        passed, first = passed + row.shares[first], first + 1
    passed = 0.0
    while last - 1 > first and passed + row.shares[last - 1] < OUTERMOST:
        passed, last = passed + row.shares[last - 1], last - 1
    return row.low + first * each, row.low + last * each


def _thinned(rows: list[HistogramRow], most: int) -> list[HistogramRow]:
    """At most so many, spread over all of them."""
    if len(rows) <= most:
        return rows
    return [rows[place * (len(rows) - 1) // max(1, most - 1)] for place in range(most)]


def _parts(shares: list[float]) -> list[float]:
    """Shares as strengths from 0 to 1; few numbers are seen beside many."""
    largest = max(shares) or 1.0
    return [float((share / largest) ** 0.7) for share in shares]
