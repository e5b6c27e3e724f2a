"""Lines between nodes: thick where a weight is large, broken where it is negative."""

from dataclasses import dataclass

from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer

DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille sign, row by row."""

DASH = 4
"""A negative line is so many dots long, then as many are left out."""

TALL = len(DOTS)


@dataclass(frozen=True, slots=True)
class Wire:
    """One line, from a cell to a cell to the right of it; y in quarters of a cell."""

    x0: int
    y0: int
    x1: int
    y1: int
    strength: float
    "From 0 to 1."
    is_negative: bool
    style: Style
    is_front: bool = False
    "It hides what is behind it."

    @property
    def thickness(self) -> int:
        """How many dots it is thick."""
        return 1 if self.strength < 0.4 else 2 if self.strength < 0.8 else 3


def draw_wires(grid: CellBuffer, wires: list[Wire], *, is_braille: bool) -> None:
    """Draw lines in their order, later ones over earlier ones."""
    for wire in wires:
        cells = _dotted(wire) if is_braille else {}
        if not is_braille:
            for (x, y), sign in _typed(wire).items():
                grid.put(x, y, sign, wire.style)
        for (x, y), bits in cells.items():
            if 0 <= x < grid.width and 0 <= y < grid.height:
                under = ord(grid.cells[y][x][0] or " ") - 0x2800
                under = under if 0 <= under < 256 and not wire.is_front else 0
                grid.put(x, y, chr(0x2800 + (under | bits)), wire.style)


def _dotted(wire: Wire) -> dict[tuple[int, int], int]:
    """Which dots of which cells a line takes."""
    cells: dict[tuple[int, int], int] = {}
    for count, (x, y) in enumerate(_path(2 * wire.x0, wire.y0, 2 * wire.x1 + 1, wire.y1)):
        if wire.is_negative and count // DASH % 2:
            continue
        for offset in (0, 1, -1)[: wire.thickness]:
            row, dot = divmod(y + offset, TALL)
            place = (x // 2, row)
            cells[place] = cells.get(place, 0) | DOTS[dot][x % 2]
    return cells


def _typed(wire: Wire) -> dict[tuple[int, int], str]:
    """The letters of a line where there is no braille."""
    is_thick = wire.thickness > 1
    flat = (":" if is_thick else ".") if wire.is_negative else ("=" if is_thick else "-")
    steep = ":" if wire.is_negative else "|"
    rows: dict[int, list[int]] = {}
    for x, y in _path(wire.x0, wire.y0 // TALL, wire.x1, wire.y1 // TALL):
        rows.setdefault(x, []).append(y)
    return {(x, y): flat if len(ys) < 3 else steep for x, ys in rows.items() for y in ys}


def _path(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    """All dots from one to another, without a gap."""
    steps = max(x1 - x0, abs(y1 - y0), 1)
    return [
        (x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps))
        for step in range(steps + 1)
    ]
