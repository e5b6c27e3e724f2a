"""Heat maps around zero in character cells, with names and numbers where there is room."""

from collections.abc import Sequence
from functools import lru_cache, partial
from math import isfinite, sqrt

import msgspec
from rich.cells import cell_len
from textual.geometry import Region, Size

from tuilab.core.format import format_compact
from tuilab.core.protocol.inspect.layer_messages import HeatMap
from tuilab.core.protocol.inspect.quantization import ZERO, dequantize
from tuilab.ui.canvas.draw_style import Pixel
from tuilab.ui.canvas.half_blocks import draw_field, draw_scale, make_pixel_style, map_blocks
from tuilab.ui.canvas.response_map import SIGNED_FROM
from tuilab.ui.canvas.short_names import shorten_names
from tuilab.ui.canvas.styled_cells import StyledCells

Rows = tuple[tuple[float | None, ...], ...]
"""Values from -1 to 1, from the top; None: not a finite number."""

MAX_VALUE_WIDTH, MAX_NAME_WIDTH = 9, 18
"""Cells that a value and a name may take."""

NUMBERS_FROM_WIDTH = 6
"""Cells that a value takes before its number is written into them."""

NEAR_ZERO = "~0"
"""A number that is not zero and too small for its cells."""

SIGN_EVERY = (4, 2)
"""Columns and rows from one sign to the next where values are close together."""


@lru_cache(256)
def merge_blocks(values: bytes, width: int, columns: int, rows: int) -> Rows:
    """Returns values in at most this many columns and rows: of each block the largest absolute."""
    height = len(values) // max(1, width)
    largest = partial(_largest, values, width)
    return map_blocks(largest, (width, height), min(columns, width), min(rows, height))


def _largest(values: bytes, width: int, rows: range, columns: range) -> float | None:
    block = [values[row * width + column] for row in rows for column in columns]
    if 0 in block:
        return None
    return dequantize(max(block, key=lambda byte: abs(byte - ZERO)))


def scale_fraction(fraction: float) -> float:
    """Returns how strongly a fraction is drawn: small ones stay visible beside large ones."""
    return sqrt(max(0.0, fraction))


