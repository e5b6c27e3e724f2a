"""One example in full: the input, the heat map of why, the probabilities as bars."""

import textwrap
from dataclasses import dataclass

from rich.style import Style

from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import Signs
from tuilab.ui.views.examples.draw_bars import (
    BARS,
    BOLD,
    GAP,
    MOST_BARS,
    Box,
    Pencil,
    draw_bars,
    label,
)
from tuilab.ui.views.examples.draw_heat_map import draw_heat, draw_pixels, rows_of
from tuilab.ui.views.examples.draw_values import draw_plain

COLUMNS = (84, 56, 42, 28, 20, 14, 10, 8, 6)
"""Columns that a picture may take."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One example on its sheet."""

    grid: CellBuffer
    used: int
    "Rows from the top that something is drawn in."
    box: Box | None = None
    "Where its picture stands."


def draw_example(
    example: Example, size: tuple[int, int], pencil: Pencil, head: str = "", hint: str = ""
) -> Drawn:
    """One example; `head` is said before anything else of it, and `hint` after all."""
    grid = CellBuffer(*size, pencil.label)
    y = _heading(grid, example, pencil, head)
    lines = _caption(example, hint, size)
    room = Box(0, y, size[0], max(1, size[1] - len(lines) - y))
    box = None
    if example.kind == "picture" and example.pixels:
        box, below = _picture(grid, example, room, pencil)
    else:
        below = draw_plain(grid, example, room, pencil)
    below = min(below, size[1] - len(lines))
    for row, line in enumerate(lines):
        grid.write(0, below + row, fitted(line, size[0], pencil.signs.ellipsis), pencil.label)
    return Drawn(grid, below + len(lines), box)


def _caption(example: Example, hint: str, size: tuple[int, int]) -> list[str]:
    """What the heat map says, and what else there is to know: a line where there is no room."""
    words = ". ".join(filter(None, (_about(example).rstrip("."), example.note)))
    if size[1] < 12:
        return [words or hint]
    return textwrap.wrap(words, max(10, size[0]))[:2] + ([hint] if hint else [])


def _about(example: Example) -> str:
    if not example.heat:
        return example.about
    return f"{example.about} (peak {short(example.reach)})"


def _heading(grid: CellBuffer, example: Example, pencil: Pencil, head: str) -> int:
    """Target, answer and loss; the row below them."""
    signs, words = pencil.signs, [head] if head else []
    style = pencil.label + BOLD
    if example.labels:
        style = _verdict(example, words, pencil)
    else:
        if example.targets:
            words.append(f"target {_few(example.targets, signs)}")
        if example.answers:
            words.append(f"prediction {_few(example.answers, signs)}")
    if example.loss is not None:
        words.append(f"{'error' if example.output else 'loss'} {short(example.loss)}")
    if example.number >= 0:
        words.append(f"no. {example.number}")
    separator = f" {signs.dot} "
    grid.write(0, 0, fitted(separator.join(words), grid.width, signs.ellipsis), style)
    return 1 if grid.height < 12 else 2


def _verdict(example: Example, words: list[str], pencil: Pencil) -> Style:
    """Which class was told, and whether that is right."""
    if len(example.answers) != 1:
        return pencil.label + BOLD
    answer = label(example, example.answers[0])
    if not example.targets:
        words.append(f"predicted {answer}")
        return pencil.label + BOLD
    target = label(example, example.targets[0])
    is_right = example.targets[0] == example.answers[0]
    sign = pencil.signs.right if is_right else pencil.signs.wrong
    words.append(f"{sign} target {target}, predicted {answer}")
    return (pencil.label if is_right else pencil.hues.wrong) + BOLD


def _few(numbers: list[float], signs: Signs) -> str:
    text = ", ".join(short(number) for number in numbers[:3])
    return text + (f", {signs.ellipsis}" if len(numbers) > 3 else "")


# --- pictures -------------------------------------------------------------------------------------


def _picture(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> tuple[Box, int]:
    """The picture, what was made of it, the heat map, and the bars where there are classes."""
    bars = BARS if example.chances else 0
    count = 1 + bool(example.output) + bool(example.heat)
    columns = _columns(room, example, count, bars)
    if columns < 14 and example.heat and count == 2:  # no room beside it: over it
        count, columns = 1, _columns(room, example, 1, bars)
    rows = rows_of(columns, example.shape)
    hues, signs, x = pencil.hues, pencil.signs, room.x
    box = Box(x, room.y, columns, rows)
    for pixels in filter(None, (example.pixels, example.output)):
        draw_pixels(grid, (x, room.y), columns, pixels, example.shape, hues, signs)
        x += columns + GAP
    if example.heat:
        x = x if count > 1 else room.x
        under = (example.pixels, example.shape)
        draw_heat(grid, (x, room.y), columns, rows, example.heat, example.heat_shape, hues, signs,
                  under)  # fmt: skip
        x += columns + GAP
    if bars:
        right = Box(x, room.y, min(MOST_BARS, room.columns - x), room.rows)
        draw_bars(grid, example, right, pencil)
    used = max(rows, min(room.rows, len(example.chances)) if bars else 0)
    return box, room.y + used + (room.rows > used)


def _columns(room: Box, example: Example, count: int, bars: int) -> int:
    for columns in COLUMNS:
        is_high = rows_of(columns, example.shape) > room.rows
        if not is_high and count * (columns + GAP) + bars <= room.columns + (0 if bars else GAP):
            return columns
    return COLUMNS[-1]
