"""Small heat maps side by side, as large as all of them fit."""

import msgspec
from rich.cells import cell_len

from tuilab.core.protocol.inspect.layer_messages import HeatMap, Tiles
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.views.layer.draw_heat_grid import Box, draw_map

ENOUGH = 12
"""Tiles become smaller until so many fit, or all."""

LARGEST = 10
"""Columns that one number of a tile takes at most."""

SHRUNK = 14
"""Tiles of so many numbers across may also become a little smaller, not only by half."""

LEAST = 4
"""Columns below which a tile becomes no smaller."""


def draw_tiles(grid: CellBuffer, box: Box, seen: Tiles, brush: Brush) -> int:
    """Draw as many as fit; how many those are."""
    if not seen.tiles:
        return 0
    columns, rows, across, down = fit(seen.tiles[-1], len(seen.tiles), box[2:], brush)
    shown = seen.tiles[: across * down]
    down = -(-len(shown) // across)
    for number, tile in enumerate(shown):
        x = box[0] + number % across * (columns + 1)
        y = box[1] + number // across * (rows + 1)
        _tile(grid, (x, y, columns, rows + 1), tile, brush)
    return len(shown)


def fit(
    tile: HeatMap, count: int, room: tuple[int, int], brush: Brush
) -> tuple[int, int, int, int]:
    """Columns and rows of one tile without its caption, how many across and how many down."""
    width, height = room
    found = (min(width, tile.width), max(1, height - 1), 1, 1)
    for columns in _widths(tile.width):
        half = -(-columns * tile.height // tile.width)
        rows = max(1, -(-half // 2)) + _is_headed(tile, columns)
        wide = columns + _is_headed(tile, columns) * 2
        across, down = (width + 1) // (max(wide, _least(tile)) + 1), height // (rows + 1)
        if across * down:
            found = (max(wide, _least(tile)), rows, across, down)
        if across * down >= min(count, ENOUGH):
            break
    return found


def _widths(width: int) -> list[int]:
    whole = [width * times for times in range(LARGEST, 0, -1)]
    parts = (10, 8, 6, 4, 3) if width >= SHRUNK else (6, 4, 3)
    return whole + [part for twelfths in parts if (part := width * twelfths // 12) >= LEAST]


def _least(tile: HeatMap) -> int:
    return max(LEAST, cell_len(tile.caption))


def _is_headed(tile: HeatMap, columns: int) -> bool:
    """Whether what stands at each position is written beside it."""
    is_short = all(cell_len(name) <= 1 for name in tile.heads)
    return bool(tile.heads) and is_short and columns >= tile.width == len(tile.heads)


def _tile(grid: CellBuffer, box: Box, tile: HeatMap, brush: Brush) -> None:
    x, y, columns, rows = box
    caption = fitted(tile.caption, columns, "")
    grid.write(x, y, caption, brush.hues.label)
    is_headed = _is_headed(tile, columns - 2)
    bare = tile if is_headed else msgspec.structs.replace(tile, names=[], heads=[])
    draw_map(grid, (x, y + 1, columns, rows - 1), bare, brush)
