"""Tables of a training step: rows to choose from, and how the chosen number came about."""

from dataclasses import dataclass
from math import isfinite, isnan

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.protocol.inspect.backprop_messages import Numbers, Origin, Table
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.plot.axes import short
from tuilab.ui.terminal.glyphs import glyphs
from tuilab.ui.views.backprop.phase_text import spoken

NUMBER = 10
"""Cells of a column of numbers."""

BAR = 12
"""Cells of the bars beside the last column."""

NAME = 28
"""Cells of the longest name of a row."""

NO_NUMBER = "-"
"""Where a quotient has nothing to be told from."""

UNKNOWN = ("mask", "f'(z)", "local")
"""Columns of such quotients."""


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the sheet."""

    x: int
    y: int
    width: int
    height: int


class Pen:
    """Writes tables on a sheet."""

    def __init__(self, grid: CellBuffer, brush: Brush) -> None:
        self.grid, self.brush = grid, brush
        self.label = brush.hues.label
        self.strong = self.label + Style(bold=True)

    def write(self, x: int, y: int, text: str, style: Style, room: int) -> int:
        """Write text in the terminal's signs, cut to its room."""
        cut = fitted(spoken(text), room, self.brush.signs.ellipsis)
        return self.grid.write(x, y, cut, style, room)

    def table(self, table: Table, row: int, box: Box, *, is_chosen: bool) -> int:
        """Draw a table, the chosen row in sight; the cells that it is wide."""
        names = min(NAME, max(map(cell_len, table.names), default=0) + 3)
        columns = fitting(table, box.width - names)
        width = names + NUMBER * len(columns)
        has_bars = is_chosen and box.width >= width + BAR and len(columns) <= 2
        title = self._title(table, box, is_chosen=is_chosen)
        for place, column in enumerate(columns):
            self._right(box.x + names + NUMBER * place, box.y + 1, column.name, self.label)
        rows = max(0, box.height - 2)
        first = max(0, min(row - rows // 2, len(table.names) - rows)) if is_chosen else 0
        farthest = _farthest(columns[-1]) if columns else 0.0
        for line, at in enumerate(range(first, min(len(table.names), first + rows))):
            y, is_here = box.y + 2 + line, is_chosen and at == row
            style = self.strong if is_here else self.label
            self.name(box.x, y, table.names[at], style, names - 1, is_here=is_here)
            for place, column in enumerate(columns):
                value = column.values[at]
                is_none = isnan(value) and column.name in UNKNOWN
                text = NO_NUMBER if is_none else number(value)
                self.number(box.x + names + NUMBER * place, y, value, text, is_here=is_here)
            if has_bars:
                self._bar(box.x + width + 1, y, columns[-1].values[at], farthest)
        return max(title, width + (BAR if has_bars else 0))

    def _title(self, table: Table, box: Box, *, is_chosen: bool) -> int:
        shape = "×".join(map(str, table.shape))
        text = f"{table.title}  {shape}" if shape else table.title
        if len(table.names) < table.total:
            last = table.first + len(table.names)
            text += f"  {table.first + 1}-{last} of {table.total}"
            text += " (PgDn)" if cell_len(text) + 7 <= box.width else ""
        style = self.strong if is_chosen else self.label
        return self.write(box.x, box.y, text, style, box.width) - box.x

    def origin(self, origin: Origin, box: Box) -> None:
        """Draw how one number came about, its result below."""
        names = width_of_names(origin)
        y = box.y
        self.write(box.x, y, origin.title, self.strong, box.width)
        if any(column.name for column in origin.columns):
            y += 1
            for place, column in enumerate(origin.columns):
                self._right(box.x + names + NUMBER * place, y, column.name, self.label)
        room = max(0, box.y + box.height - y - 1 - bool(origin.result))
        shown = list(range(len(origin.names)))
        is_cut = len(shown) > room
        shown = shown[: max(0, room - 1)] if is_cut else shown
        for at in shown:
            y += 1
            self.grid.write(box.x, y, fitted(origin.names[at], names - 1), self.label, names - 1)
            for place, column in enumerate(origin.columns):
                value = column.values[at]
                if not isnan(value):
                    self.number(box.x + names + NUMBER * place, y, value, number(value))
        if is_cut and room:
            y += 1
            more = f"{len(origin.names) - len(shown)} more (f: full screen)"
            self.write(box.x, y, more, self.label, box.width)
        if origin.result:
            self.write(box.x, y + 1, origin.result, self.strong, box.width)

    def _right(self, x: int, y: int, text: str, style: Style) -> None:
        cut = fitted(spoken(text), NUMBER - 1, self.brush.signs.ellipsis)
        self.grid.write(x + NUMBER - 1 - cell_len(cut), y, cut, style, NUMBER)

    def name(self, x: int, y: int, name: str, style: Style, room: int, *, is_here: bool) -> None:
        """The name of a row, with a mark where it is the chosen one."""
        self.grid.write(x, y, spoken("▸" if is_here else " "), style)
        cut = fitted(name, room - 2, self.brush.signs.ellipsis)
        self.grid.write(x + 2, y, cut, style, room - 2)

    def number(self, x: int, y: int, value: float, text: str, *, is_here: bool = False) -> None:
        """A number at the right of its column."""
        style = self.brush.side(value < 0) if value and isfinite(value) else self.label
        self._right(x, y, text, style + Style(bold=True) if is_here else style)

    def _bar(self, x: int, y: int, value: float, farthest: float) -> None:
        """A bar from the middle, to the left below zero."""
        half = (BAR - 2) // 2
        if not (isfinite(value) and farthest):
            return
        sign = "#" if glyphs() == "ascii" else "■"
        length = round(half * abs(value) / farthest)
        start = x + half - length if value < 0 else x + half + 1
        self.grid.put(x + half, y, self.brush.signs.vertical, self.label)
        self.grid.write(start, y, sign * length, self.brush.side(value < 0), length)


def number(value: float) -> str:
    """A number that fits into its column, as exact as that allows; zero without a sign."""
    texts = (short(value + 0.0, digits) for digits in (4, 3, 2))
    return next((text for text in texts if len(text) < NUMBER), short(value, 1))


def fitting(table: Table, room: int) -> list[Numbers]:
    """The columns that fit; the last ones are what a phase comes to."""
    return table.columns[-max(1, min(len(table.columns), room // NUMBER)) :]


def width_of_names(origin: Origin) -> int:
    """Cells for the names of its rows."""
    return min(NAME, max(map(cell_len, origin.names), default=0) + 1)


def width_of(origin: Origin) -> int:
    """Cells that it needs."""
    words = max(cell_len(origin.title), cell_len(origin.result))
    return max(width_of_names(origin) + NUMBER * len(origin.columns), words)


def _farthest(column: Numbers) -> float:
    return max((abs(value) for value in column.values if isfinite(value)), default=0.0)
