"""A buffer of character cells to compose a drawing on, then cut into strips."""

import textwrap
from collections.abc import Iterable, Iterator
from functools import lru_cache
from unicodedata import category

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.strip import Strip

BLANK = (" ", "\u2800")
"""Glyphs of empty cells."""


class CellBuffer:
    """Cells of one glyph and one style each; what does not fit is cut off."""

    def __init__(self, width: int, height: int, style: Style) -> None:
        self.width, self.height = max(0, width), max(0, height)
        self.text_style = style
        "The style of empty cells, and of text that is written without one."
        self.rows = [[(" ", style)] * self.width for _ in range(self.height)]

    @property
    def size(self) -> Size:
        """Columns and rows."""
        return Size(self.width, self.height)

    def put(self, x: int, y: int, glyph: str, style: Style) -> None:
        """Sets one cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            self.rows[y][x] = (glyph, style)

    def is_blank(self, x: int, y: int, width: int = 1) -> bool:
        """Returns whether cells are inside of the buffer and nothing is drawn in them."""
        is_inside = x >= 0 and x + width <= self.width and 0 <= y < self.height
        return is_inside and all(glyph in BLANK for glyph, _ in self.rows[y][x : x + width])

    def write(
        self, x: int, y: int, text: str, style: Style | None = None, room: int | None = None
    ) -> int:
        """Writes text from x on into at most `room` cells, and returns the x after it."""
        style = self.text_style if style is None else style
        end = self.width if room is None else min(self.width, x + room)
        for glyph, width in map(_printable, text):
            if x + width > end:
                break
            if width:
                self.put(x, y, glyph, style)
                # A wide glyph owns the cell after it too.
                if width == 2:
                    self.put(x + 1, y, "", style)
            x += width
        return x

    def write_left_of(self, x: int, y: int, text: str, style: Style | None = None) -> int:
        """Writes text that ends before x, and returns where it begins."""
        start = x - cell_len(text)
        self.write(start, y, text, style)
        return start

    def write_lines(self, x: int, y: int, lines: Iterable[str], style: Style | None = None) -> int:
        """Writes lines below each other, and returns the row after them."""
        for line in lines:
            self.write(x, y, line, style)
            y += 1
        return y

    def write_centered(self, text: str, style: Style | None = None) -> None:
        """Writes a few words in the middle of the buffer."""
        lines = textwrap.wrap(text, max(8, min(56, self.width - 2)))[: self.height]
        for y, line in enumerate(lines, (self.height - len(lines)) // 2):
            self.write(max(0, (self.width - cell_len(line)) // 2), y, line, style)

    def draw_cursor(self, x: int, y: int) -> None:
        """Draws a cursor over a cell."""
        if 0 <= x < self.width and 0 <= y < self.height:
            glyph, style = self.rows[y][x]
            glyph = "+" if glyph in (" ", "▀") else glyph
            self.put(x, y, glyph, style + Style(reverse=True, bold=True))

    def paste(self, x: int, y: int, other: "CellBuffer") -> None:
        """Copies another buffer onto this one."""
        for row, cells in enumerate(other.rows):
            for column, (glyph, style) in enumerate(cells):
                self.put(x + column, y + row, glyph, style)

    def changes(self, before: "CellBuffer") -> Iterator[Region]:
        """Yields where this buffer differs from one of the same size.

        One region a row: Textual sends a row from its start for each of its regions.
        """
        for y, (old, new) in enumerate(zip(before.rows, self.rows, strict=True)):
            if old != new:
                changed = [x for x in range(self.width) if old[x] != new[x]]
                # One cell more on either side, so that no wide glyph is halved.
                start, end = max(0, changed[0] - 1), min(self.width, changed[-1] + 2)
                yield Region(start, y, end - start, 1)

    def strips(self) -> list[Strip]:
        """Returns one strip a row, each as wide as the buffer."""
        return [Strip(_segments(row), self.width) for row in self.rows]


def _segments(row: list[tuple[str, Style]]) -> list[Segment]:
    """Joins cells of one style; an empty cell joins those before it if that looks the same.

    Each change of style is some 40 bytes to the terminal, more than the text that it colors.
    """
    segments: list[Segment] = []
    glyphs: list[str] = []
    current: Style | None = None
    for glyph, style in row:
        if style is not current and style != current:
            if current is None or not (glyph in BLANK and _is_same_when_empty(current, style)):
                if current is not None:
                    segments.append(Segment("".join(glyphs), current))
                glyphs, current = [], style
            elif glyph == BLANK[1]:
                glyph = " "
        glyphs.append(glyph)
    if current is not None:
        segments.append(Segment("".join(glyphs), current))
    return segments


@lru_cache(4096)
def _is_same_when_empty(one: Style, other: Style) -> bool:
    """Returns whether an empty cell looks the same in both styles."""
    is_plain = not (one.reverse or one.underline or one.strike or other.reverse or other.underline)
    return is_plain and not other.strike and one.bgcolor == other.bgcolor


@lru_cache(1024)
def _printable(character: str) -> tuple[str, int]:
    """Returns a character as cells show it, and how many: a space of any kind takes one, a control
    character none."""
    if category(character) == "Zs":  # such as the thin space between groups of digits
        return " ", 1
    return (character, cell_len(character)) if character.isprintable() else ("", 0)


def truncate(text: str, room: int, ellipsis: str = "…") -> str:
    """Returns text without control characters, cut to a number of cells."""
    plain = "".join(character for character, _ in map(_printable, text))
    if cell_len(plain) <= room:
        return plain
    while plain and cell_len(plain) + 1 > room:
        plain = plain[:-1]
    return plain + ellipsis if room > 0 else ""


def find_first_visible(selected: int, visible: int, total: int) -> int:
    """Returns the first of the items that are visible in a list, the chosen one in the middle."""
    return max(0, min(selected - visible // 2, total - visible))
