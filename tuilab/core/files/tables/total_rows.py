"""Rows at the end of a table that sum up those above, such as `Total` and `Average`."""

from collections.abc import Callable, Sequence
from math import isclose, isfinite
from statistics import fmean, median, stdev

from tuilab.core.files.tables.column_profile import Cells, FileContext, Profile
from tuilab.core.files.tables.header import Row
from tuilab.core.files.tables.number_format import PLAIN, NumberFormat, parse_number

FUNCTIONS: dict[str, tuple[Callable[[Sequence[float]], float], str]] = {
    "sum": (sum, "total sum summe gesamt gesamtsumme insgesamt totaal totale totaux totali totales "
            "somme suma somma soma razem celkem итого всего 合計 总计 合计 總計 계 합계"),
    "mean": (fmean, "average avg mean mittelwert durchschnitt moyenne media promedio média średnia "
             "gemiddelde среднее 平均"),
    "median": (median, "median mediane mediana médiane"),
    "minimum": (min, "min minimum"),
    "maximum": (max, "max maximum"),
    "standard deviation": (stdev, "std sd stdev stddev standardabweichung"),
}  # fmt: skip
"""What such a row holds, and the words with which it begins."""

MAX_TOTALS = 8
"""Rows at the end that are looked at."""

MIN_ROWS = 3
"""Rows above that are needed, since a sum of fewer can be a coincidence."""


def find_totals(rows: Sequence[Row], context: FileContext) -> dict[int, str]:
    """Returns the lines of the rows at the end that sum up a column, and what each is.

    The first cell must say so, and a number must be the sum, mean, ... of those above.
    """
    words = [_find_function(cells) for _, cells in rows[-MAX_TOTALS:]]
    count = next((n for n, word in enumerate(reversed(words)) if not word), len(words))
    above, last = rows[: len(rows) - count], rows[len(rows) - count :]
    if not last or len(above) < MIN_ROWS:
        return {}
    columns = list(zip(*(cells for _, cells in above), strict=True))
    styles = [_choose_style(cells, context) for cells in columns]
    numbers = [
        _parse(cells, style) if style is not None else []
        for cells, style in zip(columns, styles, strict=True)
    ]
    totals = {}
    for line, cells in last:
        name = _find_function(cells)
        function, _ = FUNCTIONS[name]
        if any(
            _is_result(cell, style or PLAIN, column, function)
            for cell, style, column in zip(cells, styles, numbers, strict=True)
        ):
            totals[line] = name
    return totals


def _find_function(cells: Sequence[str]) -> str:
    """Returns what the first cell that is not empty says that a row holds; else ""."""
    first = next((cell for cell in cells if cell.strip()), "").strip().casefold()
    said = {word.strip(":.") for word in first.split()} if len(first) <= 30 else set()
    return next((name for name, (_, words) in FUNCTIONS.items() if said & set(words.split())), "")


def _choose_style(cells: Sequence[str], context: FileContext) -> NumberFormat | None:
    """Returns how a column writes numbers; None if it does not."""
    profile = Profile(Cells.count("", 0, cells), context.options.missing)
    return profile.choose_number_format(context) if profile.number_share > 0.5 else None


def _parse(cells: Sequence[str], style: NumberFormat) -> list[float]:
    """Returns the numbers among cells."""
    numbers = []
    for cell in cells:
        try:
            numbers.append(parse_number(cell, style))
        except (ValueError, OverflowError):
            continue
    return list(filter(isfinite, numbers))


def _is_result(
    cell: str, style: NumberFormat, column: Sequence[float],
    function: Callable[[Sequence[float]], float],
) -> bool:  # fmt: skip
    """Returns whether a cell is the result of a function of a column, as far as it is written."""
    if len(column) < MIN_ROWS or not (parsed := _parse([cell], style)):
        return False
    _, _, fraction = cell.strip(" %").rpartition(style.decimal)
    decimals = len(fraction) if fraction.isdecimal() and style.decimal in cell else 0
    try:
        return isclose(parsed[0], function(column), rel_tol=1e-9, abs_tol=0.51 * 10.0**-decimals)
    except OverflowError:
        return False
