"""What one unit answers over the plane or a line, in character cells; zero is the background."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from rich.style import Style

from tuilab.core.protocol.inspect.units_messages import STEPS, ZERO
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.half_blocks import Pixel, paint, two_pixels
from tuilab.ui.terminal.glyphs import Signs

LEVELS = 8
"""Steps of strength that are told apart by colour, on either side of zero."""

BELOW = " --=="
"""Negative answers where there is no colour; positive ones are shades."""

SURE = 0.25
"""From this part of the farthest answer on, a large map has signs in it."""

Values = tuple[tuple[float, ...], ...]
"""Rows from the top, each value from -1 to 1."""


@dataclass(frozen=True, slots=True)
class Brush:
    """What answers are drawn with."""

    hues: Hues
    signs: Signs

    def colour(self, value: float) -> Pixel:
        """The colour of an answer: blue above zero, orange below, stronger farther from it."""
        return _colour(self.hues, round(max(-1.0, min(1.0, value)) * LEVELS))

    def sign(self, value: float) -> str:
        """The sign of an answer where there is no colour."""
        shades = self.signs.shades if value > 0 else BELOW
        return shades[min(len(shades) - 1, int(abs(value) * len(shades)))]

    def side(self, is_negative: bool) -> Style:
        """The style of what is above or below zero."""
        if not self.hues.is_blended:
            return self.hues.label
        return self.hues.label + Style(color=self.hues.of(0 if is_negative else 1).rich_color)

    def faint(self, is_negative: bool) -> Style:
        """The same, where it is not what is looked at."""
        if not self.hues.is_blended:
            return self.hues.label
        colour = self.hues.behind.blend(self.hues.of(0 if is_negative else 1), 0.55)
        return self.hues.label + Style(color=colour.rich_color)


@lru_cache(256)
def _colour(hues: Hues, level: int) -> Pixel:
    base = hues.behind.blend(hues.front, 0.10)
    mixed = base.blend(hues.of(0 if level < 0 else 1), 0.9 * abs(level) / LEVELS)
    return mixed.r, mixed.g, mixed.b


def draw_response(
    grid: CellBuffer, box: tuple[int, int, int, int], values: Callable[[int, int], Values],
    brush: Brush, *, is_large: bool = False,
) -> None:  # fmt: skip
    """Draw answers.

    Args:
        box: first column and row, columns and rows.
        values: the answers in so many columns and rows.
        is_large: signs beside the colours tell above from below zero.
    """
    x, y, columns, rows = box
    if not brush.hues.is_blended:
        for number, row in enumerate(values(columns, rows)):
            for column, value in enumerate(row):
                grid.put(x + column, y + number, brush.sign(value), brush.hues.label)
        return
    fine = values(columns, rows * 2)
    paint(grid, x, y, [[brush.colour(value) for value in row] for row in fine])
    if is_large:
        _mark(grid, box, fine, brush)


def _mark(grid: CellBuffer, box: tuple[int, int, int, int], fine: Values, brush: Brush) -> None:
    """Signs here and there, so that colour is not the only sign."""
    left, top, columns, rows = box
    mixed = brush.hues.front.blend(brush.hues.behind, 0.3)
    for y in range(1, rows, 3):
        for x in range(2, columns, 6):
            value = (fine[2 * y][x] + fine[2 * y + 1][x]) / 2
            if abs(value) >= SURE:
                style = two_pixels((mixed.r, mixed.g, mixed.b), brush.colour(value))
                grid.put(left + x, top + y, "+" if value > 0 else "-", style)


@lru_cache(2048)
def scaled(response: bytes, size: tuple[int, int], columns: int, rows: int) -> Values:
    """An answer in another size: the plane by means, a line as the area between it and zero."""
    width, height = size
    if len(response) != width * height or not response:
        return ((0.0,) * columns,) * rows
    across = [_covered(x, columns, width) for x in range(columns)]
    if height == 1:
        return _area([_mean(response, width, range(1), part) for part in across], rows)
    down = [_covered(y, rows, height) for y in range(rows)]
    return tuple(tuple(_mean(response, width, part, x) for x in across) for part in down)


def _area(line: list[float], rows: int) -> Values:
    levels = [1 - 2 * (row + 0.5) / rows for row in range(rows)]
    return tuple(
        tuple(value if 0 < level <= value or value <= level < 0 else 0.0 for value in line)
        for level in levels
    )


def _covered(place: int, places: int, points: int) -> range:
    first = place * points // places
    return range(first, max(first + 1, (place + 1) * points // places))


def _mean(response: bytes, width: int, rows: range, columns: range) -> float:
    first, last = columns.start, columns.stop
    total = sum(sum(response[row * width + first : row * width + last]) for row in rows)
    return (total / (len(rows) * len(columns)) - ZERO) / STEPS
