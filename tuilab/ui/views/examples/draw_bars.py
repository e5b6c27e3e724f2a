"""The class probabilities of one example as bars."""

from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_percent
from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.result.draw_samples import name_class

MIN_BARS_WIDTH, MAX_BARS_WIDTH = 18, 44
"""Columns that the bars of the classes take."""

MAX_NAME_WIDTH = 12

GAP = 2
"""Columns between what is side by side."""


def draw_bars(cells: StyledCells, region: Region, example: Example) -> None:
    """Draws every class with its probability; the likeliest ones if there is no room for all."""
    style = cells.style
    x, y, columns, rows = region
    probabilities = example.probabilities
    order = list(range(len(probabilities)))
    likeliest = max(order, key=lambda number: probabilities[number], default=-1)
    if len(order) > rows:
        order = sorted(order, key=lambda number: -probabilities[number])[:rows]
    names = {number: _printable_name(example, number) for number in order}
    width = min(MAX_NAME_WIDTH, max(map(len, names.values()), default=0), columns // 3)
    room = columns - width - 8
    target = name_class(example.labels, example.targets[-1]) if example.targets else None
    for row, number in enumerate(order, y):
        is_target = example.labels[number] == target
        is_special = is_target or number == likeliest
        bar_style = style.class_style(int(is_target)) if is_special else style.muted
        bar_style += Style(bold=is_special)
        cells.write(x, row, style.glyphs.bullet if is_target else " ", bar_style)
        cells.write_truncated(x + 2, row, names[number], width, bar_style)
        start = x + 3 + width
        cells.write(start, row, format_bar(probabilities[number], room, style), bar_style)
        percent = f" {format_percent(probabilities[number]):>4}"
        cells.write(start + max(0, room), row, percent, bar_style)


def _printable_name(example: Example, number: int) -> str:
    name = example.labels[number]
    return name if name.isprintable() and name.strip() else repr(name)


def format_bar(part: float, width: int, style: DrawStyle) -> str:
    """Returns a bar for a fraction from 0 to 1; a dot if it is too short to see."""
    length = part * max(0, width)
    return style.glyphs.bars[-1] * int(length) + (
        "" if length >= 1 or not width else style.glyphs.dot
    )
