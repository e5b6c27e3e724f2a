"""A drawn curve and the one that a run has told, as lines of text."""

from itertools import groupby

from rich.style import Style

from tuilab.core.format import compact
from tuilab.core.lessons.curve import KNOTS, Heights
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.plot.chart import plotted
from tuilab.ui.plot.chart_layout import FINENESS, MARKERS, Stroke, cell, put
from tuilab.ui.terminal.glyphs import glyphs, signs
from tuilab.ui.widgets.rich_text import Line, Piece

SAID, TRUE, AXIS, PEN = (Style(meta={"style": name}) for name in ("link", "good", "muted", "bold"))
"""Stand for the styles of a page, which are known only where it is shown."""

LINES = {1: SAID, 2: TRUE}


def picture(
    said: Heights, true: Heights, limits: tuple[float, float], size: tuple[int, int],
    pen: int | None = None,
) -> list[Line]:  # fmt: skip
    """Both curves with their axes; what was said is dotted as soon as there is more to see.

    Args:
        limits: the lowest and the highest value.
        size: columns and rows of all of it; at least 20 and 4.
        pen: the knot at which it is being drawn.
    """
    low, high = limits
    names = compact(low), compact(high)
    left, rows = gutter(limits), size[1] - 2
    grid = CellBuffer(*size, Style.null())
    _axes(grid, names, left)
    marker, is_seen = MARKERS[glyphs()], any(y is not None for y in true)
    for heights, colour in ((said, 1), (true, 2)):
        stroke = [
            (knot / (KNOTS - 1), (y - low) / (high - low))
            for knot, y in enumerate(heights)
            if y is not None
        ]
        strokes: list[Stroke] = [(stroke, marker or "*o"[colour - 1], colour)]
        if stroke:
            text = plotted(strokes, size[0] - left, rows, colour == 2 or not is_seen)
            put(grid, (left, 0), text, AXIS, LINES)
    if pen is not None and (height := said[pen]) is not None:
        across, up = FINENESS.get(marker, (1, 1))
        column = cell(pen / (KNOTS - 1), size[0] - left, across)
        row = rows - 1 - cell((height - low) / (high - low), rows, up)
        grid.put(left + column, row, signs().points[0][0], PEN)
    return [_pieces(row) for row in grid.cells]


def gutter(limits: tuple[float, float]) -> int:
    """Columns for the axis and its labels."""
    return max(len(compact(limit)) for limit in limits) + 1


def _axes(grid: CellBuffer, names: tuple[str, str], left: int) -> None:
    bottom = grid.height - 2
    for y in range(bottom):
        grid.put(left - 1, y, signs().vertical, AXIS)
    for name, y in zip(names, (bottom - 1, 0), strict=True):
        grid.write(left - 1 - len(name), y, name, AXIS)
    grid.write(left - 1, bottom, signs().corner + signs().horizontal * (grid.width - left), AXIS)
    grid.write(left, bottom + 1, "start", AXIS)
    grid.write(grid.width - len("end"), bottom + 1, "end", AXIS)


def _pieces(row: list[tuple[str, Style]]) -> Line:
    runs = groupby(row, key=lambda cell: str(cell[1].meta.get("style", "")))
    return tuple(Piece("".join(sign for sign, _ in run), style) for style, run in runs)
