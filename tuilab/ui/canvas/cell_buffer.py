"""A sheet of character cells to compose a drawing on, then cut into strips."""

from collections.abc import Iterator
from functools import lru_cache
from unicodedata import category

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

BLANK = (" ", "\u2800")
"""Cells that nothing is drawn in."""


class CellBuffer:
    """Cells of one sign and one style each; what does not fit is cut off."""

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self.cells = [[(" ", style)] * self.width for _ in range(self.height)]

    def put(self, x: int, y: int, sign: str, style: Style) -> None:
        """Set one cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.cells[y][x] = (sign, style)

    def is_blank(self, x: int, y: int, width: int = 1) -> bool:
        """Whether cells are on the sheet and nothing is drawn in them."""
        if not (x >= 0 and x + width <= self.width and 0 <= y < self.height):
            return False
        return all(sign in BLANK for sign, _ in self.cells[y][x : x + width])

    def write(self, x: int, y: int, text: str, style: Style, room: int | None = None) -> int:
        """Write text from x on into at most `room` cells; the x after it."""
        end = self.width if room is None else min(self.width, x + room)
        for sign, width in map(_shown, text):
            if x + width > end:
                break
            if width:
                self.put(x, y, sign, style)
                # A wide sign owns the cell after it too.
                if width == 2:
                    self.put(x + 1, y, "", style)
            x += width
        return x

    def place(self, x: int, y: int, other: "CellBuffer") -> None:
        """Put another sheet on this one."""
        for row, cells in enumerate(other.cells):
            for column, (sign, style) in enumerate(cells):
                self.put(x + column, y + row, sign, style)

    def changes(self, before: "CellBuffer") -> Iterator[tuple[int, int, int]]:
        """Where this sheet differs from one of the same size: x, y and width in each row.

        One stretch a row: Textual sends a row from its start for each of its stretches.
        """
        for y, (old, new) in enumerate(zip(before.cells, self.cells, strict=True)):
            if old != new:
                changed = [x for x in range(self.width) if old[x] != new[x]]
                # One cell more on either side, so that no wide sign is halved.
                start, end = max(0, changed[0] - 1), min(self.width, changed[-1] + 2)
                yield start, y, end - start

    def strips(self) -> list[Strip]:
        """One strip a row, each as wide as the sheet."""
        return [Strip(_segments(row), self.width) for row in self.cells]


def _segments(row: list[tuple[str, Style]]) -> list[Segment]:
    """Stretches of one style; an empty cell joins the stretch before it if nobody can tell.

    Each change of style is some 40 bytes to the terminal, more than all that it colours.
    """
    found: list[Segment] = []
    signs: list[str] = []
    present: Style | None = None
    for sign, style in row:
        if style is not present and style != present:
            if present is None or not (sign in BLANK and _is_same_empty(present, style)):
                if present is not None:
                    found.append(Segment("".join(signs), present))
                signs, present = [], style
            elif sign == BLANK[1]:
                sign = " "
        signs.append(sign)
    if present is not None:
        found.append(Segment("".join(signs), present))
    return found


@lru_cache(4096)
def _is_same_empty(one: Style, other: Style) -> bool:
    """Whether an empty cell looks the same in both styles."""
    plain = not (one.reverse or one.underline or one.strike or other.reverse or other.underline)
    return plain and not other.strike and one.bgcolor == other.bgcolor


@lru_cache(1024)
def _shown(sign: str) -> tuple[str, int]:
    """A sign as cells show it, and how many: a space of any kind is one, a control none."""
    if category(sign) == "Zs":  # such as the thin space between groups of digits
        return " ", 1
    return (sign, cell_len(sign)) if sign.isprintable() else ("", 0)


def fitted(text: str, room: int, ellipsis: str = "…") -> str:
    """Text without control characters, cut to so many cells."""
    plain = "".join(sign for sign, _ in map(_shown, text))
    if cell_len(plain) <= room:
        return plain
    while plain and cell_len(plain) + 1 > room:
        plain = plain[:-1]
    return plain + ellipsis if room > 0 else ""
