"""One example that is no picture: its numbers, its steps or its tokens, each with its heat."""

from rich.style import Style

from tuilab.core.protocol.inspect.examples_messages import STEPS, ZERO, Example
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.axes import short
from tuilab.ui.views.examples.draw_bars import (
    BARS,
    BOLD,
    GAP,
    MOST_BARS,
    Box,
    Pencil,
    bar,
    draw_bars,
    label,
)


def draw_plain(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> int:
    """At the left its numbers or tokens, at the right the bars; the row below all of it."""
    has_bars = bool(example.chances) and room.columns >= 2 * BARS
    width = room.columns - (min(MOST_BARS, room.columns // 2) + GAP if has_bars else 0)
    left = Box(room.x, room.y, width, room.rows)
    draw = {"series": _series, "tokens": _tokens}.get(example.kind, _numbers)
    below = draw(grid, example, left, pencil)
    end = room.y + room.rows
    below = _answers(grid, example, Box(0, below, width, end - below), pencil)
    if has_bars:
        right = Box(width + GAP, room.y, room.columns - width - GAP, room.rows)
        draw_bars(grid, example, right, pencil)
        below = max(below, room.y + len(example.chances))
    elif example.chances and end - below >= 2:
        draw_bars(grid, example, Box(0, below, width, end - below), pencil)
        below += len(example.chances)
    return min(end, below + 1)


def heat_of(example: Example, number: int) -> float | None:
    """The heat of a number or token, from -1 to 1; None where there is none."""
    if number >= len(example.heat) or (example.heat_shape or [0])[0] != 1:
        return None
    return (example.heat[number] - ZERO) / STEPS


def _numbers(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> int:
    names = min(14, max((len(name) for name in example.names), default=2))
    room_for_bar = max(0, room.columns - names - 12)
    shown = min(len(example.numbers), max(1, room.rows))
    if len(example.numbers) > shown:
        shown = max(1, shown - 1)
    for row, number in enumerate(example.numbers[:shown]):
        name = example.names[row] if row < len(example.names) else f"x{row + 1}"
        y = room.y + row
        grid.write(room.x, y, fitted(name, names, pencil.signs.ellipsis), pencil.label)
        grid.write(room.x + names + 1, y, short(number).rjust(8), pencil.label + BOLD)
        if (heat := heat_of(example, row)) is not None and room_for_bar > 3:
            sign, style = ("+", pencil.hue(0)) if heat > 0 else ("-", pencil.hue(1))
            length = bar(abs(heat), room_for_bar - 2, pencil.signs) if heat else ""
            grid.write(room.x + names + 11, y, f"{sign}{length}" if heat else "0", style)
    left = len(example.numbers) - shown + example.left_out
    if left > 0:
        grid.write(room.x, room.y + shown, f"and {left} more", pencil.label, room.columns)
    return room.y + shown + (left > 0)


def _series(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> int:
    """The numbers as small bars over time, with the heat of each step under them."""
    each = (example.shape or [0, 1])[-1]
    levels, y = pencil.signs.levels, room.y
    for feature in range(min(each, 3)):
        numbers = example.numbers[feature::each][: room.columns]
        low, high = min(numbers, default=0.0), max(numbers, default=0.0)
        span = (high - low) or 1.0
        line = "".join(levels[int((n - low) / span * (len(levels) - 1) + 0.5)] for n in numbers)
        grid.write(room.x, y, line, pencil.label + BOLD, room.columns)
        y += 1
    steps = len(example.numbers) // max(1, each)
    if example.heat:
        y = _heat_line(grid, example, Box(room.x, y, room.columns, 1), steps, pencil)
    told = ", ".join(short(number) for number in example.numbers[: 8 * each])
    grid.write(room.x, y, fitted(told, room.columns, pencil.signs.ellipsis), pencil.label)
    return y + 2


def _heat_line(grid: CellBuffer, example: Example, room: Box, steps: int, pencil: Pencil) -> int:
    shades = pencil.signs.shades
    flat = len(example.heat) // max(1, steps) or 1
    for step in range(min(steps, room.columns)):
        few = [abs(b - ZERO) / STEPS for b in example.heat[step * flat : (step + 1) * flat]]
        level = max(few, default=0.0)
        sign = shades[min(len(shades) - 1, int(level * len(shades)))]
        grid.put(room.x + step, room.y, sign, pencil.hue(0))
    return room.y + 1


def _tokens(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> int:
    """The text; the more a token matters, the darker the shade under it."""
    x, y = room.x, room.y
    shades = pencil.signs.shades
    for number, token in enumerate(example.names):
        sign = token if token.isprintable() else pencil.signs.dot
        if x + len(sign) > room.x + room.columns:
            x, y = room.x, y + 2
        if y + 1 >= room.y + room.rows:
            break
        heat = heat_of(example, number)
        level = 0 if heat is None else min(len(shades) - 1, int(abs(heat) * len(shades)))
        grid.write(x, y, sign, pencil.label + Style(bold=level > 1))
        for place in range(len(sign)):
            grid.put(x + place, y + 1, shades[level], pencil.hue(0))
        x += len(sign)
    return y + 2


def _answers(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> int:
    """Of a network that answers at every position: what was right, and what it said."""
    if not example.labels or len(example.answers) < 2 or room.rows < 1:
        return room.y
    y = room.y
    for name, numbers in (("target", example.targets), ("answer", example.answers)):
        if numbers and y < room.y + room.rows:
            words = [label(example, n) if n >= 0 else pencil.signs.dot for n in numbers]
            gap = "" if all(len(word) == 1 for word in words) else " "
            line = "".join(w if w.isprintable() else pencil.signs.dot for w in gap.join(words))
            text = fitted(f"{name} {line}", room.columns, pencil.signs.ellipsis)
            grid.write(room.x, y, text, pencil.label)
            y += 1
    return y
