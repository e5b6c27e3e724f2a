"""What a network says over the plane, with the examples drawn over it."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isfinite, log10

from rich.cells import cell_len
from rich.style import Style
from textual.color import Color

from tuilab.core.protocol.inspect.result_messages import Surface
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.half_blocks import Pixel, paint, two_pixels
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import Signs

LEVELS = 6
"""Steps of certainty that are told apart by colour."""


@dataclass(frozen=True, slots=True)
class Hues:
    """The colours of a picture."""

    behind: Color
    front: Color
    classes: tuple[Color, ...]
    label: Style
    wrong: Style
    is_blended: bool
    "Whether blended colours can be shown; else shades and letters stand in."

    def of(self, number: int) -> Color:
        """The colour of a class."""
        return self.classes[number % len(self.classes)]


GUTTER = 6
"""Columns left of a plane, for labels such as `-2.11`."""


def size_of_plane(width: int, height: int) -> tuple[int, int]:
    """Columns and rows of cells for a square plane that leaves room for its labels."""
    rows = max(1, min(height - 2, (width - GUTTER) // 2))
    return max(1, min(width - GUTTER, rows * 2)), rows


def box_of_plane(width: int, height: int) -> tuple[int, int, int]:
    """The first column of the plane in its drawing, its columns and its rows."""
    columns, rows = size_of_plane(width, height)
    return max(GUTTER, (width - columns) // 2), columns, rows


def draw_plane(
    surface: Surface, classes: Sequence[str], size: tuple[int, int], hues: Hues, signs: Signs
) -> CellBuffer:
    """Draw a surface; without classes it is a regression's, without values the examples alone."""
    grid = CellBuffer(*size, hues.label)
    left, columns, rows = box_of_plane(*size)
    picture = _Plane(surface, len(classes), hues, signs)
    if not surface.values:
        pass
    elif hues.is_blended:
        paint(grid, left, 0, picture.pixels(columns, rows * 2))
    else:
        picture.texture(grid, left, columns, rows)
    picture.examples(grid, left, columns, rows)
    _labels(grid, surface, (left, columns, rows), hues)
    if rows + 1 < grid.height:
        picture.legend(grid, rows + 1, classes)
    return grid


