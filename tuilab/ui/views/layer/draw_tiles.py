"""Small heat maps side by side, as large as all of them fit."""

from typing import NamedTuple

import msgspec
from rich.cells import cell_len
from textual.geometry import Region, Size

from tuilab.core.protocol.inspect.layer_messages import HeatMap, Tiles
from tuilab.ui.canvas.cell_buffer import truncate
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.layer.draw_heat_grid import draw_heat_grid

MIN_TILES, MAX_TILES = 12, 36
"""Tiles become smaller until the first many fit, or all; up to the second many, until all fit."""

MAX_VALUE_WIDTH = 10
"""Columns that one value of a tile takes at most."""

FINE_FROM_WIDTH = 14
"""Tiles of this many values across may also become a little smaller, not only by half."""

MIN_WIDTH = 4
"""Columns of the smallest tile."""


class TileLayout(NamedTuple):
    """The size of a tile without its caption, and how many are drawn across and down."""

    columns: int
    rows: int
    across: int = 1
    down: int = 1


def draw_tiles(cells: StyledCells, region: Region, tiles: Tiles) -> int:
    """Draws as many tiles as fit, and returns how many."""
    if not tiles.tiles:
        return 0
    layout = fit_tiles(tiles.tiles[-1], len(tiles.tiles), region.size)
    visible_tiles = tiles.tiles[: layout.across * layout.down]
    for number, tile in enumerate(visible_tiles):
        row, column = divmod(number, layout.across)
        x = region.x + column * (layout.columns + 1)
        y = region.y + row * (layout.rows + 1)
        _draw_tile(cells, Region(x, y, layout.columns, layout.rows + 1), tile)
    return len(visible_tiles)


def fit_tiles(tile: HeatMap, count: int, room: Size) -> TileLayout:
    """Returns how large tiles are and how many fit."""
    layout = TileLayout(min(room.width, tile.width), max(1, room.height - 1))
    min_width = max(MIN_WIDTH, cell_len(tile.caption))
    for columns in _widths(tile.width):
        half_rows = -(-columns * tile.height // tile.width)
        has_names = _has_names(tile, columns)
        rows = max(1, -(-half_rows // 2)) + has_names
        width = max(columns + 2 * has_names, min_width)
        across, down = (room.width + 1) // (width + 1), room.height // (rows + 1)
        if across * down:
            layout = TileLayout(width, rows, across, down)
        if across * down >= (count if count <= MAX_TILES else MIN_TILES):
            break
    return layout


def _widths(width: int) -> list[int]:
    whole = [width * times for times in range(MAX_VALUE_WIDTH, 0, -1)]
    twelfths = (10, 8, 6, 4, 3) if width >= FINE_FROM_WIDTH else (6, 4, 3)
    parts = (width * part // 12 for part in twelfths)
    return whole + [part for part in parts if part >= MIN_WIDTH]


def _has_names(tile: HeatMap, columns: int) -> bool:
    """Returns whether the name of each position is written beside it."""
    is_short = all(cell_len(name) <= 1 for name in tile.column_names)
    return bool(tile.column_names) and is_short and columns >= tile.width == len(tile.column_names)


def _draw_tile(cells: StyledCells, region: Region, tile: HeatMap) -> None:
    x, y, columns, rows = region
    cells.write(x, y, truncate(tile.caption, columns, ""))
    if not _has_names(tile, columns - 2):
        tile = msgspec.structs.replace(tile, row_names=[], column_names=[])
    draw_heat_grid(cells, Region(x, y + 1, columns, rows - 1), tile)
