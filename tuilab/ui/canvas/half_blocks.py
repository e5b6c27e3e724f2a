"""Pictures in character cells: two pixels a cell in colour, or one shade a cell without."""

from collections.abc import Sequence
from functools import lru_cache

from rich.color import Color
from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer

Pixel = tuple[int, int, int]
"""Red, green, blue, each from 0 to 255."""


def paint(grid: CellBuffer, x: int, y: int, rows: Sequence[Sequence[Pixel]]) -> None:
    """Put pixels on a sheet, two rows of pixels in each row of cells."""
    for number in range(0, len(rows), 2):
        upper = rows[number]
        lower = rows[number + 1] if number + 1 < len(rows) else upper
        for column, (above, below) in enumerate(zip(upper, lower, strict=True)):
            sign = " " if above == below else "▀"
            grid.put(x + column, y + number // 2, sign, two_pixels(above, below))


def shade(
    grid: CellBuffer, x: int, y: int, rows: Sequence[Sequence[float]], shades: str, style: Style
) -> None:
    """Put brightness (0 to 1) on a sheet, one shade a cell."""
    for number, row in enumerate(rows):
        for column, brightness in enumerate(row):
            level = min(len(shades) - 1, max(0, int(brightness * len(shades))))
            grid.put(x + column, y + number, shades[level], style)


@lru_cache(4096)
def two_pixels(above: Pixel, below: Pixel) -> Style:
    """The style of a cell that shows one pixel above another."""
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))


@lru_cache(256)
def scaled(
    pixels: bytes, shape: tuple[int, int, int], width: int, height: int
) -> tuple[tuple[Pixel, ...], ...]:
    """A picture of bytes in another size, each pixel the mean of those it covers.

    Args:
        shape: channels (1 or 3), height, width.
    """
    channels, rows, columns = shape
    across = [_covered(x, width, columns) for x in range(width)]
    picture = []
    for y in range(height):
        covered = _covered(y, height, rows)
        picture.append(tuple(_mean(pixels, channels, columns, covered, part) for part in across))
    return tuple(picture)


def _covered(place: int, places: int, pixels: int) -> range:
    first = place * pixels // places
    return range(first, max(first + 1, (place + 1) * pixels // places))


def _mean(pixels: bytes, channels: int, columns: int, rows: range, across: range) -> Pixel:
    starts = [(row * columns + column) * channels for row in rows for column in across]
    means = [
        sum(pixels[start + channel] for start in starts) // len(starts)
        for channel in range(channels)
    ]
    return (means[0], means[0], means[0]) if channels == 1 else (means[0], means[1], means[2])
