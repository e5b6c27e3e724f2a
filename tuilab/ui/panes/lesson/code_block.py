"""Lines of code and formulas in a lesson, fitted into the width of the pane."""

import re
from collections.abc import Sequence
from itertools import groupby

from rich.cells import cell_len

from tuilab.ui.widgets.rich_text import Fragment, Line, wrap_fragments

INDENT = "  "

GUTTER = re.compile("(?<=\\S) {2,}")
"""What stands between two columns of a table."""

MIN_COLUMN = 16
"""Columns that the last part of a table needs to be wrapped below itself."""


def wrap_code(lines: Sequence[str], width: int) -> list[Line]:
    """Returns lines of code, indented; where one is too long, tables stay tables.

    The space between columns is narrowed first. Then the last column is wrapped below itself if it
    has room, else below the line, indented more.
    """
    wrapped: list[Line] = []
    for _, group in groupby(lines, key=bool):
        part = list(group)
        if max(map(cell_len, part)) > width - len(INDENT):
            part = narrow_gutters(part)
        wrapped += [row for line in part for row in _wrap_line(INDENT + line, width)]
    return wrapped


def narrow_gutters(lines: Sequence[str]) -> list[str]:
    """Returns lines with two spaces between the columns that all of them share."""
    columns = max(map(len, lines), default=0)
    padded = [line.ljust(columns) for line in lines]
    blank = "".join(" " if all(line[x] == " " for line in padded) else "x" for x in range(columns))
    dropped = {x for gutter in GUTTER.finditer(blank) for x in range(*gutter.span())[2:]}
    remaining = [x for x in range(columns) if x not in dropped]
    return ["".join(line[x] for x in remaining).rstrip() for line in padded]


def _wrap_line(line: str, width: int) -> list[Line]:
    text = line.lstrip()
    indent = line[: len(line) - len(text)][: width - MIN_COLUMN]
    head = text[: max((gutter.end() for gutter in GUTTER.finditer(text)), default=0)]
    column = cell_len(indent + head)
    if not head or cell_len(indent + text) <= width or cell_len((indent + head).rstrip()) > width:
        return wrap_fragments([Fragment(text, "code")], width, indent + INDENT, indent)
    rest, start = [Fragment(text[len(head) :], "code")], (Fragment(indent), Fragment(head, "code"))
    if column + MIN_COLUMN > width:
        below = wrap_fragments(rest, width, indent + INDENT)
        return [(start[0], Fragment(head.rstrip(), "code")), *below]
    first, *others = wrap_fragments(rest, width - column)
    return [(*start, *first), *((Fragment(" " * column), *other) for other in others)]
