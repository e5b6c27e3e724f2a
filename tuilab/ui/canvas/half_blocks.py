"""Pixels and images in character cells: two pixels a cell in color, or one shade a cell without."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import TypeVar

from rich.color import Color
from rich.style import Style
from textual.geometry import Region

from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import Pixel
from tuilab.ui.canvas.styled_cells import StyledCells

Value = TypeVar("Value")


def draw_pixels(cells: CellBuffer, x: int, y: int, rows: Sequence[Sequence[Pixel]]) -> None:
    """Draws pixels, two rows of pixels in each row of cells."""
    for number in range(0, len(rows), 2):
        upper = rows[number]
        lower = rows[number + 1] if number + 1 < len(rows) else upper
        for column, (above, below) in enumerate(zip(upper, lower, strict=True)):
            glyph = " " if above == below else "▀"
            cells.put(x + column, y + number // 2, glyph, make_pixel_style(above, below))


def draw_field(
    cells: StyledCells, region: Region, sample: Callable[[int, int], Sequence[Sequence[Value]]],
    pixel: Callable[[Value], Pixel], glyph: Callable[[Value], str],
    style_of: Callable[[Value], Style] | None = None,
) -> None:  # fmt: skip
    """Draws values over a region: two pixels a cell in color, or one glyph a cell without.

    Args:
        sample: returns the values in a number of columns and rows.
        pixel: returns the color of a value.
        glyph: returns the glyph of a value.
        style_of: returns the style of a value's glyph; None: all have that of text.
    """
    x, y, columns, rows = region
    if cells.style.has_color:
        values = sample(columns, rows * 2)
        draw_pixels(cells, x, y, [[pixel(value) for value in row] for row in values])
    elif style_of is None:
        cells.write_lines(x, y, ("".join(map(glyph, row)) for row in sample(columns, rows)))
    else:
        for line, row in enumerate(sample(columns, rows), y):
            for column, value in enumerate(row, x):
                cells.put(column, line, glyph(value), style_of(value))


def draw_scale(
    cells: StyledCells, x: int, y: int, columns: int, ends: tuple[str, str],
    value_at: Callable[[float], Value],
    pixel: Callable[[Value], Pixel], glyph: Callable[[Value], str],
) -> int:  # fmt: skip
    """Draws a bar of the colors from the lowest to the highest value, and returns the x after it.

    Args:
        columns: of the bar without its ends.
        value_at: returns the value at a fraction (0 to 1) of the way.
    """
    x = cells.write(x, y, f"{ends[0]} ")
    values = [[value_at((index + 0.5) / columns) for index in range(columns)]]
    draw_field(cells, Region(x, y, columns, 1), lambda *_: values, pixel, glyph)
    return cells.write(x + columns, y, f" {ends[1]}")


@lru_cache(4096)
def make_pixel_style(above: Pixel, below: Pixel) -> Style:
    """Returns the style of a cell that shows one pixel above another; of text in the first color
    on the second."""
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))


def count_image_rows(columns: int, shape: Sequence[int]) -> int:
    """Returns the rows of cells that an image takes with this many columns."""
    return max(1, round(columns * shape[-2] / max(1, shape[-1]) / 2))


def draw_image(cells: StyledCells, region: Region, pixels: bytes, shape: Sequence[int]) -> None:
    """Draws an image to fill a region, in shades where there is no color.

    Args:
        pixels: row by row, one byte per channel.
        shape: channels (1 or 3), height, width.
    """

    sample = partial(resize_image, pixels, tuple(shape))
    shade = cells.style.shade
    draw_field(cells, region, sample, lambda pixel: pixel, lambda pixel: shade(sum(pixel) / 765))


@lru_cache(256)
def resize_image(
    pixels: bytes, shape: tuple[int, ...], width: int, height: int
) -> tuple[tuple[Pixel, ...], ...]:
    """Returns an image in another size, each pixel the mean of those it covers.

    Args:
        shape: channels (1 or 3), height, width.
    """
    channels, rows, columns = shape
    return map_blocks(partial(_mean, pixels, channels, columns), (columns, rows), width, height)


def map_blocks(
    merge: Callable[[range, range], Value], size: tuple[int, int], columns: int, rows: int
) -> tuple[tuple[Value, ...], ...]:
    """Returns a grid of another size, with a value for each block of the first one.

    Args:
        merge: returns the value of a block, from its rows and its columns.
        size: columns and rows of the first grid.
    """
    across = [_select_block(x, columns, size[0]) for x in range(columns)]
    down = [_select_block(y, rows, size[1]) for y in range(rows)]
    return tuple(tuple(merge(y, x) for x in across) for y in down)


def _select_block(index: int, blocks: int, count: int) -> range:
    """Returns which of a number of items one of several places covers: at least one item."""
    first = index * count // blocks
    return range(first, max(first + 1, (index + 1) * count // blocks))


def _mean(pixels: bytes, channels: int, columns: int, rows: range, across: range) -> Pixel:
    starts = [(row * columns + column) * channels for row in rows for column in across]
    means = [
        sum(pixels[start + channel] for start in starts) // len(starts)
        for channel in range(channels)
    ]
    return (means[0], means[0], means[0]) if channels == 1 else (means[0], means[1], means[2])
