"""How often each class was taken for which, as a matrix in character cells."""

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.style import Style

from tuilab.lab.messages import Confusion
from tuilab.ui.widgets.glyphs import Signs
from tuilab.ui.widgets.grid import Grid, fitted
from tuilab.ui.widgets.plane import Hues

RECALL = 7
"""Cells of the column that says how many of a class were found."""

FEWEST = 7
"""Cells that the names of the classes take at least."""

NAMES = 14
"""Cells that the names of the classes take at most."""


def size_of_matrix(confusion: Confusion) -> tuple[int, int]:
    """Columns and rows that a matrix with all its counts takes."""
    classes = len(confusion.classes)
    return _names(confusion) + classes * (_widest(confusion) + 2) + RECALL, classes + 2


def draw_matrix(confusion: Confusion, size: tuple[int, int], hues: Hues, signs: Signs) -> Grid:
    """Draw the matrix, with counts if they fit, else with parts of each row."""
    grid = Grid(*size, hues.label)
    classes, widest = confusion.classes, _widest(confusion)
    # Names give way to counts, down to a few letters.
    spare = grid.width - RECALL - len(classes) * (widest + 2)
    names = min(_names(confusion), max(FEWEST, spare))
    width = max(1, min(widest + 2, (grid.width - names - RECALL) // max(1, len(classes))))
    unit = 0 if width > widest else 100 if width >= 3 else 10
    _head(grid, confusion, names, width, unit, hues)
    for number, (name, row) in enumerate(zip(_row_names(confusion), confusion.counts, strict=True)):
        y = number + 2
        if y == grid.height - 1 and number < len(classes) - 1:
            grid.write(0, y, f"{len(classes) - number} more classes: make room", hues.label)
            break
        grid.write(0, y, fitted(name, names - 1, signs.ellipsis), hues.label)
        total = sum(row)
        for column, count in enumerate(row):
            share = count / total if total else 0.0
            _cell(
                grid,
                names + column * width,
                y,
                (width, unit),
                (count, share),
                number == column,
                hues,
                signs,
            )
        recall = f"{row[number] / total:7.0%}" if total else ""
        grid.write(names + len(classes) * width, y, recall, hues.label + Style(bold=True))
    return grid


def _widest(confusion: Confusion) -> int:
    return max((len(str(count)) for row in confusion.counts for count in row), default=1)


def _names(confusion: Confusion) -> int:
    longest = max((cell_len(name) for name in _row_names(confusion)), default=0)
    return min(longest, NAMES) + 1


def _row_names(confusion: Confusion) -> list[str]:
    """The names of the classes, numbered unless the columns have room for the names too."""
    if all(len(name) == 1 for name in confusion.classes):
        return list(confusion.classes)
    return [f"{number} {name}" for number, name in enumerate(confusion.classes)]


def _head(grid: Grid, confusion: Confusion, names: int, width: int, unit: int, hues: Hues) -> None:
    """What the numbers are, how many are right, and the names of the columns."""
    right = sum(row[number] for number, row in enumerate(confusion.counts))
    total = sum(map(sum, confusion.counts))
    what = {0: "counts", 100: "% of each row", 10: "tenths of each row"}[unit]
    title = f"{right / total:.1%} of {total} right" if total else "nothing measured yet"
    x = grid.write(0, 0, title, hues.label + Style(color=hues.front.rich_color, bold=True))
    note = f"rows: true, columns: predicted ({what})"
    for brief in (what, what.partition(" ")[0]):
        note = note if x + 2 + len(note) <= grid.width else brief
    if x + 2 + len(note) <= grid.width:
        grid.write(x + 2, 0, note, hues.label)
    for number, name in enumerate(_row_names(confusion)):
        head = name.partition(" ")[0]
        grid.write(names + number * width, 1, head[-width:].rjust(width), hues.label)
    end = names + len(confusion.classes) * width
    grid.write(end, 1, "recall".rjust(RECALL), hues.label)


def _cell(
    grid: Grid, x: int, y: int, form: tuple[int, int], cell: tuple[int, float],
    is_right: bool, hues: Hues, signs: Signs,
) -> None:  # fmt: skip
    """One count, on a background that grows with its share of the row."""
    (width, unit), (count, share) = form, cell
    number = str(count) if not unit else str(min(unit - 1, round(share * unit)))
    text = number if count else signs.dot
    if not hues.is_blended and width > len(text) + 1:
        # Without colours, a shade stands beside the number, and the diagonal in brackets.
        text += signs.shades[min(4, int(share * 5))] if not is_right else ""
        text = f"[{text}]" if is_right and width >= len(text) + 2 else text
    style = hues.label + Style(bold=is_right)
    if hues.is_blended:
        behind = hues.behind.blend(
            hues.of(1 if is_right else 0), 0.08 + 0.8 * share if count else 0.0
        )
        front = behind.blend(
            behind.get_contrast_text(), 0.9 if text not in (signs.dot, "0") else 0.35
        )
        style = Style(
            color=RichColor.from_rgb(front.r, front.g, front.b),
            bgcolor=RichColor.from_rgb(behind.r, behind.g, behind.b),
            bold=is_right,
        )
    grid.write(x, y, text[-width:].rjust(width), style)
