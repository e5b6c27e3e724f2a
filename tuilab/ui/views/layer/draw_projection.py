"""Points on their two principal components, each drawn as the letter of its class."""

import string
from collections import Counter

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_compact, format_percent
from tuilab.core.protocol.inspect.layer_messages import Projection
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells

LETTERS = string.ascii_lowercase + string.ascii_uppercase


def choose_letters(names: list[str]) -> list[str]:
    """Returns one glyph for each name: its first letter if all differ, else letters in order.

    >>> choose_letters(["cat", "dog"]), choose_letters(["cat", "cow"]), choose_letters(["0", "1"])
    (['c', 'd'], ['a', 'b'], ['0', '1'])
    """
    first = [name[:1] for name in names]
    is_printable = all(cell_len(glyph) == 1 and glyph != " " for glyph in first)
    if is_printable and len(set(first)) == len(first):
        return first
    return [LETTERS[number % len(LETTERS)] for number in range(len(names))]


def draw_projection(cells: StyledCells, region: Region, projection: Projection) -> None:
    """Draws the points over the whole region; where several share a cell, the most common class."""
    x, y, width, height = region
    rows = height - 1
    if rows < 1 or width < 1 or not projection.points:
        return
    xs, ys = [point[0] for point in projection.points], [point[1] for point in projection.points]
    left, right, bottom, top = min(xs), max(xs), min(ys), max(ys)
    classes: dict[tuple[int, int], Counter[int]] = {}
    for first, second, number in projection.points:
        column = _cell(first, left, right, width)
        row = rows - 1 - _cell(second, bottom, top, rows)
        classes.setdefault((column, row), Counter())[number] += 1
    _draw_axes(cells, region, (left, right, bottom, top))
    letters = projection.names if projection.is_text else choose_letters(projection.names)
    for (column, row), counts in classes.items():
        number = counts.most_common(1)[0][0]
        letter = letters[number][:1] if 0 <= number < len(letters) else ""
        point_style = _point_style(projection, number, cells.style)
        cells.put(x + column, y + row, letter or cells.style.glyphs.dot, point_style)


def _cell(value: float, low: float, high: float, count: int) -> int:
    part = (value - low) / (high - low) if high > low else 0.5
    return min(count - 1, int(part * count))


def _point_style(projection: Projection, number: int, style: DrawStyle) -> Style:
    if not 0 <= number < len(projection.names):
        return style.strong
    if projection.is_text:
        letter = projection.names[number][:1]
        number = 0 if letter.isalpha() else 1 if letter.isdigit() else 2
    return style.class_style(number) + BOLD


def _draw_axes(
    cells: StyledCells, region: Region, bounds: tuple[float, float, float, float]
) -> None:
    """Draws faint lines through zero, and labels the ends of the first component."""
    x, y, width, height = region
    left, right, bottom, top = bounds
    rows = height - 1
    if left < 0 < right:
        column = x + _cell(0.0, left, right, width)
        cells.write_lines(column, y, [cells.style.glyphs.mark] * rows)
    if bottom < 0 < top:
        row = y + rows - 1 - _cell(0.0, bottom, top, rows)
        cells.write(x, row, cells.style.glyphs.guide * width)
    cells.write(x, y + rows, format_compact(left))
    cells.write_left_of(x + width, y + rows, format_compact(right))


def draw_legend(cells: StyledCells, y: int, projection: Projection) -> None:
    """Draws how much of the variance is visible, and which letter is which class."""
    first, second = map(format_percent, projection.explained_variance)
    x = cells.write(0, y, f"PCA: {first} of the variance across, {second} up  ")
    if projection.is_text:
        cells.write(x, y, f"each {projection.point_kind[:-1]} as itself")
        return
    letters = choose_letters(projection.names)
    for number, (letter, name) in enumerate(zip(letters, projection.names, strict=True)):
        entry = letter if letter == name else f"{letter} {name}"
        if x + cell_len(entry) > cells.width:
            cells.write(x, y, cells.style.glyphs.ellipsis)
            return
        x = cells.write(x, y, letter, _point_style(projection, number, cells.style))
        x = cells.write_truncated(x, y, entry[1:], cells.width - x) + 2
