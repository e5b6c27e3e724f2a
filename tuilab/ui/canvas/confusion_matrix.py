"""A confusion matrix in character cells, with or without a cursor."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.format import format_count, format_percent
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.ui.canvas.cell_buffer import CellBuffer, find_first_visible
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.half_blocks import make_pixel_style
from tuilab.ui.canvas.short_names import shorten_names
from tuilab.ui.canvas.styled_cells import StyledCells

RECALL_WIDTH = 7
"""Columns of the recall beside a matrix."""

PRECISION_WIDTH = 16
"""Columns of precision and F1, which follow if there is room."""

MIN_NAME_WIDTH, MAX_NAME_WIDTH = 7, 14

PERCENT_WIDTH = 3
"""Columns of a cell with a percentage: 100 fills it, and then all others of the row are empty."""

MAX_CELL_HEIGHT = 4
"""Rows of a cell where there is room; it is about twice as wide."""

SCORES_WIDTH = 30
"""Columns of the scores below a matrix, beside the names."""

MAX_NAMED_COLUMNS = 6
"""Up to this many classes, the columns are headed by names; more only by short ones."""

MAX_HEAD_WIDTH = 2
"""Up to this many columns, all names are short enough to head the columns of many classes."""

UNITS = {0: "counts", 100: "% of each row", 10: "tenths of each row"}
"""What the numbers are, by what a whole row counts as."""


@dataclass(frozen=True, slots=True)
class MatrixLayout:
    """Where the cells of a matrix are drawn."""

    left: int
    "First column of the first cell."
    width: int
    "Of each cell."
    first: tuple[int, int]
    "First visible row and column."
    visible: tuple[int, int]
    "Visible rows and columns."
    unit: int
    "What a whole row counts as, a key of `UNITS`."
    height: int = 1
    "Of each cell."

    @property
    def right(self) -> int:
        """Returns the first column after the cells."""
        return self.left + self.visible[1] * self.width

    def align(self, text: str) -> str:
        """Returns text as wide as a cell: at its right, or in the middle of a high one."""
        room = self.width - cell_len(text)
        after = room // 2 if self.height > 1 else 0
        return " " * (room - after) + text + " " * after

    def cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        """Returns row and column of the cell at a place in the drawing."""
        row, column = (y - 1) // self.height, (x - self.left) // self.width
        if x < self.left or not (0 <= row < self.visible[0] and 0 <= column < self.visible[1]):
            return None
        return self.first[0] + row, self.first[1] + column


def matrix_size(matrix: ConfusionMatrix, *, has_scores: bool = True) -> tuple[int, int]:
    """Returns the columns and rows of a matrix with all its counts and the recall."""
    scores = RECALL_WIDTH if has_scores else 0
    columns = len(matrix.classes) * _ideal_width(matrix)
    return _names_width(matrix) + columns + scores, len(matrix.classes) + 1


def plan_matrix(
    matrix: ConfusionMatrix, size: tuple[int, int], cursor: tuple[int, int] | None = None
) -> MatrixLayout:
    """Returns the layout of a matrix in a size, in which the cursor is visible."""
    classes = len(matrix.classes)
    room = size[0] - (RECALL_WIDTH if cursor is None else 0)
    # Names give way to counts, down to a few letters.
    left = min(_names_width(matrix), max(MIN_NAME_WIDTH, room - classes * _count_width(matrix)))
    width = min(_ideal_width(matrix), (room - left) // max(1, classes)) or 2
    if _has_short_names(matrix) and _longest(matrix) > 1:
        width = max(width, _longest(matrix) + 1)
    is_count = width > _max_digits(matrix)
    if not is_count and size[0] - classes * PERCENT_WIDTH >= MIN_NAME_WIDTH:
        # The recall gives way to names: as percentages, the diagonal has it.
        room, width = size[0], PERCENT_WIDTH
        left = min(_names_width(matrix), room - classes * width)
    columns = max(1, min(classes, (room - left) // width))
    rows = max(1, min(classes, size[1] - 1))
    height = 1
    if columns == rows == classes:
        height = max(1, min(MAX_CELL_HEIGHT, (size[1] - 1) // classes))
        widest = (size[0] - left - RECALL_WIDTH - PRECISION_WIDTH) // classes
        width = max(width, min(2 * height, widest))
        height = min(height, max(1, width // 2))
    unit = 0 if is_count else 100 if width >= PERCENT_WIDTH else 10
    row, column = cursor or (0, 0)
    first = find_first_visible(row, rows, classes), find_first_visible(column, columns, classes)
    return MatrixLayout(left, width, first, (rows, columns), unit, height)


def write_matrix_title(
    cells: StyledCells, matrix: ConfusionMatrix, examples: str, unit: int
) -> None:
    """Writes the accuracy and what the numbers are into the first row.

    Args:
        examples: what was counted, such as `500 validation examples`.
    """
    accuracy = f"accuracy {format_percent(matrix.accuracy, 1)} on {examples}"
    title = accuracy if matrix.total else "nothing evaluated yet"
    x = 2 + cells.write_truncated(0, 0, title, cells.width, cells.style.strong)
    what = UNITS[unit]
    notes = (f"rows: target, columns: predicted ({what})", what, what.partition(" ")[0], "")
    cells.write(x, 0, cells.style.fit(notes, cells.width - x))


def draw_matrix(
    matrix: ConfusionMatrix, size: tuple[int, int], style: DrawStyle,
    cursor: tuple[int, int] | None = None,
) -> CellBuffer:  # fmt: skip
    """Draws a matrix: rows are targets, columns predictions; the cursor is in reverse."""
    drawing = _MatrixDrawing(matrix, size, style, cursor)
    drawing.draw_head()
    for row in range(drawing.layout.visible[0]):
        drawing.draw_row(row)
    hidden = len(matrix.classes) - min(drawing.layout.visible)
    if cursor is None and hidden > 0:
        drawing.draw_hidden(hidden)
    return drawing.cells


def draw_scores(matrix: ConfusionMatrix, size: tuple[int, int], style: DrawStyle) -> CellBuffer:
    """Draws recall, precision, F1 and the number of examples of each class, where there is room."""
    cells = StyledCells(size, style)
    names = min(max(MIN_NAME_WIDTH, _names_width(matrix)), cells.width - SCORES_WIDTH)
    if names < MIN_NAME_WIDTH or cells.height < 3:
        return cells
    heads = f"{'recall':>{RECALL_WIDTH}}{'precision':>11}{'F1':>5}{'n':>7}"
    cells.write(names, 0, heads)
    rows = zip(_row_names(matrix), matrix.class_scores(), strict=True)
    for y, (name, score) in enumerate(rows, 1):
        cells.write(0, y, style.truncate(name, names - 1), style.muted)
        text = (
            f"{format_percent(score.recall):>{RECALL_WIDTH}}{format_percent(score.precision):>11}"
        )
        text += f"{score.f1:5.2f}{format_count(score.support):>7}"
        cells.write(names, y, text, style.strong)
    return cells


class _MatrixDrawing:
    """A matrix with all that its cells need."""

    def __init__(
        self, matrix: ConfusionMatrix, size: tuple[int, int], style: DrawStyle,
        cursor: tuple[int, int] | None,
    ) -> None:  # fmt: skip
        self.matrix, self.style, self.cursor = matrix, style, cursor or (-1, -1)
        self.cells = StyledCells(size, style)
        self.layout = plan_matrix(matrix, size, cursor)
        room = self.cells.width - self.layout.right
        self.has_recall = room >= RECALL_WIDTH
        self.has_precision = room >= RECALL_WIDTH + PRECISION_WIDTH
        self.scores = matrix.class_scores()
        names, room = _row_names(matrix), self.layout.left - 1
        self.row_names = shorten_names(names, room, style.glyphs.ellipsis)

    def draw_head(self) -> None:
        """Draws the names or numbers of the columns."""
        layout, heads = self.layout, find_codes(self.matrix.classes)
        if _has_short_names(self.matrix):
            heads = self.matrix.classes
        elif _has_named_columns(self.matrix):
            names = self.matrix.classes
            heads = shorten_names(names, layout.width - 1, self.style.glyphs.ellipsis)
        for offset in range(layout.visible[1]):
            number = layout.first[1] + offset
            text = heads[number][-layout.width :]
            style = self.style.strong if number == self.cursor[1] else self.style.muted
            x = layout.left + offset * layout.width
            self.cells.write(x, 0, layout.align(text), style)
        if self.has_recall:
            scores = "recall".rjust(RECALL_WIDTH)
            scores += f"{'precision':>11}{'F1':>5}" if self.has_precision else ""
            self.cells.write(layout.right, 0, scores)

    def draw_row(self, row: int) -> None:
        """Draws the counts of one target class."""
        layout = self.layout
        number, top = layout.first[0] + row, 1 + row * layout.height
        middle = top + (layout.height - 1) // 2
        name = self.row_names[number]
        style = self.style.strong if number == self.cursor[0] else self.style.muted
        self.cells.write(0, middle, name, style)
        total = sum(self.matrix.counts[number])
        for offset in range(layout.visible[1]):
            column = layout.first[1] + offset
            count = self.matrix.counts[number][column]
            fraction = count / total if total else 0.0
            text, style = self._format_cell(count, fraction, is_correct=number == column)
            if (number, column) == self.cursor:
                style += Style(reverse=True, bold=True)
            text = layout.align(text[-layout.width :])
            x = layout.left + offset * layout.width
            for y in range(top, top + layout.height):
                self.cells.write(x, y, text if y == middle else " " * layout.width, style)
        if total and self.has_recall:
            score = self.scores[number]
            text = f"{format_percent(score.recall):>{RECALL_WIDTH}}"
            if self.has_precision:
                text += f"{format_percent(score.precision):>11}{score.f1:5.2f}"
            self.cells.write(layout.right, middle, text, self.style.strong)

    def draw_hidden(self, count: int) -> None:
        """Writes over the last row how many classes have no room."""
        if self.layout.visible[0] < len(self.matrix.classes):
            count += 1
        text = f"{format_count(count)} more classes: enlarge the pane"
        self.cells.write(0, self.cells.height - 1, text.ljust(self.cells.width))

    def _format_cell(self, count: int, fraction: float, *, is_correct: bool) -> tuple[str, Style]:
        """Returns the text of a count and its style, whose background shows its fraction."""
        unit, style = self.layout.unit, self.style
        share = unit if fraction == 1 else min(unit - 1, round(fraction * unit))
        number = str(share if unit else count)
        text = number if count else style.glyphs.dot
        if not style.has_color:  # the diagonal is in brackets
            has_room = is_correct and self.layout.width >= len(text) + 2
            return f"[{text}]" if has_room else text, style.muted + Style(bold=is_correct)
        color = style.class_color(1 if is_correct else 0)
        behind = style.background.blend(color, 0.08 + 0.8 * fraction if count else 0.0)
        strength = 0.35 if text in (style.glyphs.dot, "0") else 0.9
        front = behind.blend(behind.get_contrast_text(), strength)
        return text, make_pixel_style(front.rgb, behind.rgb) + Style(bold=is_correct)


def _has_named_columns(matrix: ConfusionMatrix) -> bool:
    return len(matrix.classes) <= MAX_NAMED_COLUMNS or _has_short_names(matrix)


def _has_short_names(matrix: ConfusionMatrix) -> bool:
    """Returns whether each of many columns has room for the whole name of its class."""
    return len(matrix.classes) > MAX_NAMED_COLUMNS and _longest(matrix) <= MAX_HEAD_WIDTH


def _longest(matrix: ConfusionMatrix) -> int:
    return max(map(cell_len, matrix.classes), default=0)


def find_codes(names: Sequence[str]) -> list[str]:
    """Returns a short code for each class: its number, or letters where a number is another's name.

    >>> find_codes(["100", "1", "20"])
    ['a', 'b', 'c']
    """
    numbers = [str(number) for number in range(len(names))]
    used = {name.lower() for name in names}
    letters = [*ascii_lowercase, *(a + b for a in ascii_lowercase for b in ascii_lowercase)]
    has_numbers = any(name.strip().isdigit() for name in names)
    can_be_letters = len(names) <= len(letters) and not used & set(letters[: len(names)])
    return letters[: len(names)] if has_numbers and can_be_letters else numbers


def _row_names(matrix: ConfusionMatrix) -> list[str]:
    """Returns the names of the classes, with the codes that head the columns if these are used."""
    if _has_named_columns(matrix):
        return matrix.classes
    codes = find_codes(matrix.classes)
    return [f"{code} {name}" for code, name in zip(codes, matrix.classes, strict=True)]


def _names_width(matrix: ConfusionMatrix) -> int:
    longest = max(map(cell_len, _row_names(matrix)), default=0)
    return min(longest, MAX_NAME_WIDTH) + 1


def _max_digits(matrix: ConfusionMatrix) -> int:
    return max((len(str(count)) for row in matrix.counts for count in row), default=1)


def _count_width(matrix: ConfusionMatrix) -> int:
    return _max_digits(matrix) + 2


def _ideal_width(matrix: ConfusionMatrix) -> int:
    """Returns the width of cells with all counts, and with names if these head the columns."""
    if not _has_named_columns(matrix):
        return _count_width(matrix)
    longest = max(map(cell_len, matrix.classes), default=0)
    return max(_count_width(matrix), min(longest, MAX_NAME_WIDTH) + 2)
