"""Images side by side, each with captions below."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.ui.canvas.half_blocks import count_image_rows, draw_image
from tuilab.ui.canvas.styled_cells import StyledCells

WIDTHS = (28, 24, 20, 18, 16, 14, 12, 10)
"""Columns that an image may have."""

MIN_WIDTH = 3

GAP = 2
"""Columns between two images."""


@dataclass(frozen=True, slots=True)
class Caption:
    """One line below an image."""

    text: str
    style: Style
    ending: str = ""
    "What follows the text, and stays when the text is truncated."


@dataclass(frozen=True, slots=True)
class ImageTile:
    """One or more images above each other, with captions below."""

    images: Sequence[bytes]
    shape: Sequence[int]
    "Channels, height, width of each."
    captions: Sequence[Caption] = ()


def draw_image_grid(
    cells: StyledCells, region: Region, tiles: Sequence[ImageTile], *,
    widths: Sequence[int] = WIDTHS, min_tiles: int = 4, is_centered: bool = True,
) -> None:  # fmt: skip
    """Draws as many tiles as fit: at least `min_tiles` if possible, so that they fill the most."""
    if not tiles:
        return
    min_shown = min(min_tiles, len(tiles))
    columns = max(widths, key=lambda columns: _coverage(region, tiles, columns, min_shown))
    across, down = _count_tiles(region, tiles[0], columns)
    if across * down == 0:
        room = region.height - len(tiles[0].captions)
        columns = max(4, min(region.width, 2 * room // len(tiles[0].images)))
        across = down = 1
    across = min(across, -(-len(tiles) // down))
    left = max(0, (region.width - across * (columns + GAP) + GAP) // 2) if is_centered else 0
    for number, tile in enumerate(tiles[: across * down]):
        x = region.x + left + number % across * (columns + GAP)
        y = region.y + number // across * (_tile_rows(tile, columns) + 1)
        _draw_tile(cells, x, y, columns, tile)


def _count_tiles(region: Region, tile: ImageTile, columns: int) -> tuple[int, int]:
    """Returns how many tiles with images of this width fit across and down."""
    across = (region.width + GAP) // (columns + GAP)
    return across, (region.height + 1) // (_tile_rows(tile, columns) + 1)


def _coverage(
    region: Region, tiles: Sequence[ImageTile], columns: int, min_shown: int
) -> tuple[int, int]:
    """Returns how many of the fewest tiles fit in this width, then how much they cover."""
    across, down = _count_tiles(region, tiles[0], columns)
    visible_count = min(across * down, len(tiles))
    return min(visible_count, min_shown), visible_count * columns**2


def draw_dense_grid(
    cells: StyledCells, region: Region, tiles: Sequence[ImageTile], across: int
) -> None:
    """Draws all tiles with a fixed number in a row, almost without gaps."""
    if not tiles:
        return
    down = -(-len(tiles) // across)
    columns = max(MIN_WIDTH, (region.width + 1) // across - 1)
    while columns > MIN_WIDTH and down * _tile_rows(tiles[0], columns) > region.height:
        columns -= 1
    rows = _tile_rows(tiles[0], columns)
    left = max(0, (region.width - across * (columns + 1) + 1) // 2)
    for number, tile in enumerate(tiles):
        if (number // across + 1) * rows <= region.height:
            x = region.x + left + number % across * (columns + 1)
            _draw_tile(cells, x, region.y + number // across * rows, columns, tile)


def _tile_rows(tile: ImageTile, columns: int) -> int:
    return len(tile.images) * count_image_rows(columns, tile.shape) + len(tile.captions)


def _draw_tile(cells: StyledCells, x: int, y: int, columns: int, tile: ImageTile) -> None:
    rows = count_image_rows(columns, tile.shape)
    for pixels in tile.images:
        draw_image(cells, Region(x, y, columns, rows), pixels, tile.shape)
        y += rows
    for row, caption in enumerate(tile.captions, y):
        room = columns - cell_len(caption.ending)
        end = cells.write_truncated(x, row, caption.text, room, caption.style)
        cells.write(end, row, caption.ending, caption.style, x + columns - end)
