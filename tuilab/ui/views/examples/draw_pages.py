"""The pages of the view of examples: the matrix, and the list."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style
from textual.geometry import Region

from tuilab.core.format import format_compact, format_count, format_percent
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, ExampleSummary
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.confusion_matrix import (
    MatrixLayout,
    draw_matrix,
    matrix_size,
    plan_matrix,
    write_matrix_title,
)
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.image_grid import Caption, ImageTile, draw_image_grid
from tuilab.ui.canvas.styled_cells import StyledCells, draw_note
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.result.draw_samples import name_class

MIN_LIST_WIDTH, MAX_LIST_WIDTH = 40, 46

MIN_SIDE_WIDTH = 34
"""Columns beside the matrix; with fewer, the selected cell is described below."""

CELL_ROWS = 3
"""Rows of a cell of the matrix where there is room."""

PREVIEW_WIDTHS = (20, 14)
"""Columns of an image beside the matrix."""

MIN_PREVIEWS = 8
"""Images are smaller unless this many fit."""

TREND_LABEL_WIDTH = 25

HINT = "enter: its examples"

LONG_HINT = f"{HINT}, v: another split"


def describe_evaluated(response: ExamplesResponse) -> str:
    """Returns which examples the numbers are of."""
    total = f"{format_count(response.total)} {response.split} examples"
    if response.evaluated < response.total:
        return f"{format_count(response.evaluated)} of {total} so far"
    return total


# --- matrix ---------------------------------------------------------------------------------------


def draw_matrix_page(
    response: ExamplesResponse, size: tuple[int, int], cursor: tuple[int, int],
    fractions: Sequence[float], style: DrawStyle,
) -> tuple[CellBuffer, MatrixLayout]:  # fmt: skip
    """Draws the matrix, a description of its selected cell, and the worst examples of that cell.

    Args:
        fractions: those of the selected cell in its row over time.

    Returns:
        The layout of the matrix is that of the drawing without its first row.
    """
    width, height = size
    cells = StyledCells(size, style)
    matrix = response.matrix
    columns, rows = matrix_size(matrix, has_scores=False)
    rest = width - columns - 3
    is_wide = rest >= MIN_SIDE_WIDTH
    matrix_columns = columns if is_wide else width
    # Beside it the examples have the whole height: the cells may take more than a row.
    high_rows = 1 + CELL_ROWS * (rows - 1) if is_wide else rows
    matrix_rows = max(2, min(high_rows, height - 1 - (0 if is_wide else 3)))
    layout = plan_matrix(matrix, (matrix_columns, matrix_rows), cursor)
    write_matrix_title(cells, matrix, describe_evaluated(response), layout.unit)
    cells.paste(0, 1, draw_matrix(matrix, (matrix_columns, matrix_rows), style, cursor))
    x, y, room = (columns + 3, 1, rest) if is_wide else (0, matrix_rows + 1, width)
    y = _describe_cell(cells, response, cursor, fractions, Region(x, y, room, 3))
    side = Region(x, y, room, max(0, height - y))
    if side.height >= 3 and list(cursor) == response.cell:
        if any(row.pixels for row in response.rows) or not response.rows:
            _draw_previews(cells, response, side)
        else:
            _draw_list(cells, response, side)
    return cells, layout


def _describe_cell(
    cells: StyledCells, response: ExamplesResponse, cursor: tuple[int, int],
    fractions: Sequence[float], region: Region,
) -> int:  # fmt: skip
    """Describes the selected cell and its fraction over time; returns the row below."""
    style = cells.style
    x, y, width, _ = region
    target, predicted = (response.matrix.classes[number] for number in cursor)
    counts = response.matrix.counts[cursor[0]]
    count, total = counts[cursor[1]], sum(counts)
    of_row = f" of {format_count(total)} ({format_percent(count / total)})" if total else ""
    glyph = style.glyphs.check if cursor[0] == cursor[1] else style.glyphs.cross
    text = f"{glyph} target {target}, predicted {predicted}: {format_count(count)}{of_row}"
    if cell_len(text) > width:
        text = f"{glyph} {target} {style.glyphs.arrow} {predicted}: {format_count(count)}{of_row}"
    cells.write_truncated(x, y, text, width, style.strong)
    if len(fractions) > 1:
        line = draw_trend(fractions, width - TREND_LABEL_WIDTH, style.glyphs.bars)
        text = f"{line} {format_percent(fractions[-1])} of its row, over time"
        cells.write_truncated(x, y + 1, text, width, style.class_style(cursor[0]))
    else:
        text = "its fraction over time appears during training"
        cells.write_truncated(x, y + 1, text, width)
    own_input = f"{LONG_HINT}, i: your own input" if response.input_kind else LONG_HINT
    cells.write(x, y + 2, style.fit((own_input, LONG_HINT, HINT), width))
    return y + 4


def draw_trend(values: Sequence[float], room: int, levels: str) -> str:
    """Returns the newest values as small bars, the highest for the largest value."""
    visible_values = list(values)[-max(0, room) :] if room > 0 else []
    top = max(visible_values, default=0.0)
    return "".join(
        levels[min(len(levels) - 1, int(value / top * (len(levels) - 1) + 0.5)) if top else 0]
        for value in visible_values
    )


def _draw_previews(cells: StyledCells, response: ExamplesResponse, region: Region) -> None:
    """Draws small images of the examples, each with its loss."""
    rows = [row for row in response.rows if row.pixels]
    if not rows:
        text = "no examples in this cell" if not response.matches else ""
        cells.write(region.x, region.y, text)
        return
    muted = cells.style.muted
    tiles = [
        ImageTile([row.pixels], row.shape, [Caption(f"loss {format_compact(row.loss)}", muted)])
        for row in rows
    ]
    draw_image_grid(
        cells, region, tiles, widths=PREVIEW_WIDTHS, min_tiles=MIN_PREVIEWS, is_centered=False
    )


# --- examples -------------------------------------------------------------------------------------


def draw_examples_page(
    response: ExamplesResponse, size: tuple[int, int], style: DrawStyle
) -> CellBuffer:
    """Draws the list of examples in their order, and the selected one in full."""
    width, height = size
    if not response.matches or response.example is None:
        return draw_note(_describe_no_examples(response), size, style)
    cells = StyledCells(size, style)
    headings = _describe_order(response)
    hint = "w: another attribution method" if len(response.example.attributions) > 1 else ""
    if width >= MIN_LIST_WIDTH + 50:
        columns = max(MIN_LIST_WIDTH, min(MAX_LIST_WIDTH, width - 50, cell_len(headings[0])))
        cells.write(0, 0, style.fit(headings, columns))
        region = Region(0, 1, columns, height - 1)
        _draw_list(cells, response, region, response.position)
        rest = (width - columns - 2, height)
        cells.paste(columns + 2, 0, draw_example(response.example, rest, style, hint=hint).cells)
        return cells
    is_high = height >= 22
    cells.write(0, 0, style.fit(headings, width))
    room = height - 1 - (8 if is_high else 0)
    drawing = draw_example(response.example, (width, room), style, hint=hint)
    cells.paste(0, 1, drawing.cells)
    if is_high:
        top = drawing.rows + 2
        _draw_list(cells, response, Region(0, top, width, height - top), response.position)
    return cells


def _describe_no_examples(response: ExamplesResponse) -> str:
    if (names := _cell_names(response)) is not None:
        target, predicted = names
        return (
            f"None of the {describe_evaluated(response)} with the target {target} was predicted "
            f"as {predicted}. Escape goes back to the matrix."
        )
    return "There are no examples yet."


def _cell_names(response: ExamplesResponse) -> tuple[str, str] | None:
    """Returns target and predicted class of the cell that the examples are of, if they are of one.

    A task whose examples have no predicted class has no matrix.
    """
    if len(response.cell) != 2 or "matrix" not in response.pages:
        return None
    target, predicted = (response.matrix.classes[number] for number in response.cell)
    return target, predicted


def _describe_order(response: ExamplesResponse) -> tuple[str, str]:
    """Returns which example is shown of which ones, with their order and without."""
    criterion = "error" if response.task in ("autoencoder", "regression") else "loss"
    order = f"{'lowest' if response.is_reversed else 'highest'} {criterion} first"
    position = f"{format_count(response.position + 1)} of {format_count(response.matches)}"
    cell = ""
    if (names := _cell_names(response)) is not None:
        cell = f" {names[0]} predicted as {names[1]}"
    short_text = f"{position}{cell} ({response.split})"
    return f"{short_text}, {order}", short_text


def _draw_list(
    cells: StyledCells, response: ExamplesResponse, region: Region, selected: int = -1
) -> None:
    """Draws a line for each example; the selected one is reversed."""
    style = cells.style
    first = response.first
    if selected >= 0 and selected - first >= region.height:
        first = selected - region.height + 1
    for y, row in enumerate(response.rows[first - response.first :][: region.height]):
        is_selected = first + y == selected
        line_style = style.muted + Style(bold=is_selected, reverse=is_selected)
        text = style.truncate(_describe_row(response, row, first + y, style), region.width)
        text = text.ljust(region.width) if is_selected else text
        cells.write(region.x, region.y + y, text, line_style)


def _describe_row(
    response: ExamplesResponse, row: ExampleSummary, position: int, style: DrawStyle
) -> str:
    text = f"{position + 1:>4} {format_compact(row.loss):>8}"
    if row.target < 0:
        return f"{text}  no. {format_count(row.number)}"
    classes, glyphs = response.matrix.classes, style.glyphs
    target, predicted = name_class(classes, row.target), name_class(classes, row.predicted)
    is_correct = row.target == row.predicted
    names = target if is_correct else f"{target} {glyphs.arrow} {predicted}"
    glyph = glyphs.check if is_correct else glyphs.cross
    return f"{text} {glyph} {format_percent(row.probability):>4} {names}"
