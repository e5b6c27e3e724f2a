"""The classes of one example as bars, and what all drawings of an example share."""

from dataclasses import dataclass

from rich.style import Style

from tuilab.core.protocol.inspect.examples_messages import Example
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.terminal.glyphs import Signs

BARS, MOST_BARS = 18, 44
"""Columns that the bars of the classes take at least and at most."""

GAP = 2

BOLD = Style(bold=True)


@dataclass(frozen=True, slots=True)
class Box:
    """Where a picture stands, in cells."""

    x: int
    y: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class Pencil:
    """What everything is drawn with."""

    hues: Hues
    signs: Signs

    @property
    def label(self) -> Style:
        """The style of words."""
        return self.hues.label

    def hue(self, number: int) -> Style:
        """The style of what is told in a colour; bold where there are none."""
        if not self.hues.is_blended:
            return self.label + BOLD
        return self.label + Style(color=self.hues.of(number).rich_color)


def draw_bars(grid: CellBuffer, example: Example, room: Box, pencil: Pencil) -> None:
    """Every class with its probability; the likeliest ones where there is no room for all."""
    order = list(range(len(example.chances)))
    if len(order) > room.rows:
        order.sort(key=lambda number: -example.chances[number])
        order = order[: room.rows]
    names = min(12, max((len(_name(example, n)) for n in order), default=0), room.columns // 3)
    width = room.columns - names - 8
    target = label(example, example.targets[-1]) if example.targets else None
    best = max(range(len(example.chances)), key=lambda n: example.chances[n], default=-1)
    for row, number in enumerate(order):
        is_target = example.labels[number] == target
        style = pencil.hue(1 if is_target else 0) if is_target or number == best else pencil.label
        style += Style(bold=is_target or number == best)
        x, y = room.x, room.y + row
        grid.write(x, y, pencil.signs.bullet if is_target else " ", style)
        name = fitted(_name(example, number), names, pencil.signs.ellipsis)
        grid.write(x + 2, y, name, style)
        chance = example.chances[number]
        grid.write(x + 3 + names, y, bar(chance, width, pencil.signs), style)
        grid.write(x + 3 + names + max(0, width), y, f" {chance:4.0%}", style)


def _name(example: Example, number: int) -> str:
    name = example.labels[number]
    return name if name.isprintable() and name.strip() else repr(name)


def bar(part: float, width: int, signs: Signs) -> str:
    """A bar for a part from 0 to 1; a dot where it is too short to see."""
    full = signs.levels[-1] if signs.levels[-1] != "*" else "#"
    length = part * max(0, width)
    return full * int(length) + ("" if length >= 1 or not width else signs.dot)


def label(example: Example, number: float) -> str:
    """What a class is called."""
    place = int(number)
    return example.labels[place] if 0 <= place < len(example.labels) else str(place)
