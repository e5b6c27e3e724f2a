"""The pages of the view of examples: the matrix, the list, what a network makes."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.style import Style

from tuilab.core.format import grouped
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, Made, Row
from tuilab.core.protocol.inspect.result_messages import Surface, Written
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted
from tuilab.ui.canvas.decision_surface import draw_plane
from tuilab.ui.plot.axes import short
from tuilab.ui.plot.legend import say
from tuilab.ui.views.examples.draw_bars import BOLD, GAP, Box, Pencil
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.examples.draw_heat_map import draw_pixels, rows_of
from tuilab.ui.views.examples.draw_matrix import Table, draw_table, plan, size_of_table, trend
from tuilab.ui.views.result.generated_samples import draw_written

LIST = 40
"""Columns of the list of examples."""

BESIDE = 34
"""Columns that there have to be beside the matrix, or it is told below."""

HINT = "v: another part, i: your own input"

PREVIEW = 14
"""Columns of a picture beside the matrix."""


@dataclass(frozen=True, slots=True)
class History:
    """The newest counts of the cell under the cursor, as parts of its row, oldest first."""

    shares: Sequence[float] = ()


def measured(seen: ExamplesResponse) -> str:
    """Of what the numbers are."""
    if seen.measured < seen.of:
        return f"{grouped(seen.measured)} of {grouped(seen.of)} {seen.part} examples so far"
    return f"{grouped(seen.of)} {seen.part} examples"


# --- matrix ---------------------------------------------------------------------------------------


def draw_matrix_page(
    seen: ExamplesResponse, size: tuple[int, int], cursor: tuple[int, int], history: History,
    pencil: Pencil,
) -> tuple[CellBuffer, Table]:  # fmt: skip
    """The matrix, what its chosen cell is, and the worst examples of that cell."""
    grid = CellBuffer(*size, pencil.label)
    right = sum(row[number] for number, row in enumerate(seen.counts))
    total = sum(map(sum, seen.counts))
    share = f"{right / total:.1%} right of {measured(seen)}" if total else measured(seen)
    x = 2 + grid.write(0, 0, fitted(share, size[0], pencil.signs.ellipsis), pencil.label + BOLD)
    for words in ("rows: target, columns: predicted", "rows: target"):
        if x + len(words) <= size[0]:
            grid.write(x, 0, words, pencil.label)
            break
    has_pictures = any(row.pixels for row in seen.rows)
    columns, rows = size_of_table(seen.counts, seen.classes)
    rest = size[0] - columns - 3
    is_wide = rest >= max(BESIDE, 2 * PREVIEW + GAP)
    matrix = columns if is_wide else size[0]
    below = 0 if is_wide else 3
    height = max(2, min(rows, size[1] - 1 - below))
    table = plan(seen.counts, seen.classes, (matrix, height), cursor)
    hues, signs = pencil.hues, pencil.signs
    grid.place(0, 1, draw_table(seen.counts, seen.classes, (matrix, height), cursor, hues, signs))
    told = Box(columns + 3, 1, rest, 3) if is_wide else Box(0, height + 1, size[0], 3)
    y = _cell_words(grid, seen, cursor, history, told, pencil)
    side = Box(told.x, y, told.columns, size[1] - y)
    if side.rows >= 3 and list(cursor) == seen.cell:
        if has_pictures or not seen.rows:
            draw_previews(grid, seen, side, pencil)
        else:
            _rows(grid, seen, side, pencil, chosen=-1)
    return grid, table


def _cell_words(
    grid: CellBuffer, seen: ExamplesResponse, cursor: tuple[int, int], history: History, box: Box,
    pencil: Pencil,
) -> int:  # fmt: skip
    """The chosen cell in words, and how its share of the row went; the row below."""
    target, guess = (seen.classes[number] for number in cursor)
    counts = seen.counts[cursor[0]]
    count, total = counts[cursor[1]], sum(counts)
    y, width = box.y, box.columns
    part = f" of {grouped(total)} ({count / total:.0%})" if total else ""
    sign = pencil.signs.right if cursor[0] == cursor[1] else pencil.signs.wrong
    words = f"{sign} target {target}, predicted {guess}: {grouped(count)}{part}"
    brief = f"{sign} {target} {pencil.signs.arrow} {guess}: {grouped(count)}{part}"
    words = brief if cell_len(words) > width >= cell_len(brief) else words
    grid.write(box.x, y, fitted(words, width, pencil.signs.ellipsis), pencil.label + BOLD)
    if len(history.shares) > 1:
        line = trend(history.shares, width - 25, pencil.signs.levels)
        text = f"{line} {history.shares[-1]:.0%} of its row, over time"
        grid.write(box.x, y + 1, fitted(text, width, pencil.signs.ellipsis), pencil.hue(cursor[0]))
    else:
        words = "its share over time is drawn as it trains"
        grid.write(box.x, y + 1, fitted(words, width, pencil.signs.ellipsis), pencil.label)
    hint = f"enter: its examples, {HINT}" if width > 50 else "enter: its examples"
    grid.write(box.x, y + 2, fitted(hint, width, pencil.signs.ellipsis), pencil.label)
    return y + 4


def draw_previews(grid: CellBuffer, seen: ExamplesResponse, box: Box, pencil: Pencil) -> None:
    """Small pictures of the examples, each with its loss."""
    pictures = [row for row in seen.rows if row.pixels]
    if not pictures:
        words = "no examples in this cell" if not seen.found else ""
        grid.write(box.x, box.y, words, pencil.label)
        return
    shape = pictures[0].shape
    columns = 20 if box.columns >= 4 * 22 and box.rows >= 2 * 12 else PREVIEW
    each = rows_of(columns, shape) + 2
    across = max(1, (box.columns + GAP) // (columns + GAP))
    down = max(1, (box.rows + 1) // each)
    for number, row in enumerate(pictures[: across * down]):
        x = box.x + number % across * (columns + GAP)
        y = box.y + number // across * each
        if y + each - 1 > box.y + box.rows:
            break
        draw_pixels(grid, (x, y), columns, row.pixels, row.shape, pencil.hues, pencil.signs)
        words = fitted(f"loss {short(row.loss)}", columns, pencil.signs.ellipsis)
        grid.write(x, y + each - 2, words, pencil.label)


# --- examples -------------------------------------------------------------------------------------


def draw_examples_page(seen: ExamplesResponse, size: tuple[int, int], pencil: Pencil) -> CellBuffer:
    """The list of examples in their order, and the chosen one in full."""
    grid = CellBuffer(*size, pencil.label)
    if not seen.found or seen.example is None:
        say(grid, _no_examples(seen), pencil.label)
        return grid
    head = _order_words(seen)
    hint = "w: another way to ask why" if len(seen.example.ways) > 1 else ""
    is_wide, is_high = size[0] >= LIST + 50, size[1] >= 22
    if is_wide:
        grid.write(0, 0, fitted(head, LIST, pencil.signs.ellipsis), pencil.label)
        _rows(grid, seen, Box(0, 1, LIST, size[1] - 1), pencil, seen.place)
        drawn = draw_example(seen.example, (size[0] - LIST - 2, size[1]), pencil, hint=hint)
        grid.place(LIST + 2, 0, drawn.grid)
        return grid
    room = size[1] - 1 - (8 if is_high else 0)
    grid.write(0, 0, fitted(head, size[0], pencil.signs.ellipsis), pencil.label)
    drawn = draw_example(seen.example, (size[0], room), pencil, hint=hint)
    grid.place(0, 1, drawn.grid)
    if is_high:
        top = drawn.used + 2
        _rows(grid, seen, Box(0, top, size[0], size[1] - top), pencil, seen.place)
    return grid


def _no_examples(seen: ExamplesResponse) -> str:
    if len(seen.cell) == 2 and seen.classes:
        target, guess = (seen.classes[number] for number in seen.cell)
        return (
            f"None of the {measured(seen)} with the target {target} was taken for {guess}. "
            "Escape goes back to the matrix."
        )
    return "There are no examples yet."


def _order_words(seen: ExamplesResponse) -> str:
    which = "error" if seen.task in ("autoencoder", "regression") else "loss"
    order = f"{'lowest' if seen.is_reversed else 'highest'} {which} first"
    where = f"{grouped(seen.place + 1)} of {grouped(seen.found)}"
    cell = ""
    if len(seen.cell) == 2 and seen.classes:
        target, guess = (seen.classes[number] for number in seen.cell)
        cell = f" {target} taken for {guess}"
    return f"{where}{cell} ({seen.part}), {order}"


def _rows(grid: CellBuffer, seen: ExamplesResponse, box: Box, pencil: Pencil, chosen: int) -> None:
    """Examples in short, a line each; the chosen one has a sign and is bold."""
    first = seen.first
    if chosen >= 0 and chosen - first >= box.rows:
        first = chosen - box.rows + 1
    for y, row in enumerate(seen.rows[first - seen.first :][: box.rows]):
        is_chosen = first + y == chosen
        style = pencil.label + Style(bold=is_chosen, reverse=is_chosen)
        text = _row_words(seen, row, first + y, pencil)
        text = fitted(text, box.columns, pencil.signs.ellipsis)
        grid.write(box.x, box.y + y, text.ljust(box.columns) if is_chosen else text, style)


def _row_words(seen: ExamplesResponse, row: Row, place: int, pencil: Pencil) -> str:
    words = f"{place + 1:>4} {short(row.loss):>8}"
    if row.target < 0:
        return f"{words}  no. {row.number}"
    sign = pencil.signs.right if row.target == row.predicted else pencil.signs.wrong
    names = [seen.classes[n] if n < len(seen.classes) else str(n)
             for n in (row.target, row.predicted)]  # fmt: skip
    said = names[0] if row.target == row.predicted else f" {pencil.signs.arrow} ".join(names)
    return f"{words} {sign} {row.probability:>4.0%} {said}"


# --- what networks make ---------------------------------------------------------------------------


def draw_made_page(seen: ExamplesResponse, size: tuple[int, int], pencil: Pencil) -> CellBuffer:
    """A text, pictures, or points over what their judge says."""
    grid = CellBuffer(*size, pencil.label)
    made = seen.made
    if made is None:
        say(grid, seen.note, pencil.label)
    elif made.pixels:
        _gallery(grid, made, pencil)
    elif made.judged:
        _title(grid, made.title, pencil)
        size = (size[0], size[1] - 1)
        surface = _judged(seen, made)
        names = ("drawn", "real")
        grid.place(0, 1, draw_plane(surface, names, size, pencil.hues, pencil.signs))
    else:
        written = Written(seen.run, seen.step, made.prompt, made.text, made.temperature)
        return draw_written(written, size, pencil.hues, pencil.signs)
    return grid


def _title(grid: CellBuffer, words: str, pencil: Pencil) -> None:
    grid.write(0, 0, fitted(words, grid.width, pencil.signs.ellipsis), pencil.label + BOLD)


def _judged(seen: ExamplesResponse, made: Made) -> Surface:
    """The discriminator's answers as a surface between two classes, drawn and real."""
    values = [1 + min(real, 0.999) if real >= 0.5 else min(1 - real, 0.999) for real in made.judged]
    both = zip_longest(((x, y, 0.0) for x, y in made.drawn), ((x, y, 1.0) for x, y in made.real))
    mixed = [point for pair in both for point in pair if point]  # not all of them have room
    left, right, bottom, top = made.bounds
    return Surface(
        seen.run, seen.step, (left, right, bottom, top), made.width, made.height, values, mixed
    )


def _gallery(grid: CellBuffer, made: Made, pencil: Pencil) -> None:
    _title(grid, made.title, pencil)
    room = grid.height - 2
    across = made.columns or max(1, min(len(made.pixels), grid.width // 16))
    down = -(-len(made.pixels) // across)
    gap = 1 if made.columns else GAP
    columns = max(3, (grid.width + gap) // across - gap)
    while columns > 3 and down * (rows_of(columns, made.shape) + (gap > 1)) > room:
        columns -= 1
    each = rows_of(columns, made.shape) + (gap > 1)
    left = max(0, (grid.width - across * (columns + gap) + gap) // 2)
    for number, pixels in enumerate(made.pixels):
        at = left + number % across * (columns + gap), 2 + number // across * each
        if at[1] + each <= grid.height + 1:
            draw_pixels(grid, at, columns, pixels, made.shape, pencil.hues, pencil.signs)
