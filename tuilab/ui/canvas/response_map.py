"""The response of one unit over the input plane or a line; zero is the background."""

from functools import lru_cache, partial

from textual.geometry import Region

from tuilab.core.protocol.inspect.quantization import STEPS, ZERO
from tuilab.ui.canvas.half_blocks import draw_field, make_pixel_style, map_blocks
from tuilab.ui.canvas.styled_cells import StyledCells

SIGNED_FROM = 0.25
"""From this fraction of the largest value on, `+` and `-` stand beside the color."""

Values = tuple[tuple[float, ...], ...]
"""Rows from the top, each value from -1 to 1."""


def draw_response(
    cells: StyledCells, region: Region, response: bytes, size: tuple[int, int], *,
    has_signs: bool = False,
) -> None:  # fmt: skip
    """Draws a response to fill a region.

    Args:
        response: one byte a point, row by row.
        size: columns and rows of the response.
        has_signs: signs here and there distinguish above from below zero, also without color.
    """
    style = cells.style
    sample = partial(resize_response, response, size)
    draw_field(cells, region, sample, style.diverging_pixel, style.diverging_glyph)
    if has_signs and style.has_color:
        _draw_signs(cells, region, sample(region.width, 2 * region.height))


def _draw_signs(cells: StyledCells, region: Region, values: Values) -> None:
    style = cells.style
    left, top, columns, rows = region
    text = style.foreground.blend(style.background, 0.3).rgb
    for y in range(1, rows, 3):
        for x in range(2, columns, 6):
            value = (values[2 * y][x] + values[2 * y + 1][x]) / 2
            if abs(value) >= SIGNED_FROM:
                sign_style = make_pixel_style(text, style.diverging_pixel(value))
                cells.put(left + x, top + y, "+" if value > 0 else "-", sign_style)


@lru_cache(2048)
def resize_response(response: bytes, size: tuple[int, int], columns: int, rows: int) -> Values:
    """Returns a response in another size: a plane by means, a line as the area down to zero."""
    width, height = size
    if len(response) != width * height or not response:
        return ((0.0,) * columns,) * rows
    mean = partial(_mean, response, width)
    if height == 1:
        return _area(map_blocks(mean, size, columns, 1)[0], rows)
    return map_blocks(mean, size, columns, rows)


def _area(line: tuple[float, ...], rows: int) -> Values:
    levels = [1 - 2 * (row + 0.5) / rows for row in range(rows)]
    return tuple(
        tuple(value if 0 < level <= value or value <= level < 0 else 0.0 for value in line)
        for level in levels
    )


def _mean(response: bytes, width: int, rows: range, columns: range) -> float:
    first, last = columns.start, columns.stop
    total = sum(sum(response[row * width + first : row * width + last]) for row in rows)
    return (total / (len(rows) * len(columns)) - ZERO) / STEPS
