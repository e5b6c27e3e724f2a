"""Tables in spreadsheets (xlsx, xls, xlsb, ods), read with python-calamine, which is optional."""

import warnings
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.file_state import FileState
from tuilab.core.files.tables.header import Row, find_header
from tuilab.core.files.tables.packing import reading
from tuilab.core.files.tables.read_options import ReadOptions
from tuilab.core.files.tables.table_layout import Layout
from tuilab.core.files.tables.text_source import TextSource
from tuilab.core.format import format_bytes

MAX_FILE_BYTES = 100_000_000
"""Larger files are refused, since all sheets are read into memory."""


def import_calamine() -> Any:
    """Imports python-calamine; InputError if it is not installed."""
    try:
        import python_calamine
    except ImportError:
        raise InputError(
            "spreadsheets need python-calamine: uv pip install 'tuilab[spreadsheet]'; or save the "
            "sheet as CSV",
            "data.path",
        ) from None
    return python_calamine


@lru_cache(maxsize=2)
def _read_sheets(file: FileState) -> dict[str, list[Row]]:
    """Returns the rows of all sheets by their names."""
    calamine, path = import_calamine(), str(file.path)
    if file.size > MAX_FILE_BYTES:
        limit = format_bytes(MAX_FILE_BYTES)
        raise InputError(f"it has {format_bytes(file.size)}; at most {limit} are read", path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            workbook = calamine.CalamineWorkbook.from_path(path)
            names = list(workbook.sheet_names)
            return {name: _read_rows(workbook.get_sheet_by_name(name)) for name in names}
    except Exception as error:  # calamine's errors have no common base, and it may panic
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problem = f"it is not a complete spreadsheet ({reason[:100]}); save it again, or as CSV"
        if _is_encrypted(file):
            problem = "a password protects it; save it without one, or as CSV"
        raise InputError(problem, path) from None


def _choose_sheet(sheets: dict[str, list[Row]], name_or_number: str, path: str) -> str:
    """Returns the sheet of this name or number, or the first one that holds a table."""
    names = list(sheets)
    if name_or_number in names:
        return name_or_number
    if name_or_number.isdecimal() and 0 < int(name_or_number) <= len(names):
        return names[int(name_or_number) - 1]
    if name_or_number:
        problem = f'there is no sheet "{name_or_number}"; there is {", ".join(names[:20])}'
        raise InputError(with_suggestion(problem, name_or_number, names), path, "data.sheet")
    for name, rows in sheets.items():
        if sum(sum(map(bool, cells)) > 1 for _, cells in rows) > 1:
            return name
    raise InputError("none of its sheets holds a table of at least two columns", path)


def _is_encrypted(file: FileState) -> bool:
    """Returns whether a password protects a workbook: it is a stream in another kind of file."""
    with reading(file), file.path.open("rb") as content:
        return "EncryptedPackage".encode("utf-16-le") in content.read()


def _read_rows(sheet: Any) -> list[Row]:
    """Returns the rows that are not empty with their numbers, without empty columns around."""
    table = sheet.to_python(skip_empty_area=False)
    rows = [(number, [_to_text(cell) for cell in cells]) for number, cells in enumerate(table, 1)]
    rows = [(number, cells) for number, cells in rows if any(cells)]
    columns = [index for _, cells in rows for index, cell in enumerate(cells) if cell]
    if not columns:
        return []
    first, last = min(columns), max(columns) + 1
    return [(number, cells[first:last]) for number, cells in rows]


def _to_text(cell: Any) -> str:
    """Returns a cell as CSV would hold it."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e16 else repr(cell)
    if isinstance(cell, (datetime, date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return repr(cell.total_seconds())
    return "" if cell is None else str(cell).strip()


def find_layout(source: TextSource, options: ReadOptions) -> Layout:
    """Finds the header of the sheet that is named, or of the first one that holds a table."""
    path, sheets = str(source.file.path), _read_sheets(source.file)
    sheet = _choose_sheet(sheets, options.sheet, path)
    head = [_cut_right(row) for row in sheets[sheet][:200]]
    width = max((len(cells) for _, cells in head), default=0)
    counted = [row for row in head if len(row[1]) > 1]
    if len(counted) < 2 or width < 2:
        raise InputError(f"the sheet {sheet} needs at least two columns and two rows", path)
    begin = next(index for index, row in enumerate(head) if len(row[1]) >= _usual_width(head))
    padded = [(n, cells + [""] * (width - len(cells))) for n, cells in head[begin:]]
    header_row = find_header(padded, options.header, "row", path)
    skipped = header_row.skipped or (head[begin - 1][0] if begin else 0)
    texts = ", ".join(cell for _, cells in head[:begin] for cell in cells if cell)
    before = (f"Rows before the table left out: {texts[:80]}.",) if begin else ()
    others = ", ".join(name for name in sheets if name != sheet)
    which = (f"The sheet {sheet} is read, not {others} (data.sheet).",) if others else ()
    remarks = (*which, *before, *header_row.remarks)
    return Layout(
        "spreadsheet",
        header_row.names,
        source,
        header_row.has_header,
        skipped,
        unit="row",
        remarks=remarks,
        sheet=sheet,
    )


def _usual_width(head: Sequence[Row]) -> int:
    """Returns the width that at least half of the rows have."""
    widths = sorted(len(cells) for _, cells in head)
    return widths[len(widths) // 2]


def _cut_right(row: Row) -> Row:
    number, cells = row
    filled = [index for index, cell in enumerate(cells) if cell]
    return number, cells[: filled[-1] + 1] if filled else []


def read_rows(layout: Layout) -> Iterator[Row]:
    """Yields the rows of a sheet with their numbers."""
    width = len(layout.names)
    for number, cells in _read_sheets(layout.source.file)[layout.sheet]:
        if number > layout.skipped:
            yield number, [*cells[:width], *[""] * (width - len(cells))]
