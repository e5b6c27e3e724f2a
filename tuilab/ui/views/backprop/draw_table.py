"""Tables of a training step: rows to choose from, and how the chosen number was computed."""

from collections.abc import Sequence
from math import isfinite, isnan

from rich.cells import cell_len
from textual.geometry import Region

from tuilab.core.format import format_compact, format_count
from tuilab.core.protocol.inspect.backprop_messages import Derivation, NumberColumn, NumberTable
from tuilab.ui.canvas.cell_buffer import find_first_visible
from tuilab.ui.canvas.draw_style import BOLD, DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.backprop.phase_text import spell_formula

NUMBER_WIDTH = 10
"""Cells of a column of numbers."""

BAR_WIDTH = 12
"""Cells of the bars beside the last column."""

MAX_NAME_WIDTH = 28

NO_NUMBER = "-"
"""A quotient whose denominator is 0, or a position without a target."""

MAY_BE_EMPTY = ("mask", "f'(z)", "local", "y")
"""Columns that may have no number in a row."""


def fit_formula(text: str, room: int, style: DrawStyle) -> str:
    """Returns text as the terminal can show it, cut to a number of cells."""
    return style.truncate(spell_formula(text, style), room)


def draw_table(cells: StyledCells, region: Region, table: NumberTable, row: int | None) -> int:
    """Draws a table, and returns how many cells wide it is.

    Args:
        row: the chosen one; None: another table is chosen.
    """
    style = cells.style
    x, y, room, height = region
    is_chosen = row is not None
    names = min(MAX_NAME_WIDTH, max(map(cell_len, table.row_names), default=0) + 3)
    columns = fit_columns(table, room - names)
    width = names + NUMBER_WIDTH * len(columns)
    has_bars = is_chosen and room >= width + BAR_WIDTH and len(columns) <= 2
    title = fit_formula(_title(table, room), room, style)
    cells.write(x, y, title, style.strong if is_chosen else style.muted)
    draw_column_names(cells, x + names, y + 1, [column.name for column in columns])
    rows = max(0, height - 2)
    first = find_first_visible(row, rows, len(table.row_names)) if row is not None else 0
    last = min(len(table.row_names), first + rows)
    largest = _largest(columns[-1]) if columns else 0.0
    for line, at in enumerate(range(first, last), y + 2):
        draw_row_name(cells, Region(x, line, names - 1, 1), table.row_names[at], at == row)
        values = [column.values[at] for column in columns]
        missing = [NO_NUMBER if column.name in MAY_BE_EMPTY else "NaN" for column in columns]
        draw_numbers(cells, x + names, line, values, missing, at == row)
        if has_bars:
            _draw_bar(cells, x + width + 1, line, columns[-1].values[at], largest)
    return max(cell_len(title), width + BAR_WIDTH * has_bars)


def _title(table: NumberTable, room: int) -> str:
    shape = "×".join(map(str, table.shape))
    title = f"{table.title}  {shape}" if shape else table.title
    if len(table.row_names) < table.total:
        last = table.first + len(table.row_names)
        title += f"  {table.first + 1}-{last} of {format_count(table.total)}"
        title += " (PgDn)" if cell_len(title) + 7 <= room else ""
    return title


def draw_derivation(cells: StyledCells, region: Region, derivation: Derivation) -> None:
    """Draws how one number was computed, its result below."""
    style = cells.style
    x, y, width, _ = region
    names = _names_width(derivation)
    cells.write(x, y, fit_formula(derivation.title, width, style), style.strong)
    if any(column.name for column in derivation.columns):
        y += 1
        draw_column_names(cells, x + names, y, [c.name for c in derivation.columns])
    room = max(0, region.bottom - y - 1 - bool(derivation.result))
    count = len(derivation.row_names)
    visible = count if count <= room else max(0, room - 1)
    for at in range(visible):
        y += 1
        cells.write_truncated(x, y, style.spell(derivation.row_names[at]), names - 1)
        values = [column.values[at] for column in derivation.columns]
        draw_numbers(cells, x + names, y, values, [""] * len(values))
    if visible < count and room:
        y += 1
        cells.write_truncated(x, y, f"{count - visible} more (f: full screen)", width)
    if derivation.result:
        cells.write(x, y + 1, fit_formula(derivation.result, width, style), style.strong)


def measure_derivation(derivation: Derivation) -> int:
    """Returns the cells that a derivation needs."""
    words = max(cell_len(derivation.title), cell_len(derivation.result))
    numbers = _names_width(derivation) + NUMBER_WIDTH * len(derivation.columns)
    return max(numbers, words)


def _names_width(derivation: Derivation) -> int:
    return min(MAX_NAME_WIDTH, max(map(cell_len, derivation.row_names), default=0) + 1)


def fit_columns(table: NumberTable, room: int) -> list[NumberColumn]:
    """Returns the columns that fit; the last ones are the result of a phase."""
    return table.columns[-max(1, min(len(table.columns), room // NUMBER_WIDTH)) :]


# --- cells of a table -----------------------------------------------------------------------------


def draw_row_name(cells: StyledCells, region: Region, name: str, is_chosen: bool) -> None:
    """Draws the name of a row, with a mark if it is the chosen one."""
    style = cells.style
    x, y, room, _ = region
    mark = style.spell("▸") if is_chosen else " "
    text = f"{mark} {style.truncate(name, room - 2)}"
    cells.write(x, y, text, style.strong if is_chosen else style.muted)


def draw_column_names(cells: StyledCells, x: int, y: int, names: Sequence[str]) -> None:
    """Draws the names of columns of numbers, the first of which begins at x."""
    for name in names:
        x += NUMBER_WIDTH
        cells.write_left_of(x - 1, y, fit_formula(name, NUMBER_WIDTH - 1, cells.style))


def draw_numbers(
    cells: StyledCells, x: int, y: int, values: Sequence[float], missing: Sequence[str],
    is_chosen: bool = False,
) -> None:  # fmt: skip
    """Draws the numbers of a row in the colors of their signs, at the right of their columns.

    Args:
        missing: what stands for NaN in each column.
    """
    for value, text in zip(values, missing, strict=True):
        x += NUMBER_WIDTH
        has_sign = value and isfinite(value)
        text_style = cells.style.diverging_style(value < 0) if has_sign else cells.style.muted
        text = text if isnan(value) else format_to_column(value)
        cells.write_left_of(x - 1, y, text, text_style + BOLD if is_chosen else text_style)


def format_to_column(value: float) -> str:
    """Returns a number that fits into its column, as exact as possible; zero without a sign."""
    texts = (format_compact(value + 0.0, digits) for digits in (4, 3, 2))
    return next((text for text in texts if len(text) < NUMBER_WIDTH), format_compact(value, 1))


def _draw_bar(cells: StyledCells, x: int, y: int, value: float, largest: float) -> None:
    """Draws a bar from the middle, to the left below zero."""
    style = cells.style
    half = (BAR_WIDTH - 2) // 2
    if not (isfinite(value) and largest):
        return
    length = round(half * abs(value) / largest)
    start = x + half - length if value < 0 else x + half + 1
    block = "#" if style.is_ascii else "■"
    cells.put(x + half, y, style.glyphs.vertical, style.muted)
    cells.write(start, y, block * length, style.diverging_style(value < 0))


def _largest(column: NumberColumn) -> float:
    return max((abs(value) for value in column.values if isfinite(value)), default=0.0)
