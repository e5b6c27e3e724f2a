"""Heat maps beside or over a picture, in colours or in shades."""

from collections.abc import Sequence

from tuilab.core.protocol.inspect.examples_messages import STEPS, ZERO
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.half_blocks import Pixel, paint, scaled, shade
from tuilab.ui.terminal.glyphs import Signs

DIM = 0.45
"""How bright a picture is under its heat map."""


def rows_of(columns: int, shape: Sequence[int]) -> int:
    """Rows of cells for a picture of so many columns."""
    return max(1, round(columns * shape[-2] / max(1, shape[-1]) / 2))


def draw_pixels(
    grid: CellBuffer, at: tuple[int, int], columns: int, pixels: bytes, shape: Sequence[int], hues: Hues,
    signs: Signs,
) -> None:  # fmt: skip
    """A picture as half-blocks, or in shades where colours do not reach the screen."""
    size, rows = (shape[0], shape[1], shape[2]), rows_of(columns, shape)
    if hues.is_blended:
        paint(grid, *at, scaled(pixels, size, columns, rows * 2))
        return
    picture = scaled(pixels, size, columns, rows)
    grey = [[sum(pixel) / 765 for pixel in row] for row in picture]
    shade(grid, *at, grey, signs.shades, hues.label)


def draw_heat(
    grid: CellBuffer, at: tuple[int, int], columns: int, rows: int, heat: bytes, shape: Sequence[int],
    hues: Hues, signs: Signs, under: tuple[bytes, Sequence[int]] | None = None,
) -> None:  # fmt: skip
    """A heat map; over a darkened picture where one is given.

    Without colours, shades tell how far from zero; `-` stands where it is far below.
    """
    tall = rows * 2 if hues.is_blended else rows
    values = [[_value(heat, shape, x, y, columns, tall) for x in range(columns)]
              for y in range(tall)]  # fmt: skip
    if not hues.is_blended:
        shade(grid, *at, [[abs(v) for v in row] for row in values], signs.shades, hues.label)
        for y, row in enumerate(values):
            for x, value in enumerate(row):
                if value < -0.3:
                    grid.put(at[0] + x, at[1] + y, "-", hues.label)
        return
    back: Sequence[Sequence[Pixel]]
    if under is None:
        back = [[_rgb(hues.behind.rgb)] * columns] * tall
    else:
        pixels, size = under
        back = scaled(pixels, (size[0], size[1], size[2]), columns, tall)
    dim = 1.0 if under is None else DIM
    paint(grid, *at, [
        [_mixed(pixel, value, dim, hues) for pixel, value in zip(*pair, strict=True)]
        for pair in zip(back, values, strict=True)
    ])  # fmt: skip


def _value(heat: bytes, shape: Sequence[int], x: int, y: int, columns: int, rows: int) -> float:
    height, width = shape
    place = min(height - 1, y * height // rows) * width + min(width - 1, x * width // columns)
    return (heat[place] - ZERO) / STEPS


def _mixed(pixel: Pixel, value: float, dim: float, hues: Hues) -> Pixel:
    hue, part = hues.of(0 if value >= 0 else 1).rgb, min(1.0, abs(value))
    red, green, blue = (
        round(one * dim * (1 - part) + other * part) for one, other in zip(pixel, hue, strict=True)
    )
    return red, green, blue


def _rgb(colour: tuple[int, int, int]) -> Pixel:
    return colour
