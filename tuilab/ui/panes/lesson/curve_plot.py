"""A predicted curve and the one of the run, as lines of text."""

from itertools import groupby

from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_value
from tuilab.core.lessons.curve import KNOTS, Heights
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.plot.figure import Axes, PlotArea, Stroke, draw_figure
from tuilab.ui.plot.traces import Limits
from tuilab.ui.terminal.glyphs import get_glyph_mode, get_glyphs
from tuilab.ui.widgets.rich_text import Fragment, Line

PREDICTED, ACTUAL, AXIS, PEN = (
    Style(meta={"style": name}) for name in ("link", "good", "muted", "bold")
)
"""Placeholders for the styles of a page, which are known only where it is shown."""


def draw_curves(
    predicted: Heights, actual: Heights, limits: tuple[float, float], size: tuple[int, int],
    pen: int | None = None,
) -> list[Line]:  # fmt: skip
    """Returns both curves with their axes; the predicted one is dotted beside the actual one.

    Args:
        limits: the lowest and the highest value.
        size: columns and rows with the axes; at least 20 and 4.
        pen: the knot at which the predicted curve is being drawn.
    """
    low, high = limits
    cells, left, mode = CellBuffer(*size, Style.null()), axis_width(limits), get_glyph_mode()
    region = Region(left, 0, size[0] - left, size[1] - 2)
    area = PlotArea(region, Limits(0, KNOTS - 1, low, high), mode)
    is_started = any(y is not None for y in actual)

    def trace(heights: Heights, ascii_marker: str, style: Style, is_line: bool) -> Stroke:
        dots = [area.dot(knot, y) for knot, y in enumerate(heights) if y is not None]
        return Stroke(dots, area.line_marker or ascii_marker, style, is_line)

    strokes = [trace(predicted, "*", PREDICTED, not is_started), trace(actual, "o", ACTUAL, True)]
    if pen is not None and (height := predicted[pen]) is not None:
        strokes.append(Stroke([area.cell(pen, height)], get_glyphs().class_markers[0][0], PEN))
    axes = Axes(
        AXIS,
        AXIS,
        x_ticks=[(0, "start"), (region.width - 1, "end")],
        y_ticks=[(0, format_value(low)), (region.height - 1, format_value(high))],
    )
    draw_figure(cells, region, strokes, axes, get_glyphs())
    return [_fragments(row) for row in cells.rows]


def axis_width(limits: tuple[float, float]) -> int:
    """Returns the number of columns of the axis and its labels."""
    return max(len(format_value(limit)) for limit in limits) + 1


def _fragments(row: list[tuple[str, Style]]) -> Line:
    runs = groupby(row, key=lambda cell: str(cell[1].meta.get("style", "")))
    return tuple(Fragment("".join(sign for sign, _ in run), style) for style, run in runs)
