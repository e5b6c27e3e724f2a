"""One drawing of a chart: plotext draws what has a place in the data, texts are written over it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import log2

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.ui.canvas.cell_buffer import BLANK
from tuilab.ui.canvas.draw_style import BOLD, FAINT, DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.plot import axes
from tuilab.ui.plot.chart_data import ChartData, ChartOptions
from tuilab.ui.plot.figure import Axes, PlotArea, Stroke, draw_figure
from tuilab.ui.plot.legend import (
    Entry,
    describe_omissions,
    draw_legend,
    draw_legend_rows,
    wrap_legend,
)
from tuilab.ui.plot.traces import (
    FilteredTrace,
    Trace,
    crop_traces,
    filter_trace,
    find_start,
    fit_limits,
    nearest_point,
)

TINT = 0.2
"""How strong the color of a line is in the background of its range."""

SMOOTHING_UNITS = 200
"""Parts of the range of x for each of which the smoothing counts once: the dots of a wide chart.

Lines with fewer points, whatever the steps at which they are measured, are smoothed less.
"""

MAX_ENVELOPES = 2
"""Lines up to which the range of each is shaded behind it; a band of several runs always is."""


@dataclass(slots=True)
class ChartDrawing:
    """A finished drawing, and where the data lie in it."""

    cells: StyledCells
    data: ChartData
    options: ChartOptions
    filtered_traces: Sequence[FilteredTrace]
    area: PlotArea
    behind: Sequence[FilteredTrace] = ()
    "The lines of the backdrop."
    legend: Sequence[Sequence[Entry]] = ()
    "The rows of a legend with lines of other runs; else it is one row over the plot."

    @property
    def all_filtered(self) -> list[FilteredTrace]:
        """The traces, and the lines behind them."""
        return [*self.filtered_traces, *self.behind]

    @property
    def traces(self) -> list[Trace]:
        """The traces with the points that are shown, and those behind them."""
        return [trace.source for trace in self.all_filtered]


def draw_chart(
    data: ChartData, options: ChartOptions, size: tuple[int, int], style: DrawStyle
) -> ChartDrawing:
    """Draws a chart to fill a size."""
    cells = StyledCells(size, style, style.text)
    start = find_start(data.all_traces, options.last_steps)
    cropped = crop_traces(data.traces, start)
    behind = data.backdrop.keep("points", start, lambda: crop_traces(data.backdrop.traces, start))
    unit = _find_span([*cropped, *behind]) / SMOOTHING_UNITS
    traces = [filter_trace(trace, options.smoothing, options.is_log, unit) for trace in cropped]
    filtered_behind = _filter_backdrop(data, behind, options, unit)
    drawing, figure_axes = _lay_out(cells, data, options, traces, filtered_behind)
    if not any(trace.points or trace.gaps for trace in (*traces, *filtered_behind)):
        cells.write_centered(data.empty_message, style.muted)
        return drawing
    strokes = list(_build_strokes(drawing))
    draw_figure(cells, drawing.area.region, strokes, figure_axes, style.glyphs)
    _draw_backdrop(drawing)
    _tint_envelopes(drawing)
    _label_guides(drawing)
    _label_marks(drawing)
    _write_below(drawing, figure_axes)
    if drawing.legend and drawing.area.region.y:
        draw_legend_rows(cells, drawing.legend, len(drawing.all_filtered), options)
    elif drawing.area.region.y:
        draw_legend(cells, drawing.area.region.x, data, traces, options)
    return drawing


def _filter_backdrop(
    data: ChartData, behind: Sequence[Trace], options: ChartOptions, unit: float
) -> list[FilteredTrace]:
    """Lets the lines behind through the gate; their smoothing hardly depends on the others."""
    rounded = 2 ** (round(4 * log2(unit)) / 4) if unit > 0 else unit
    unit = rounded if options.smoothing else 0.0
    key = (list(map(id, behind)), options.smoothing, options.is_log, unit)

    def filter_all() -> list[FilteredTrace]:
        return [filter_trace(trace, options.smoothing, options.is_log, unit) for trace in behind]

    return data.backdrop.keep("filtered", key, filter_all)


def _find_span(traces: Sequence[Trace]) -> float:
    """Returns how much of x the points of all lines take up."""
    ends = [trace.points[end][0] for trace in traces if trace.points for end in (0, -1)]
    return max(ends, default=0.0) - min(ends, default=0.0)


# --- layout -----------------------------------------------------------------------------------


def _lay_out(
    cells: StyledCells, data: ChartData, options: ChartOptions, traces: Sequence[FilteredTrace],
    behind: Sequence[FilteredTrace],
) -> tuple[ChartDrawing, Axes]:  # fmt: skip
    """Places plot and axes; small sizes give up the legend, the axis lines, then the labels."""
    style = cells.style
    all_filtered = [*traces, *behind]
    legend = wrap_legend(cells, data, all_filtered, options)
    top = max(1, len(legend)) if cells.height >= 5 else 0
    below = 2 if cells.height >= 7 else 1 if cells.height >= 4 else 0
    height = max(1, cells.height - top - below)
    counts = max(2, cells.width // 10), max(2, height // 3)
    limits = fit_limits(all_filtered, [value for value, _ in data.guides], options.is_log, counts)
    place_ticks = axes.place_log_ticks if options.is_log else axes.place_linear_ticks
    y_ticks = [(y, f"{label} ") for y, label in place_ticks(limits.low, limits.high, counts[1])]
    left = max((len(label) for _, label in y_ticks), default=0) + 1
    left = left if cells.width >= 3 * left and cells.height >= 4 else 0
    region = Region(left, top, max(1, cells.width - left), height)
    area = PlotArea(region, limits, style.glyph_mode)
    x_ticks = _place_x_ticks(area, data) if below else ()
    x_places = [(area.cell(x, limits.low)[0], label) for x, label in x_ticks]
    y_places = [(area.cell(limits.left, y)[1], label) for y, label in y_ticks] if left else ()
    figure_axes = Axes(style.axis, style.muted, x_places, y_places, below == 2, left > 0)
    return ChartDrawing(cells, data, options, traces, area, behind, legend), figure_axes


def _place_x_ticks(area: PlotArea, data: ChartData) -> Iterator[tuple[float, str]]:
    """Yields the ticks of the x axis whose labels leave room for its name."""
    limits, width = area.limits, area.region.width
    ticks = data.x_ticks
    if ticks is None:
        count = max(2, width // 10)
        ticks = axes.place_linear_ticks(limits.left, limits.right, count, data.is_integer_x)
    end = area.region.right - len(_x_name(area, data))
    for x, label in ticks:
        if limits.has_x(x) and area.column(x) + (len(label) + 1) // 2 <= end:
            yield x, label


def _x_name(area: PlotArea, data: ChartData) -> str:
    name = f"  {data.x_name}"
    return name if area.region.width >= 3 * len(name) else ""


# --- what plotext draws -----------------------------------------------------------------------


def _build_strokes(drawing: ChartDrawing) -> Iterator[Stroke]:
    """Yields everything that has a place in the data, each stroke over those before it."""
    style, area, traces = drawing.cells.style, drawing.area, drawing.filtered_traces
    glyphs, data, options = style.glyphs, drawing.data, drawing.options
    columns, rows = range(area.region.width), range(area.region.height)
    marks = _find_columns(area, (mark.step for mark in data.marks))
    gaps = _find_columns(area, (x for trace in traces for x in trace.gaps))
    yield Stroke(list(product(marks - gaps, rows)), glyphs.mark, style.mark)
    yield Stroke(list(product(gaps, rows)), glyphs.mark, style.gap)
    guides = [area.cell(area.limits.left, value)[1] for value, _ in data.guides]
    yield Stroke(list(product(columns, guides)), glyphs.guide, style.mark)
    raw = _find_measured_lines(drawing)
    if not style.has_color:
        yield from map(partial(_draw_envelope, drawing), _select_shaded(raw))
    if len(raw) <= MAX_ENVELOPES and options.smoothing:
        for trace in raw:
            yield from _draw_trace(drawing, trace, glyphs.dot, FAINT)
    # The first line is over the others, whose markers show that they pass behind it.
    for trace in sorted(
        traces[::-1], key=lambda trace: (trace.source.is_fine, trace.source.is_line)
    ):
        yield from _draw_trace(drawing, trace, trace.source.marker or "*")
    yield Stroke(list(product(gaps, (rows[0], rows[-1]))), glyphs.gap, style.gap)
    yield from _draw_markers(drawing)


def _find_measured_lines(drawing: ChartDrawing) -> list[FilteredTrace]:
    """Returns the lines as they were measured, without smoothing."""
    lines = [trace for trace in drawing.filtered_traces if trace.source.is_line]
    if not drawing.options.smoothing:
        return lines
    return [filter_trace(trace.source, 0.0, drawing.options.is_log) for trace in lines]


def _select_shaded(lines: list[FilteredTrace]) -> list[FilteredTrace]:
    """Returns the lines whose range is shaded: all if they are few, else those of several runs."""
    if len(lines) <= MAX_ENVELOPES:
        return lines
    return [trace for trace in lines if trace.source.is_band]


def _find_columns(area: PlotArea, xs: Iterable[float]) -> set[int]:
    """Returns the columns of cells in which those of the xs lie that are within the limits."""
    return {area.cell(x, area.limits.low)[0] for x in xs if area.limits.has_x(x)}


def _draw_envelope(drawing: ChartDrawing, trace: FilteredTrace) -> Stroke:
    """Returns a shade between the lowest and the highest values."""
    cells, style = _find_envelope(drawing, trace), drawing.cells.style
    return Stroke(sorted(cells), style.shade(0.25), style.line(trace.source.color + FAINT))


def _draw_backdrop(drawing: ChartDrawing) -> None:
    """Draws the lines behind where nothing else is drawn but guides, marks and shades."""
    if not drawing.behind:
        return
    cells, style = drawing.cells, drawing.cells.style
    key = (drawing.area, cells.size, style, list(map(id, drawing.behind)))
    free = {*BLANK, style.glyphs.guide, style.glyphs.mark}
    free |= set() if style.has_color else {style.shade(0.25)}
    for x, y, glyph, glyph_style in drawing.data.backdrop.keep(
        "cells", key, partial(_build_backdrop, drawing)
    ):
        if cells.rows[y][x][0] in free:
            cells.rows[y][x] = (glyph, glyph_style)


def _build_backdrop(drawing: ChartDrawing) -> list[tuple[int, int, str, Style]]:
    """Returns the cells of the lines behind: column, row, glyph and style of each."""
    style, area = drawing.cells.style, drawing.area
    layer = replace(
        drawing, cells=StyledCells(drawing.cells.size, style, style.text),
        filtered_traces=drawing.behind,
    )  # fmt: skip
    gaps = _find_columns(area, (x for trace in drawing.behind for x in trace.gaps))
    strokes = [
        stroke
        for trace in drawing.behind[::-1]
        for stroke in _draw_trace(layer, trace, trace.source.marker or "*")
    ]
    strokes.append(Stroke(list(product(gaps, (0, area.region.height - 1))), style.glyphs.gap,
                          style.gap))  # fmt: skip
    strokes += _draw_markers(layer)
    axes = Axes(style.axis, style.muted, has_x_line=False, has_y_line=False)
    draw_figure(layer.cells, area.region, strokes, axes, style.glyphs)
    return [
        (x, y, glyph, glyph_style)
        for y, row in enumerate(layer.cells.rows)
        for x, (glyph, glyph_style) in enumerate(row)
        if glyph not in BLANK
    ]


def _tint_envelopes(drawing: ChartDrawing) -> None:
    """Colors the background between the lowest and the highest values, behind what is drawn."""
    cells, region, style = drawing.cells, drawing.area.region, drawing.cells.style
    if not style.has_color:
        return
    for trace in reversed(_select_shaded(_find_measured_lines(drawing))):
        tint = style.tint(trace.source.color, TINT)
        for column, row in _find_envelope(drawing, trace):
            x, y = region.x + column, region.bottom - 1 - row
            glyph, glyph_style = cells.rows[y][x]
            cells.put(x, y, glyph, glyph_style + tint)


def _find_envelope(drawing: ChartDrawing, trace: FilteredTrace) -> set[tuple[int, int]]:
    """Returns the cells between the lowest and the highest values."""
    area = drawing.area
    cells: set[tuple[int, int]] = set()
    for segment in trace.segments(area.limits, area.region.width):
        ends = [(*area.cell(x, low), area.cell(x, high)[1]) for x, _, low, high in segment]
        for (left, *first), (right, *second) in zip(ends, [*ends[1:], ends[-1]], strict=True):
            for column in range(left, right + 1):
                share = (column - left) / max(1, right - left)
                low, high = (round(a + share * (b - a)) for a, b in zip(first, second, strict=True))
                if high > low:
                    cells |= set(product([column], range(low, high + 1)))
    return cells


def _draw_trace(
    drawing: ChartDrawing, trace: FilteredTrace, ascii_marker: str, variant: int = 0
) -> Iterator[Stroke]:
    """Yields the means as a line in one stroke for each part without gaps, or a cloud of points."""
    area, style = drawing.area, drawing.cells.style.line(trace.source.color + variant)
    if not trace.source.is_line:
        is_fine = trace.source.is_fine and area.line_marker
        marker = trace.source.marker or drawing.cells.style.glyphs.bullet
        locate = area.dot if is_fine else area.cell
        points = trace.downsample(area.limits, 4 * area.region.width)
        ends = {locate(x, y) for x, _, *ends in points for y in ends}
        yield Stroke(sorted(ends), area.line_marker if is_fine else marker, style)
        return
    marker = area.line_marker or ascii_marker
    for segment in trace.segments(area.limits, 2 * area.region.width):
        yield Stroke([area.dot(x, y) for x, y, *_ in segment], marker, style, is_line=True)


def _draw_markers(drawing: ChartDrawing) -> Iterator[Stroke]:
    """Yields each line's marker at intervals, each line's at other columns.

    They are on what was measured where that is drawn, else on the smoothed line.
    """
    region, interval = drawing.area.region, max(6, drawing.area.region.width // 5)
    measured = _find_measured_lines(drawing)
    lines = measured if len(measured) <= MAX_ENVELOPES else drawing.filtered_traces
    for number, trace in enumerate(lines):
        if not (trace.source.marker and trace.source.is_line and trace.points):
            continue
        columns = range(region.x + (number * 5) % interval, region.right, interval)
        points = (nearest_point(trace.points, drawing.area.x_at(column)) for column in columns)
        dots = [drawing.area.cell(point[0], point[1]) for point in points if point is not None]
        style = drawing.cells.style.line(trace.source.color) + BOLD
        yield Stroke(dots, trace.source.marker, style)


# --- texts ------------------------------------------------------------------------------------


def _label_guides(drawing: ChartDrawing) -> None:
    """Writes each guide's text on it or beside it, where no data are drawn."""
    region = drawing.area.region
    for value, text in drawing.data.guides:
        y, right = drawing.area.row(value), region.right - cell_len(text) - 1
        positions = ((right, y), (region.x + 1, y), (right, y - 1), (right, y + 1))
        _write_where_free(drawing, text, positions)


