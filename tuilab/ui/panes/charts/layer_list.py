"""One row a layer: its newest value, its recent history as a sparkline, and a word."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite, log10
from statistics import median
from typing import ClassVar, TypeVar

from rich.style import Style
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import signs

T = TypeVar("T")

LINES = 6
"""Layers that are drawn as lines; the list has all of them."""

FAR = 100.0
"""A gradient so many times smaller or larger than the median layer's is pointed out."""

USUAL = (1e-5, 1e-1)
"""Outside of this, a step is pointed out as small or large for the weights that it moves."""

RECENT = 240
"""Points that a sparkline looks back on."""

WORDS = ("healthy", "small?", "large?", "zero", "not finite")


@dataclass(frozen=True, slots=True)
class LayerRow:
    """One layer as the list shows it."""

    name: str
    newest: float
    recent: tuple[float, ...]
    word: str
    sign: str = ""
    "The sign on its line; empty for a layer that the chart leaves out."
    colour: int = 0


def layer_rows(run: Run, family: str) -> Iterator[LayerRow]:
    """The layers of a run, in order; evenly chosen ones carry the sign of their line.

    Args:
        family: `gradient` or `update`.
    """
    points = {
        name: [point[1] for point in series.recent[-RECENT:]]
        for name, series in run.series.items()
        if name.startswith(f"{family}/") and series.recent
    }
    middle = median([values[-1] for values in points.values() if isfinite(values[-1])] or [0.0])
    drawn = evenly(list(points), LINES)
    for name, values in points.items():
        number = drawn.index(name) if name in drawn else -1
        sign = signs().lines[number] if number >= 0 else ""
        word = word_for(family, values[-1], middle)
        yield LayerRow(name.partition("/")[2], values[-1], tuple(values), word, sign, number + 1)


def evenly(items: Sequence[T], most: int) -> list[T]:
    """At most so many of the items, the first and the last among them.

    >>> evenly("abcdefghi", 3)
    ['a', 'e', 'i']
    """
    if len(items) <= most:
        return list(items)
    return [items[round(n * (len(items) - 1) / (most - 1))] for n in range(most)]


def word_for(family: str, value: float, middle: float) -> str:
    """A plain word on a layer's gradient (against the median layer's) or update (against usual)."""
    if not isfinite(value):
        return "not finite"
    if value == 0:
        return "zero"
    low, high = (middle / FAR, middle * FAR) if family == "gradient" else USUAL
    return "small?" if value < low else "large?" if value > high else "healthy"


def sparkline(values: Sequence[float], width: int, low: float, high: float, levels: str) -> str:
    """The last values, one column each, on a logarithmic scale from low to high."""
    shown = list(values)[-width:] if width > 0 else []
    return "".join(_level(value, low, high, levels) for value in shown).rjust(max(0, width))


def _level(value: float, low: float, high: float, levels: str) -> str:
    if not isfinite(value):
        return "!"
    if value <= 0 or low <= 0 or high <= low:
        return levels[0] if value <= 0 else levels[len(levels) // 2]
    part = (log10(value) - log10(low)) / (log10(high) - log10(low))
    return levels[min(len(levels) - 1, max(0, int(part * len(levels))))]


class LayerList(ScrollView, can_focus=True):
    """The layers of a network under or beside their chart; scrolls where they do not fit."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "layers--plain", "layers--value", "layers--healthy", "layers--remarkable",
        *(f"chart--line-{number}" for number in range(1, LINES + 1)),
    }  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[LayerRow] = []
        self._range = (0.0, 0.0)

    def show(self, rows: list[LayerRow]) -> None:
        """Show layers; the sparklines have one scale, so that layers can be compared."""
        if rows == self._rows:
            return
        self._rows = rows
        positive = [v for row in rows for v in row.recent if isfinite(v) and v > 0]
        self._range = (min(positive, default=0.0), max(positive, default=0.0))
        self.virtual_size = Size(self.size.width, len(rows))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One layer."""
        width = self.size.width
        grid = CellBuffer(width, 1, self.rich_style)
        number = y + self.scroll_offset.y
        if number < len(self._rows):
            self._write(grid, self._rows[number])
        return grid.strips()[0]

    def _write(self, grid: CellBuffer, row: LayerRow) -> None:
        line = (
            self.get_component_rich_style(f"chart--line-{row.colour}")
            if row.colour
            else self._style("plain")
        )
        names = min(max(len(other.name) for other in self._rows), max(6, grid.width - 20))
        grid.write(0, 0, row.sign, line)
        grid.write(2, 0, fitted(row.name, names, signs().ellipsis), line)
        value = short(row.newest)
        at = 2 + names + 1
        at = grid.write(at + max(0, 7 - len(value)), 0, value, self._style("value")) + 1
        words = max(len(word) for word in WORDS)
        room = grid.width - at - words - 1
        if room >= 4:
            spark = sparkline(row.recent, min(40, room), *self._range, signs().levels)
            at = grid.write(at, 0, spark, line) + 1
        usual = row.word == "healthy"
        grid.write(at, 0, row.word, self._style("healthy" if usual else "remarkable"))

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"layers--{name}")
