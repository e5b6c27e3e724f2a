"""How often each class was taken for which, as a matrix in character cells."""

from rich.cells import cell_len
from rich.color import Color as RichColor
from rich.style import Style

from tuilab.core.protocol.inspect.result_messages import Confusion
from tuilab.core.run.confusion import per_class
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.terminal.glyphs import Signs

RECALL = 7
"""Cells of the column that says how many of a class were found."""

MORE = 16
"""Cells of the columns for precision and F1, where there is room for them."""

FEWEST = 7
"""Cells that the names of the classes take at least."""

NAMES = 14
"""Cells that the names of the classes take at most."""


def size_of_matrix(confusion: Confusion) -> tuple[int, int]:
    """Columns and rows that a matrix with all its counts takes."""
    classes = len(confusion.classes)
    return _names(confusion) + classes * (_widest(confusion) + 2) + RECALL, classes + 2


def draw_matrix(
    confusion: Confusion, size: tuple[int, int], hues: Hues, signs: Signs
) -> CellBuffer:
    """Draw the matrix, with counts if they fit, else with parts of each row."""
    matrix = _Matrix(confusion, size, hues, signs)
    matrix.head()
    for number in range(len(confusion.classes)):
        y, left = number + 2, len(confusion.classes) - number
        if y == size[1] - 1 and left > 1:
            matrix.grid.write(0, y, f"{left} more classes: make room", hues.label)
            break
        matrix.row(number, y)
    return matrix.grid


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


class _Matrix:
    """A matrix on its sheet: the columns of its names, of each class and of the recall."""

    def __init__(
        self, confusion: Confusion, size: tuple[int, int], hues: Hues, signs: Signs
    ) -> None:
        self.confusion, self.hues, self.signs = confusion, hues, signs
        self.grid = CellBuffer(*size, hues.label)
        classes, widest = len(confusion.classes), _widest(confusion)
        # Names give way to counts, down to a few letters.
        spare = size[0] - RECALL - classes * (widest + 2)
        self.left = min(_names(confusion), max(FEWEST, spare))
        self.width = max(1, min(widest + 2, (size[0] - self.left - RECALL) // max(1, classes)))
        self.right = self.left + classes * self.width
        self.unit = 0 if self.width > widest else 100 if self.width >= 3 else 10
        "What a whole row counts as; 0 for the counts themselves."
        self.scores = per_class(confusion.counts)
        self.has_more = self.right + RECALL + MORE <= size[0]

    def head(self) -> None:
        """How many are right, what the numbers are, and the names of the columns."""
        grid, label = self.grid, self.hues.label
        right = sum(row[number] for number, row in enumerate(self.confusion.counts))
        total = sum(map(sum, self.confusion.counts))
        title = f"{right / total:.1%} of {total} right" if total else "nothing measured yet"
        x = 2 + grid.write(0, 0, title, label + Style(color=self.hues.front.rich_color, bold=True))
        what = {0: "counts", 100: "% of each row", 10: "tenths of each row"}[self.unit]
        notes = (f"rows: true, columns: predicted ({what})", what, what.partition(" ")[0])
        fits = [note for note in notes if x + len(note) <= grid.width]
        grid.write(x, 0, fits[0] if fits else "", label)
        for number, name in enumerate(_row_names(self.confusion)):
            head = name.partition(" ")[0][-self.width :]
            grid.write(self.left + number * self.width, 1, head.rjust(self.width), label)
        heads = "recall".rjust(RECALL) + (f"{'precision':>11}{'F1':>5}" if self.has_more else "")
        grid.write(self.right, 1, heads, label)

    def row(self, number: int, y: int) -> None:
        """One class: what its examples were taken for."""
        counts, label = self.confusion.counts[number], self.hues.label
        name = fitted(_row_names(self.confusion)[number], self.left - 1, self.signs.ellipsis)
        self.grid.write(0, y, name, label)
        total = sum(counts)
        for column, count in enumerate(counts):
            text, style = self._cell(count, count / total if total else 0.0, number == column)
            x = self.left + column * self.width
            self.grid.write(x, y, text[-self.width :].rjust(self.width), style)
        if not total:
            return
        score = self.scores[number]
        text = f"{score.recall:{RECALL}.0%}"
        if self.has_more:
            text += f"{score.precision:11.0%}{score.f1:5.2f}"
        self.grid.write(self.right, y, text, label + Style(bold=True))

    def _cell(self, count: int, share: float, is_right: bool) -> tuple[str, Style]:
        """One count and its style: a background that grows with its share of the row."""
        number = str(min(self.unit - 1, round(share * self.unit)) if self.unit else count)
        text = number if count else self.signs.dot
        if not self.hues.is_blended:
            # Without colours the diagonal is in brackets.
            room = is_right and self.width >= len(text) + 2
            return f"[{text}]" if room else text, self.hues.label + Style(bold=is_right)
        hue = self.hues.of(1 if is_right else 0)
        behind = self.hues.behind.blend(hue, 0.08 + 0.8 * share if count else 0.0)
        strength = 0.35 if text in (self.signs.dot, "0") else 0.9
        front = behind.blend(behind.get_contrast_text(), strength)
        return text, Style(
            color=RichColor.from_rgb(*front.rgb),
            bgcolor=RichColor.from_rgb(*behind.rgb),
            bold=is_right,
        )
