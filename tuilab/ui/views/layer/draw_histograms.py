"""A histogram, and histograms over time."""

from collections.abc import Iterable
from itertools import accumulate

from textual.geometry import Region

from tuilab.core.format import format_compact, format_count, format_percent
from tuilab.core.protocol.inspect.histograms import rebin
from tuilab.core.protocol.inspect.layer_messages import Histogram, HistogramHistory, HistogramRow
from tuilab.ui.canvas.half_blocks import draw_field
from tuilab.ui.canvas.styled_cells import StyledCells

MAX_RATIO = 3.0
"""A bar more than this many times as high as the next one is cut."""

MAX_ROW_WIDTH = 6
"""Columns that one histogram takes over time, at most."""

OUTLIERS = 0.005
"""The fraction of the values on either side that a history omits, so that the rest is visible."""

GUTTER = 8
"""Columns for the labels at the left."""


def draw_histogram(cells: StyledCells, region: Region, histogram: Histogram) -> None:
    """Draws bars above an axis from the lowest to the highest value."""
    x, y, width, height = region
    low, high = histogram.low, histogram.high
    rows, columns = height - 1, max(4, width - GUTTER)
    bins, total = min(len(histogram.counts), columns), sum(histogram.counts)
    bar_width = columns // bins
    row = HistogramRow(0, 0, low, high, [float(count) for count in histogram.counts])
    counts = rebin(row, low, high, bins)
    if rows < 1 or not total:
        return
    second, largest = sorted(counts)[-2:]
    is_cut = second and largest > MAX_RATIO * second
    top = MAX_RATIO * second / 2 if is_cut else largest
    left, right = x + GUTTER, x + GUTTER + bins * bar_width
    for number, count in enumerate(counts):
        is_negative = low + (number + 0.5) * (high - low) / bins < 0
        start = left + number * bar_width
        _draw_bar(cells, Region(start, y, bar_width, rows), count / top, is_negative)
        if count > top:
            text = format_percent(count / total)
            cells.write(min(start + bar_width, right - len(text)), y, text)
    cells.write_left_of(left - 1, y, format_percent(top / total, 1))
    cells.write_left_of(left - 1, y + rows - 1, "0")
    _draw_axis(cells, Region(left, y + rows, right - left, 1), low, high)


def _draw_bar(cells: StyledCells, region: Region, part: float, is_negative: bool) -> None:
    """Draws a bar from the bottom up; the smallest part is visible."""
    x, y, width, rows = region
    glyphs, bar_style = cells.style.glyphs.bars, cells.style.diverging_style(is_negative)
    steps = min(rows * len(glyphs), round(part * rows * len(glyphs)))
    full, rest = divmod(max(1, steps) if part > 0 else 0, len(glyphs))
    bottom = y + rows - 1
    for row in range(full):
        cells.write(x, bottom - row, glyphs[-1] * width, bar_style)
    if rest:
        cells.write(x, bottom - full, glyphs[rest - 1] * width, bar_style)


def _draw_axis(cells: StyledCells, region: Region, low: float, high: float) -> None:
    """Labels both ends of an axis, and zero where there is room."""
    x, y, width, _ = region
    cells.write(x, y, format_compact(low))
    cells.write_left_of(x + width, y, format_compact(high))
    if low < 0 < high:
        zero = x + round(-low / (high - low) * width)
        if cells.is_blank(zero - 2, y, 5):
            cells.write(zero, y, "0")


def draw_history(cells: StyledCells, region: Region, history: HistogramHistory) -> None:
    """Draws time to the right and values upwards; the more values, the stronger the color."""
    x, y, width, height = region
    rows, columns = height - 1, max(2, width - GUTTER)
    if rows < 1 or not history.rows:
        return
    limits = [_inner_limits(row) for row in history.rows]
    low, high = min(low for low, _ in limits), max(high for _, high in limits)
    rows_drawn = _thin(history.rows, columns)
    row_width = max(1, min(MAX_ROW_WIDTH, columns // len(rows_drawn)))
    left = x + GUTTER

    def sample(_: int, bins: int) -> list[list[float]]:
        strengths = [_strengths(rebin(row, low, high, bins)) for row in rows_drawn]
        return [
            [column[bins - 1 - index] for column in strengths for _ in range(row_width)]
            for index in range(bins)
        ]

    area = Region(left, y, row_width * len(rows_drawn), rows)
    draw_field(cells, area, sample, cells.style.diverging_pixel, cells.style.shade)
    cells.write_left_of(left - 1, y, format_compact(high))
    cells.write_left_of(left - 1, y + rows - 1, format_compact(low))
    if low < 0 < high and 0 < (row := round(high / (high - low) * rows)) < rows - 1:
        cells.write_left_of(left - 1, y + row, "0")
    end = cells.write(left, y + rows, f"step {format_count(rows_drawn[0].step)}")
    if len(rows_drawn) > 1:
        text = format_count(rows_drawn[-1].last_step)
        start = max(end + 2, left + len(rows_drawn) * row_width - len(text))
        cells.write(start, y + rows, text)


def _inner_limits(row: HistogramRow) -> tuple[float, float]:
    """Returns between which values all but the outliers lie."""
    count = len(row.fractions)
    bin_width = (row.high - row.low) / count
    first = min(_count_outliers(row.fractions), count - 1)
    last = max(count - _count_outliers(reversed(row.fractions)), first + 1)
    return row.low + first * bin_width, row.low + last * bin_width


def _count_outliers(fractions: Iterable[float]) -> int:
    """Returns in how many of the first bins there are no more values than may be omitted."""
    return sum(total < OUTLIERS for total in accumulate(fractions))


def _thin(rows: list[HistogramRow], count: int) -> list[HistogramRow]:
    """Returns at most this many rows, evenly from all of them."""
    if len(rows) <= count:
        return rows
    return [rows[index * (len(rows) - 1) // max(1, count - 1)] for index in range(count)]


def _strengths(fractions: list[float]) -> list[float]:
    """Returns fractions as strengths from 0 to 1; small ones stay visible beside large ones."""
    largest = max(fractions) or 1.0
    return [float((fraction / largest) ** 0.7) for fraction in fractions]