def _labels(grid: CellBuffer, surface: Surface, box: tuple[int, int, int], hues: Hues) -> None:
    """The bounds and the middle of both axes."""
    left, columns, rows = box
    x0, x1, y0, y1 = surface.bounds
    for row, text in zip((0, rows // 2, rows - 1), reversed(_ends(y0, y1)), strict=True):
        grid.write(max(0, left - len(text) - 1), row, text, hues.label)
    low, middle, high = _ends(x0, x1)
    grid.write(left, rows, low, hues.label)
    grid.write(left + (columns - len(middle)) // 2, rows, middle, hues.label)
    grid.write(left + columns - len(high), rows, high, hues.label)


def _ends(low: float, high: float) -> tuple[str, str, str]:
    """Both ends of an axis and its middle, no finer than a thousandth of its length."""
    finest = 3 - ceil(log10(high - low)) if isfinite(high - low) and high > low else 9
    low_, middle, high_ = (short(round(at, finest)) for at in (low, (low + high) / 2, high))
    return low_, middle, high_


class _Plane:
    """One surface with all that its cells and examples need."""

    def __init__(self, surface: Surface, classes: int, hues: Hues, signs: Signs) -> None:
        self.surface, self.classes, self.hues, self.signs = surface, classes, hues, signs
        finite = [abs(value) for value in surface.values if isfinite(value)]
        self.reach = max(finite, default=1.0) or 1.0
        "Farthest value of a regression; its scale is the same in both directions."
        self._colours: dict[tuple[int, int], Pixel] = {}

    def value(self, across: float, up: float) -> float:
        """The value at a part (0 to 1) of the way from the left and from the top."""
        width, height = self.surface.width, self.surface.height
        column, row = min(width - 1, int(across * width)), min(height - 1, int(up * height))
        place = row * width + column
        return self.surface.values[place] if place < len(self.surface.values) else 0.0

    def split(self, value: float) -> tuple[int, float]:
        """Which hue a value has, and how much of it (0 to 1)."""
        if not isfinite(value):
            return 0, 0.0
        if not self.classes:
            return (0 if value < 0 else 1), min(1.0, abs(value) / self.reach)
        number = max(0, min(self.classes - 1, int(value)))
        chance = 1 / max(2, self.classes)
        return number, min(1.0, max(0.0, (value - number - chance) / (1 - chance)))

    def colour(self, value: float) -> Pixel:
        """The colour of a value: the class's, paler where it is less certain."""
        number, part = self.split(value)
        level = round(part * LEVELS)
        if (number, level) not in self._colours:
            blend = 0.13 + 0.72 * level / LEVELS if self.classes else 0.85 * level / LEVELS
            mixed = self.hues.behind.blend(self.hues.of(number), blend)
            self._colours[number, level] = (mixed.r, mixed.g, mixed.b)
        return self._colours[number, level]

    def pixels(self, columns: int, rows: int) -> list[list[Pixel]]:
        """The surface in a number of pixels."""
        return [
            [self.colour(self.value((x + 0.5) / columns, (y + 0.5) / rows)) for x in range(columns)]
            for y in range(rows)
        ]

    def texture(self, grid: CellBuffer, left: int, columns: int, rows: int) -> None:
        """The surface without colours: shades for two classes or a regression, else letters."""
        for y in range(rows):
            for x in range(columns):
                value = self.value((x + 0.5) / columns, (y + 0.5) / rows)
                grid.put(left + x, y, self._sign(value), self.hues.label)

    def _sign(self, value: float) -> str:
        number, part = self.split(value)
        if self.classes > 2:
            return chr(ord("a") + number % 26) if part >= 0.5 else self.signs.dot
        towards = (1 + part) / 2 if number else (1 - part) / 2
        return self.signs.shades[min(len(self.signs.shades) - 1, int(towards * 5))]

    def examples(self, grid: CellBuffer, left: int, columns: int, rows: int) -> None:
        """Examples over the surface: few enough that it is still seen."""
        x0, x1, y0, y1 = self.surface.bounds
        most = max(24, columns * rows // 6)
        trained, held_back = self.surface.points, self.surface.validation
        share = most * len(trained) // max(1, len(trained) + len(held_back))
        for points, is_held_back in ((trained[:share], False), (held_back[: most - share], True)):
            for x, y, target in points:
                across, up = (x - x0) / ((x1 - x0) or 1), (y1 - y) / ((y1 - y0) or 1)
                if 0 <= across <= 1 and 0 <= up <= 1 and isfinite(target):
                    cell = min(columns - 1, int(across * columns)), min(rows - 1, int(up * rows))
                    style = self._example(target, self.value(across, up))
                    grid.put(left + cell[0], cell[1], self._point(target, is_held_back), style)

    def _example(self, target: float, under: float) -> Style:
        """An example's style: its own colour, brought out from what is under it."""
        if not self.hues.is_blended:
            return self.hues.label + Style(bold=True)
        number, _ = self.split(target if not self.classes else target + 0.999)
        if not self.surface.values:
            return self.hues.label + Style(color=self.hues.of(number).rich_color, bold=True)
        colour = self.hues.of(number).blend(self.hues.front, 0.72)
        return two_pixels((colour.r, colour.g, colour.b), self.colour(under)) + Style(bold=True)

    def _point(self, target: float, is_held_back: bool) -> str:
        points = self.signs.points
        number = int(target) if self.classes else 0
        if self.classes > len(points):
            letter = chr(ord("A") + number % 26)
            return letter.lower() if is_held_back else letter
        return points[number % len(points)][is_held_back]

    def legend(self, grid: CellBuffer, row: int, classes: Sequence[str]) -> None:
        """Which sign is which class, or which colour is which value."""
        signs = dict.fromkeys(self._point(n, True) for n in range(min(2, len(classes) or 1)))
        tail = f"{''.join(signs)} held back" if self.surface.validation else ""
        if not classes:
            self._scale(grid, row, tail)
            return
        is_lettered = not self.hues.is_blended and len(classes) > 2
        length = sum(cell_len(name) + (6 if is_lettered else 4) for name in classes)
        x = max(0, (grid.width - length - cell_len(tail)) // 2)
        for number, name in enumerate(classes):
            style = self.hues.label + Style(bold=True)
            if self.hues.is_blended:
                style += Style(color=self.hues.of(number).rich_color)
            text = f"{chr(ord('a') + number % 26)} {name}" if is_lettered else name
            if x + 2 + cell_len(text) > grid.width:
                return
            x = grid.write(x, row, f"{self._point(number, False)} ", style)
            x = grid.write(x, row, fitted(text, grid.width), self.hues.label) + 2
        if x + cell_len(tail) <= grid.width:
            grid.write(x, row, tail, self.hues.label)

    def _scale(self, grid: CellBuffer, row: int, tail: str) -> None:
        """A bar from the lowest to the highest value, with its numbers."""
        low, high = short(-self.reach), short(self.reach)
        bar = max(5, min(20, grid.width - len(low) - len(high) - cell_len(tail) - 5))
        x = max(0, (grid.width - bar - len(low) - len(high) - 2 - cell_len(tail) - 2) // 2)
        x = grid.write(x, row, f"{low} ", self.hues.label)
        for place in range(bar):
            value = (2 * (place + 0.5) / bar - 1) * self.reach
            pixel = self.colour(value)
            if self.hues.is_blended:
                grid.put(x + place, row, " ", two_pixels(pixel, pixel))
            else:
                grid.put(x + place, row, self._sign(value), self.hues.label)
        x = grid.write(x + bar, row, f" {high}", self.hues.label) + 2
        if x + cell_len(tail) <= grid.width:
            grid.write(x, row, tail, self.hues.label)