def _label_marks(drawing: ChartDrawing) -> None:
    """Writes the text of the newest mark of each column; without room, old ones go without."""
    area, region = drawing.area, drawing.area.region
    marks = [mark for mark in drawing.data.marks if area.limits.has_x(mark.step)]
    texts = {area.column(mark.step): mark.text for mark in marks}
    for x, text in sorted(texts.items(), reverse=True):
        text = drawing.cells.style.truncate(text, region.width // 2)
        rows = range(region.y, region.bottom - 1)[:3]
        positions = [(start, y) for y in rows for start in (x + 1, x - cell_len(text))]
        _write_where_free(drawing, text, positions)


def _write_where_free(
    drawing: ChartDrawing, text: str, positions: Iterable[tuple[int, int]]
) -> None:
    """Writes text at the first of the places where it covers nothing but guides and marks."""
    cells, style, width = drawing.cells, drawing.cells.style, cell_len(text)
    free = (*BLANK, style.glyphs.guide, style.glyphs.mark)
    for x, y in positions:
        is_inside = drawing.area.region.contains_region(Region(x, y, width, 1))
        if is_inside and all(glyph in free for glyph, _ in cells.rows[y][x : x + width]):
            cells.write(x, y, text, style.mark)
            break


def _write_below(drawing: ChartDrawing, figure_axes: Axes) -> None:
    """Writes the name of the x axis, and what could not be drawn."""
    cells, region, style = drawing.cells, drawing.area.region, drawing.cells.style
    name = _x_name(drawing.area, drawing.data)
    if figure_axes.bottom and cells.is_blank(cells.width - len(name), cells.height - 1, len(name)):
        cells.write(cells.width - len(name), cells.height - 1, name, style.muted)
    omissions = describe_omissions(drawing.all_filtered, style.glyphs)
    if figure_axes.has_x_line and omissions:
        text = style.truncate(f" {omissions} ", region.width)
        cells.write(cells.width - cell_len(text), region.bottom, text, style.gap)
