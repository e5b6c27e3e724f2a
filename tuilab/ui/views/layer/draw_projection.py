"""Points on their two principal components, each drawn as the letter of its class."""

import string
from collections import Counter

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.layer_messages import Plane
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.axes import short
from tuilab.ui.views.layer.draw_heat_grid import Box

LETTERS = string.ascii_lowercase + string.ascii_uppercase


def letters(names: list[str]) -> list[str]:
    """One sign for each name: itself, its first letter, or else letters in their order.

    >>> letters(["cat", "dog"]), letters(["cat", "cow"]), letters(["0", "1"])
    (['c', 'd'], ['a', 'b'], ['0', '1'])
    """
    first = [name[:1] for name in names]
    if all(cell_len(sign) == 1 and sign != " " for sign in first) and len(set(first)) == len(first):
        return first
    return [LETTERS[number % len(LETTERS)] for number in range(len(names))]


def draw_points(grid: CellBuffer, box: Box, seen: Plane, brush: Brush) -> None:
    """The points over the whole box; where several share a cell, the most common class."""
    x, y, width, height = box
    rows = height - 1
    if rows < 1 or width < 1 or not seen.points:
        return
    across, up = [p[0] for p in seen.points], [p[1] for p in seen.points]
    left, right, bottom, top = min(across), max(across), min(up), max(up)
    cells: dict[tuple[int, int], Counter[int]] = {}
    for first, second, number in seen.points:
        column = _cell(first, left, right, width)
        row = rows - 1 - _cell(second, bottom, top, rows)
        cells.setdefault((column, row), Counter())[number] += 1
    _axes(grid, box, (left, right, bottom, top), brush)
    signs = seen.names if seen.is_text else letters(seen.names)
    for (column, row), found in cells.items():
        number = found.most_common(1)[0][0]
        sign = signs[number][:1] if 0 <= number < len(signs) else brush.signs.dot
        grid.put(x + column, y + row, sign or brush.signs.dot, _style(seen, number, brush))


def _cell(value: float, low: float, high: float, cells: int) -> int:
    part = (value - low) / (high - low) if high > low else 0.5
    return min(cells - 1, int(part * cells))


def _style(seen: Plane, number: int, brush: Brush) -> Style:
    style = brush.hues.label + Style(bold=True)
    if not brush.hues.is_blended or not 0 <= number < len(seen.names):
        return style
    if seen.is_text:
        sign = seen.names[number][:1]
        number = 0 if sign.isalpha() else 1 if sign.isdigit() else 2
    return style + Style(color=brush.hues.of(number).rich_color)


def _axes(
    grid: CellBuffer, box: Box, bounds: tuple[float, float, float, float], brush: Brush
) -> None:
    """Faint lines through the middle of all points, and the ends of the first component."""
    x, y, width, height = box
    left, right, bottom, top = bounds
    rows, label = height - 1, brush.hues.label
    if left < 0 < right:
        column = _cell(0.0, left, right, width)
        for row in range(rows):
            grid.put(x + column, y + row, brush.signs.mark, label)
    if bottom < 0 < top:
        row = rows - 1 - _cell(0.0, bottom, top, rows)
        for column in range(width):
            grid.put(x + column, y + row, brush.signs.guide, label)
    grid.write(x, y + rows, short(left), label)
    last = short(right)
    grid.write(x + width - len(last), y + rows, last, label)


def legend(grid: CellBuffer, y: int, seen: Plane, brush: Brush) -> None:
    """How much of the spread is seen, and which letter is which class."""
    first, second = seen.explained
    text = f"PCA: {first:.0%} of the spread across, {second:.0%} up  "
    x = grid.write(0, y, text, brush.hues.label)
    if seen.is_text:
        grid.write(x, y, f"each {seen.of[:-1]} as itself", brush.hues.label)
        return
    for number, (sign, name) in enumerate(zip(letters(seen.names), seen.names, strict=True)):
        words = sign if sign == name else f"{sign} {name}"
        if x + cell_len(words) > grid.width:
            grid.write(x, y, brush.signs.ellipsis, brush.hues.label)
            return
        x = grid.write(x, y, sign, _style(seen, number, brush))
        x = grid.write(x, y, fitted(words[1:], grid.width - x), brush.hues.label) + 2
