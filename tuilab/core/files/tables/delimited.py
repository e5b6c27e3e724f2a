"""Tables as lines of text with commas, semicolons or tabs between the cells."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tuilab.core.errors import InputError
from tuilab.core.files.file_state import Found
from tuilab.core.files.tables.columns import are_numbers, distinct_names, is_missing

WHOLE = 2_000_000
"""Bytes up to which a file is read from beginning to end when it is looked at."""

HEAD = 500_000
"""Bytes from the beginning of a larger file; what follows is looked at in blocks."""

BLOCK, BLOCKS = 1 << 15, 16

DELIMITERS = (",", ";", "\t", "|")

Header = Literal["auto", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file of text is to be read."""

    delimiter: str
    names: tuple[str, ...]
    has_header: bool


def layout(file: Found, header: Header) -> Layout:
    """Guess what stands between the cells, and whether the first line names the columns."""
    lines = []
    for _, line in zip(range(200), _lines(file), strict=False):
        lines.append(line)
    tries = [(delimiter, _records(lines, delimiter)) for delimiter in DELIMITERS]
    if file.path.suffix.lower() in (".tsv", ".tab"):
        tries = [each for each in tries if each[0] == "\t"]
    delimiter, rows = max(tries, key=lambda each: _evenness(*each))
    if not rows:
        raise InputError("it has no lines with anything in them", str(file.path))
    if len(rows[0]) < 2:
        raise InputError(
            "a table needs two columns or more, with , or ; or tab between them", str(file.path)
        )
    has_header = _has_header(rows) if header == "auto" else header == "yes"
    names = rows[0] if has_header else [f"column {number + 1}" for number in range(len(rows[0]))]
    if has_header and len(rows) == 1:
        raise InputError("it has a line of names and no rows", str(file.path))
    return Layout(delimiter, distinct_names(names), has_header)


def _evenness(delimiter: str, rows: Sequence[Sequence[str]]) -> tuple[float, bool, int]:
    """The part of the rows with as many cells as most, where that is more than one.

    A comma comes last: between semicolons it may be a decimal comma, in every row alike.
    """
    counts = Counter(map(len, rows))
    width, often = max(counts.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
    return (often / len(rows) if width > 1 else 0.0, delimiter != ",", width)


def _has_header(rows: Sequence[Sequence[str]]) -> bool:
    """Names are no numbers and all different; what is below them is unlike them."""
    first = [cell.strip() for cell in rows[0]]
    if any(cell and (is_missing(cell) or are_numbers([cell])) for cell in first):
        return False
    columns = [[cell.strip() for cell in column] for column in zip(*rows[1:], strict=False)]
    below = [{cell for cell in column if not is_missing(cell)} for column in columns]
    pairs = [(name, cells) for name, cells in zip(first, below, strict=False) if name]
    if any(cells and are_numbers(cells) for _, cells in pairs):
        return True
    return len(set(first)) == len(first) and not any(name in cells for name, cells in pairs)


def records(file: Found, shape: Layout) -> Iterator[tuple[int, list[str]]]:
    """Every row with the number of its line; InputError where one has too many or few cells."""
    reader = csv.reader(_lines(file), delimiter=shape.delimiter, skipinitialspace=True)
    width, is_first = len(shape.names), True
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise InputError(f"line {reader.line_num}: {error}", str(file.path)) from None
        if row is None:
            return
        if not any(row):
            continue
        if is_first and shape.has_header:
            is_first = False
            continue
        is_first = False
        if len(row) != width:
            row = _fitted(row, width, reader.line_num, file)
        yield reader.line_num, row


def _fitted(row: list[str], width: int, line: int, file: Found) -> list[str]:
    """The row without empty cells behind the last column."""
    if len(row) < width or any(row[width:]):
        raise InputError(
            f"line {line} has {len(row)} cells where there are {width} columns; "
            "a cell with the delimiter in it needs quotes",
            str(file.path),
        )
    return row[:width]


def sample(file: Found, shape: Layout) -> tuple[list[list[str]], bool]:
    """All rows, or of a large file some from everywhere; and whether it is all."""
    if file.size <= WHOLE:
        return [row for _, row in records(file, shape)], True
    rows, read = [], 0
    for _, row in records(file, shape):
        rows.append(row)
        read += sum(map(len, row)) + len(row)
        if read > HEAD:
            break
    with file.path.open("rb") as source:
        for block in range(BLOCKS):
            source.seek(HEAD + (file.size - HEAD - BLOCK) * block // (BLOCKS - 1))
            lines = source.read(BLOCK).split(b"\n")[1:-1]
            rows.extend(_whole_rows(lines, shape))
    return rows, False


def _whole_rows(lines: Sequence[bytes], shape: Layout) -> Iterator[list[str]]:
    """Rows from the middle of a file; what is wrong there is told when all of it is read."""
    try:
        text = [line.decode() for line in lines]
    except UnicodeDecodeError:
        return
    for row in _records(text, shape.delimiter):
        if len(row) == len(shape.names):
            yield row


def _records(lines: Iterable[str], delimiter: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True):
            if any(row):
                rows.append(row)
    except csv.Error:
        return rows
    return rows


def _lines(file: Found) -> Iterator[str]:
    """The lines of a file in UTF-8; InputError names one that is not."""
    try:
        with file.path.open("rb") as source:
            for number, line in enumerate(source):
                if not number and line.startswith(b"\xef\xbb\xbf"):
                    line = line[3:]
                if not number and line.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise InputError("it is UTF-16; save it as CSV UTF-8", str(file.path))
                yield line.decode()
    except UnicodeDecodeError as error:
        wrong = error.object[error.start]
        raise InputError(
            f"line {number + 1} is not UTF-8: byte {error.start + 1} is 0x{wrong:02x}; "
            "save it as UTF-8 (in Excel: CSV UTF-8)",
            str(file.path),
        ) from None
    except OSError as error:
        raise InputError(f"it cannot be read: {error.strerror}", str(file.path)) from None