def fit_value_size(grid: Size, room: Size, *, has_color: bool) -> Size:
    """Returns the columns, and the rows (or half rows with color), that each value takes."""
    across = min(MAX_VALUE_WIDTH, max(1, room.width // max(1, grid.width)))
    down = max(1, (room.height * (1 + has_color)) // max(1, grid.height))
    if has_color:  # half a row is as high as a column is wide
        return Size(across, min(down, max(2, 2 * across)))
    return Size(across, min(down, max(1, across)))


def orient(heat_map: HeatMap, room: Size, *, has_color: bool) -> HeatMap:
    """Returns the map, transposed if each value has more room that way."""
    size = Size(heat_map.width, heat_map.height)
    rows = room.height * (1 + has_color)
    upright = fit_value_size(size, room, has_color=has_color)
    transposed = fit_value_size(Size(size.height, size.width), room, has_color=has_color)
    half_rows = 1 if has_color else 2
    gains = min(transposed.width, transposed.height * half_rows) > min(
        upright.width, upright.height * half_rows
    )
    is_cut = size.height > rows or size.width > room.width
    if not (is_cut or gains) or size.height > room.width or size.width > rows:
        return heat_map
    return _transpose(heat_map)


def _transpose(heat_map: HeatMap) -> HeatMap:
    values, exact, width = heat_map.values, heat_map.exact_values, heat_map.width
    rows, columns = heat_map.full_size
    return msgspec.structs.replace(
        heat_map,
        width=heat_map.height,
        height=width,
        full_size=(columns, rows),
        values=b"".join(values[column::width] for column in range(width)),
        exact_values=[value for column in range(width) for value in exact[column::width]],
        row_axis=heat_map.column_axis,
        column_axis=heat_map.row_axis,
        row_names=heat_map.column_names,
        column_names=heat_map.row_names,
    )


def draw_heat_grid(cells: StyledCells, region: Region, heat_map: HeatMap) -> Region:
    """Draws a map with the names of its rows and columns, and returns where its values are."""
    x, y, width, height = region
    has_heads = bool(heat_map.column_names) and height > 2
    room = min(MAX_NAME_WIDTH, max(map(cell_len, heat_map.row_names), default=0))
    room = room + 1 if room and width > 3 * room else 0
    inner = Region(x + room, y + has_heads, width - room, height - has_heads)
    map_region = _Values(cells, inner, heat_map).draw()
    if room:
        _draw_row_names(cells, Region(x, map_region.y, room, map_region.height), heat_map)
    if has_heads:
        _draw_column_names(cells, Region(map_region.x, y, map_region.width, 1), heat_map)
    return map_region


class _Values:
    """The values of a map in a region, each a block of cells or half cells."""

    def __init__(self, cells: StyledCells, region: Region, heat_map: HeatMap) -> None:
        self.cells, self.region, self.map, self.style = cells, region, heat_map, cells.style
        has_color = cells.style.has_color
        rows = merge_blocks(
            heat_map.values, heat_map.width, region.width, region.height * (1 + has_color)
        )
        if heat_map.is_fraction:
            rows = tuple(tuple(value and scale_fraction(value) for value in row) for row in rows)
        self.rows = rows
        self.grid = Size(len(rows[0]), len(rows)) if rows else Size(0, 0)
        self.across, self.down = fit_value_size(self.grid, region.size, has_color=has_color)
        if has_color and self.down > 1:
            self.down -= self.down % 2  # every value begins a row

    def draw(self) -> Region:
        """Draws the values, and returns where."""
        x, y, _, _ = self.region
        if not self.grid:
            return Region(x, y, 0, 0)
        has_color, (columns, rows) = self.style.has_color, self.grid
        fine = [
            [value for value in row for _ in range(self.across)]
            for row in self.rows
            for _ in range(self.down)
        ]
        if has_color and len(fine) % 2:
            fine.append([None] * len(fine[0]))
        map_region = Region(x, y, columns * self.across, len(fine) // (1 + has_color))
        draw_field(self.cells, map_region, lambda *_: fine, self._pixel, self._glyph)
        if has_color:
            self._draw_signs(fine)
        value_rows = self.down // (1 + has_color)
        is_complete = len(self.map.exact_values) == columns * rows
        if is_complete and self.across >= NUMBERS_FROM_WIDTH and value_rows:
            self._draw_numbers(value_rows)
        return map_region

    def _pixel(self, value: float | None) -> Pixel:
        return self.style.background.rgb if value is None else self.style.diverging_pixel(value)

    def _glyph(self, value: float | None) -> str:
        return self.style.glyphs.gap if value is None else self.style.diverging_glyph(value)

    def _draw_signs(self, fine: Sequence[Sequence[float | None]]) -> None:
        """Draws signs that distinguish below from above zero without color."""
        text = self.style.foreground.blend(self.style.background, 0.3).rgb
        for row, (upper, lower) in enumerate(zip(fine[::2], fine[1::2], strict=True)):
            for column in range(self.grid.width):
                x = column * self.across
                if sign := self._sign(column, row, upper[x], lower[x]):
                    sign_style = make_pixel_style(text, self._pixel(upper[x]))
                    x += self.region.x + self.across // 2
                    self.cells.put(x, self.region.y + row, sign, sign_style)

    def _sign(self, column: int, row: int, above: float | None, below: float | None) -> str:
        """Returns the sign of a cell; none where it would hide something."""
        if above is None:
            return self.style.glyphs.gap if below is None or self.down > 1 else ""
        if below is None or self.map.is_fraction or above * below <= 0:
            return ""
        if min(abs(above), abs(below)) < SIGNED_FROM:
            return ""
        if self.down > 1 and self.across > 1:
            half = self.down // 2
            is_shown = row % max(1, half) == half // 2
        else:
            is_shown = not (column % -(-SIGN_EVERY[0] // self.across) or row % SIGN_EVERY[1])
        return ("+" if above > 0 else "-") if is_shown else ""

    def _draw_numbers(self, value_rows: int) -> None:
        """Writes the numbers in the middle of their cells."""
        style, numbers = self.style, iter(self.map.exact_values)
        for row_number, row in enumerate(self.rows):
            y = self.region.y + row_number * value_rows + (value_rows - 1) // 2
            for column, (value, number) in enumerate(zip(row, numbers, strict=False)):
                text = _format_to_fit(number, self.across - 2).center(self.across)
                text_style = style.muted
                if style.has_color:
                    text_style = make_pixel_style(style.foreground.rgb, self._pixel(value))
                self.cells.write(self.region.x + column * self.across, y, text, text_style)


def _format_to_fit(value: float, room: int) -> str:
    """Returns a number in a few cells; one too small for them is near zero."""
    if not isfinite(value):
        return format_compact(value)
    for digits in (3, 2, 1):
        if len(text := format_compact(value + 0.0, digits)) <= room:
            return text
    for decimals in (3, 2, 1):
        text = f"{value:.{decimals}f}".replace("0.", ".")
        if abs(value) < 1 and len(text) <= room and text.strip("-.0"):
            return text
    return NEAR_ZERO if abs(value) < 1 else format_compact(value, 1)[:room]


def _draw_row_names(cells: StyledCells, region: Region, heat_map: HeatMap) -> None:
    """Draws the names of rows, each once where the same follow one another."""
    x, top, room, height = region
    before, last = None, -1
    short = _shorten(cells, heat_map.row_names, room - 1)
    for number, name in enumerate(heat_map.row_names):
        y = top + number * height // max(1, len(heat_map.row_names))
        if name != before and y > last:
            cells.write_left_of(x + room - 1, y, short[name])
            before, last = name, y


def _draw_column_names(cells: StyledCells, region: Region, heat_map: HeatMap) -> None:
    width = region.width // max(1, len(heat_map.column_names))
    if width * len(heat_map.column_names) != region.width:
        return
    short = _shorten(cells, heat_map.column_names, width if width < 3 else width - 1)
    for number, name in enumerate(heat_map.column_names):
        text = short[name]
        indent = (width - cell_len(text)) // 2 if width > 2 else 0
        cells.write(region.x + number * width + indent, region.y, text, room=width)


def _shorten(cells: StyledCells, names: Sequence[str], room: int) -> dict[str, str]:
    """Returns every name in at most `room` cells."""
    distinct = list(dict.fromkeys(names))
    short = shorten_names(distinct, room, cells.style.glyphs.ellipsis)
    return dict(zip(distinct, short, strict=True))


def draw_heat_scale(cells: StyledCells, y: int, heat_map: HeatMap, texts: Sequence[str]) -> None:
    """Draws a bar from the lowest to the highest color, and what a cell stands for.

    Args:
        texts: the same from long to short; without room for any, the last one is cut.
    """
    texts = [cells.style.spell(text) for text in texts]
    high = "1" if heat_map.is_fraction else format_compact(heat_map.max_abs)
    low = "0" if heat_map.is_fraction else format_compact(-heat_map.max_abs)
    room = cells.width - cell_len(f"{low}  {high}  ")
    text = cells.style.fit(texts, room - 6)
    bar = max(6, min(16, cells.width // 5, room - cell_len(text)))
    value_at = scale_fraction if heat_map.is_fraction else lambda part: 2 * part - 1
    pixel, glyph = cells.style.diverging_pixel, cells.style.diverging_glyph
    x = 2 + draw_scale(cells, 0, y, bar, (low, high), value_at, pixel, glyph)
    cells.write_truncated(x, y, text, cells.width - x)
