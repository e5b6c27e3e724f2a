"""Tables of text, fitted to the width of the terminal."""

import shutil
import textwrap
from collections.abc import Iterable, Sequence

from tuilab.core.printable import escape_line


def terminal_width() -> int:
    """Returns the width of the terminal in cells; 100 if there is none."""
    return shutil.get_terminal_size((100, 24)).columns


def format_table(rows: Iterable[Sequence[str]]) -> str:
    """Returns rows in aligned columns; the last column wraps at the width of the terminal."""
    table = [tuple(map(escape_line, row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)][:-1]
    indent = sum(width + 2 for width in widths)
    last_width = max(24, terminal_width() - indent)
    lines: list[str] = []
    for row in table:
        start = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
        wrapped = textwrap.wrap(row[-1], last_width, break_on_hyphens=False) or [""]
        lines.append((start + wrapped[0]).rstrip())
        lines.extend(" " * indent + line for line in wrapped[1:])
    return "\n".join(lines)
