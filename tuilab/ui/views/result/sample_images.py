"""Sample pictures with what the network takes them for."""

from collections.abc import Sequence

from tuilab.core.protocol.inspect.result_messages import Confusion
from tuilab.core.protocol.records import Sample
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.half_blocks import paint, scaled, shade
from tuilab.ui.terminal.glyphs import Signs

WIDTHS = (28, 20, 14, 10)
"""Columns that a picture may take: all its pixels, or fewer."""

ENOUGH = 4
"""Pictures become smaller until so many fit."""

GAP = 2


def fit(size: tuple[int, int], samples: int) -> tuple[int, int, int]:
    """Columns of a picture, how many side by side, and how many rows of them."""
    width, height = size
    for columns in WIDTHS:
        across = (width + GAP) // (columns + GAP)
        down = (height + 1) // (columns // 2 + 3)
        if across * down >= min(ENOUGH, samples):
            break
    if across * down == 0:
        columns, across, down = max(4, min(width, 2 * (height - 2))), 1, 1
    return columns, across, down


def draw_samples(
    confusion: Confusion, size: tuple[int, int], hues: Hues, signs: Signs
) -> CellBuffer:
    """Draw as many samples as fit."""
    grid = CellBuffer(*size, hues.label)
    columns, across, down = fit(size, len(confusion.samples))
    across = min(across, max(1, -(-len(confusion.samples) // down)))
    left = max(0, (grid.width - across * (columns + GAP) + GAP) // 2)
    for number, sample in enumerate(confusion.samples[: across * down]):
        x = left + number % across * (columns + GAP)
        y = number // across * (columns // 2 + 3)
        _draw(grid, x, y, columns, sample, confusion.classes, hues, signs)
    return grid


def _draw(
    grid: CellBuffer, x: int, y: int, columns: int, sample: Sample, classes: Sequence[str],
    hues: Hues, signs: Signs,
) -> None:  # fmt: skip
    rows = columns // 2
    if hues.is_blended:
        paint(grid, x, y, scaled(sample.pixels, sample.shape, columns, rows * 2))
    else:
        picture = scaled(sample.pixels, sample.shape, columns, rows)
        grey = [[sum(pixel) / 765 for pixel in row] for row in picture]
        shade(grid, x, y, grey, signs.shades, hues.label)
    is_right = sample.target == sample.predicted
    style = hues.label if is_right else hues.wrong
    sign = signs.right if is_right else signs.wrong
    truth = fitted(f"{sign} {_name(classes, sample.target)}", columns, signs.ellipsis)
    grid.write(x, y + rows, truth, style)
    chance = f" {sample.probability:.2f}"
    guess = f"{signs.arrow} {_name(classes, sample.predicted)}"
    guess = fitted(guess, columns - len(chance), signs.ellipsis) + chance
    grid.write(x, y + rows + 1, guess, style, columns)


def _name(classes: Sequence[str], number: int) -> str:
    return classes[number] if 0 <= number < len(classes) else str(number)
