"""Lines between nodes: thick where a weight is large, dashed where it is negative."""

from dataclasses import dataclass

from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer

DOT_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bits of a braille glyph, row by row."""

DASH = 4
"""Dots of each dash of a negative line, and of each gap."""

DOT_ROWS = len(DOT_BITS)
"""Rows of dots in a cell."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, from a cell to a cell to the right of it; y in quarters of a cell."""

    x0: int
    y0: int
    x1: int
    y1: int
    strength: float
    "From 0 to 1."
    is_negative: bool
    style: Style
    is_opaque: bool = False
    "It hides what is behind it."

    @property
    def thickness(self) -> int:
        """How many dots it is thick."""
        return 1 if self.strength < 0.4 else 2 if self.strength < 0.8 else 3


def draw_lines(cells: CellBuffer, lines: list[Line], *, is_braille: bool) -> None:
    """Draws lines in their order, later ones over earlier ones."""
    for line in lines:
        if not is_braille:
            for (x, y), glyph in _ascii_cells(line).items():
                cells.put(x, y, glyph, line.style)
            continue
        for (x, y), bits in _braille_cells(line).items():
            if 0 <= x < cells.width and 0 <= y < cells.height:
                under = ord(cells.rows[y][x][0] or " ") - 0x2800
                under = under if 0 <= under < 256 and not line.is_opaque else 0
                cells.put(x, y, chr(0x2800 + (under | bits)), line.style)


def _braille_cells(line: Line) -> dict[tuple[int, int], int]:
    """Returns which dots of which cells a line takes."""
    bits: dict[tuple[int, int], int] = {}
    for count, (x, y) in enumerate(_path(2 * line.x0, line.y0, 2 * line.x1 + 1, line.y1)):
        if line.is_negative and count // DASH % 2:
            continue
        for offset in (0, 1, -1)[: line.thickness]:
            row, dot = divmod(y + offset, DOT_ROWS)
            cell = (x // 2, row)
            bits[cell] = bits.get(cell, 0) | DOT_BITS[dot][x % 2]
    return bits


def _ascii_cells(line: Line) -> dict[tuple[int, int], str]:
    """Returns the glyphs of a line where there is no braille."""
    is_thick = line.thickness > 1
    flat = (":" if is_thick else ".") if line.is_negative else ("=" if is_thick else "-")
    steep = ":" if line.is_negative else "|"
    columns: dict[int, list[int]] = {}
    for x, y in _path(line.x0, line.y0 // DOT_ROWS, line.x1, line.y1 // DOT_ROWS):
        columns.setdefault(x, []).append(y)
    return {(x, y): flat if len(ys) < 3 else steep for x, ys in columns.items() for y in ys}


def _path(x0: int, y0: int, x1: int, y1: int) -> list[tuple[int, int]]:
    """Returns all dots from one to another, without a gap."""
    steps = max(x1 - x0, abs(y1 - y0), 1)
    return [
        (x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps))
        for step in range(steps + 1)
    ]
