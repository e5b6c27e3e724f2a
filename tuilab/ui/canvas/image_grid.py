"""Images side by side, each with captions below."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.half_blocks import count_image_rows, draw_image

WIDTHS = (28, 20, 14, 10)
"""Columns of an image, tried from the largest on."""

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
    cells: CellBuffer, region: Region, tiles: Sequence[ImageTile], style: DrawStyle, *,
    widths: Sequence[int] = WIDTHS, min_tiles: int = 4, is_centered: bool = True,
) -> None:  # fmt: skip
    """Draws as many tiles as fit, in the largest width in which `min_tiles` of them fit."""
    if not tiles:
        return
    for columns in widths:
        across = (region.width + GAP) // (columns + GAP)
        down = (region.height + 1) // (_tile_rows(tiles[0], columns) + 1)
        if across * down >= min(min_tiles, len(tiles)):
            break
    if across * down == 0:
        room = region.height - len(tiles[0].captions)
        columns = max(4, min(region.width, 2 * room // len(tiles[0].images)))
        across = down = 1
    across = min(across, -(-len(tiles) // down))
    left = max(0, (region.width - across * (columns + GAP) + GAP) // 2) if is_centered else 0
    for number, tile in enumerate(tiles[: across * down]):
        x = region.x + left + number % across * (columns + GAP)
        y = region.y + number // across * (_tile_rows(tile, columns) + 1)
        _draw_tile(cells, x, y, columns, tile, style)


def draw_dense_grid(
    cells: CellBuffer, region: Region, tiles: Sequence[ImageTile], across: int, style: DrawStyle
) -> None:
    """Draws all tiles with a fixed number in a row, almost without gaps."""
    down = -(-len(tiles) // across)
    columns = max(MIN_WIDTH, (region.width + 1) // across - 1)
    while columns > MIN_WIDTH and down * _tile_rows(tiles[0], columns) > region.height:
        columns -= 1
    rows = _tile_rows(tiles[0], columns)
    left = max(0, (region.width - across * (columns + 1) + 1) // 2)
    for number, tile in enumerate(tiles):
        if (number // across + 1) * rows <= region.height:
            x = region.x + left + number % across * (columns + 1)
            _draw_tile(cells, x, region.y + number // across * rows, columns, tile, style)


def _tile_rows(tile: ImageTile, columns: int) -> int:
    return len(tile.images) * count_image_rows(columns, tile.shape) + len(tile.captions)


def _draw_tile(
    cells: CellBuffer, x: int, y: int, columns: int, tile: ImageTile, style: DrawStyle
) -> None:
    rows = count_image_rows(columns, tile.shape)
    for pixels in tile.images:
        draw_image(cells, Region(x, y, columns, rows), pixels, tile.shape, style)
        y += rows
    for row, caption in enumerate(tile.captions, y):
        text = style.truncate(caption.text, columns - cell_len(caption.ending)) + caption.ending
        cells.write(x, row, text, caption.style, columns)
