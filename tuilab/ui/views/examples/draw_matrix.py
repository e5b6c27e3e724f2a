"""A confusion matrix with a cursor, and how the cell under it has changed."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.style import Style

from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.terminal.glyphs import Signs

NAMES, FEWEST = 12, 3
"""Cells that the names of the classes take: at most, and where there is little room."""

FEW = 6
"""So many classes have their names over the columns in full."""

BOLD = Style(bold=True)


@dataclass(frozen=True, slots=True)
class Table:
    """Where the cells of a matrix stand: those from a first row and column on, as far as fit."""

    left: int
    width: int
    first: tuple[int, int]
    "Row and column."
    shown: tuple[int, int]
    "Rows and columns."

    def at(self, x: int, y: int) -> tuple[int, int] | None:
        """The cell of the matrix at a cell of the terminal."""
        row, column = y - 1, (x - self.left) // self.width
        if x < self.left or not (0 <= row < self.shown[0] and 0 <= column < self.shown[1]):
            return None
        return self.first[0] + row, self.first[1] + column


def size_of_table(counts: Sequence[Sequence[int]], names: Sequence[str]) -> tuple[int, int]:
    """Columns and rows that a matrix with all its counts takes."""
    return _names(names) + len(counts) * _width(counts, names), len(counts) + 1


def plan(
    counts: Sequence[Sequence[int]], names: Sequence[str], size: tuple[int, int],
    cursor: tuple[int, int],
) -> Table:  # fmt: skip
    """Where everything stands, so that the cursor is seen."""
    classes = len(counts)
    left = min(_names(names), max(FEWEST, size[0] - classes * (_widest(counts) + 2)))
    room = size[0] - left
    width = max(2, min(_width(counts, names), room // max(1, classes)))
    columns = max(1, min(classes, room // width))
    rows = max(1, min(classes, size[1] - 1))
    first = _window(cursor[0], rows, classes), _window(cursor[1], columns, classes)
    return Table(left, width, first, (rows, columns))


def _window(place: int, shown: int, of: int) -> int:
    return max(0, min(place - shown // 2, of - shown))


def draw_table(
    counts: Sequence[Sequence[int]], names: Sequence[str], size: tuple[int, int],
    cursor: tuple[int, int], hues: Hues, signs: Signs,
) -> CellBuffer:  # fmt: skip
    """Rows are the true classes, columns the predicted ones; the cursor is in reverse."""
    grid = CellBuffer(*size, hues.label)
    table = plan(counts, names, size, cursor)
    (top, start), (rows, columns) = table.first, table.shown
    for column in range(columns):
        style = hues.label + (BOLD if start + column == cursor[1] else Style())
        text = fitted(names[start + column], table.width - 1, "")
        x = table.left + (column + 1) * table.width - cell_len(text)
        grid.write(x, 0, text, style)
    for row in range(rows):
        number = top + row
        style = hues.label + (BOLD if number == cursor[0] else Style())
        text = fitted(names[number], table.left - 1, signs.ellipsis)
        grid.write(0, row + 1, text, style)
        total = sum(counts[number])
        for column in range(columns):
            count = counts[number][start + column]
            text, style = _cell(count, total, (number, start + column), hues, signs, table.width)
            is_chosen = (number, start + column) == cursor
            x = table.left + column * table.width
            shown = style + Style(reverse=True, bold=True) if is_chosen else style
            grid.write(x, row + 1, text.rjust(table.width), shown)
    return grid


def _cell(
    count: int, total: int, place: tuple[int, int], hues: Hues, signs: Signs, width: int
) -> tuple[str, Style]:
    """One count and its style: a background that grows with its share of the row."""
    share, is_right = count / total if total else 0.0, place[0] == place[1]
    text = str(count) if count else signs.dot
    if len(text) >= width:
        text = f"{min(99, round(100 * share))}"[: width - 1] if width > 2 else signs.shades[-1]
    if not hues.is_blended:
        # Without colours the diagonal is in brackets.
        is_bracketed = is_right and width >= len(text) + 2
        return f"[{text}]" if is_bracketed else text, hues.label + Style(bold=is_right)
    behind = hues.behind.blend(hues.of(1 if is_right else 0), 0.08 + 0.8 * share if count else 0.0)
    front = behind.blend(behind.get_contrast_text(), 0.9 if count else 0.35)
    colours = {
        "color": RichColor.from_rgb(*front.rgb), "bgcolor": RichColor.from_rgb(*behind.rgb)
    }  # fmt: skip
    return text, Style(**colours, bold=is_right)  # type: ignore[arg-type]


def _widest(counts: Sequence[Sequence[int]]) -> int:
    return max((len(str(count)) for row in counts for count in row), default=1)


def _width(counts: Sequence[Sequence[int]], names: Sequence[str]) -> int:
    """Cells of a column: its counts fit, and where classes are few its name does, too."""
    longest = max((cell_len(name) for name in names), default=0) + 2 if len(names) <= FEW else 0
    return max(_widest(counts) + 2, min(NAMES, longest))


def _names(names: Sequence[str]) -> int:
    return min(NAMES, max((cell_len(name) for name in names), default=0)) + 1


def trend(values: Sequence[float], room: int, levels: str) -> str:
    """A line of small bars, the highest for the largest of the values; the newest of them."""
    shown = list(values)[-max(0, room) :] if room > 0 else []
    top = max(shown, default=0.0)
    return "".join(
        levels[min(len(levels) - 1, int(value / top * (len(levels) - 1) + 0.5)) if top else 0]
        for value in shown
    )
