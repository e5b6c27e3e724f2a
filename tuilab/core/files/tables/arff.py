"""Tables in ARFF, the format of Weka and OpenML: it declares names and kinds of its columns."""

import re
from collections.abc import Iterator

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import make_unique
from tuilab.core.files.tables.header import Row
from tuilab.core.files.tables.table_layout import Layout
from tuilab.core.files.tables.text_source import TextSource, read_lines

QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
ATTRIBUTE = re.compile(rf"@attribute\s+({QUOTED}|[^\s{{]+)\s*(.+)", re.IGNORECASE)
CELL = re.compile(rf"\s*({QUOTED}|[^,\t]*?)\s*(?:[,\t]|$)")
SPARSE = re.compile(rf"\s*(\d+)\s+({QUOTED}|[^,}}]*?)\s*(?:,|$)")

KINDS = {"date": "date"}
"""Kinds that are taken over; numbers are looked at as in any file."""


def find_layout(source: TextSource) -> Layout:
    """Finds the columns that the file declares."""
    path = str(source.file.path)
    names: list[str] = []
    kinds: list[str] = []
    for number, line in enumerate(read_lines(source), 1):
        text = line.strip()
        if not text or text.startswith("%"):
            continue
        word = text.split(maxsplit=1)[0].lower()
        if word == "@data":
            return _build_layout(source, names, kinds, number)
        if word == "@attribute":
            match = ATTRIBUTE.fullmatch(text)
            if match is None:
                problem = "it needs a name and a kind: @attribute NAME numeric"
                raise InputError(problem, path, f"line {number}")
            kind = match[2].split()[0].lower()
            if kind == "relational":
                problem = "a column holds tables; save it with one row for each example"
                raise InputError(problem, path, f"line {number}")
            names.append(_unquote(match[1]))
            kinds.append("category" if match[2].startswith("{") else KINDS.get(kind, ""))
        elif word != "@relation":
            raise InputError(f'"{text[:30]}" is not ARFF', path, f"line {number}")
    raise InputError("it has no @data", path)


def _build_layout(source: TextSource, names: list[str], kinds: list[str], line: int) -> Layout:
    if len(names) < 2:
        raise InputError("a table needs at least two columns", str(source.file.path))
    unique = make_unique(names)
    declared = tuple((name, kind) for name, kind in zip(unique, kinds, strict=True) if kind)
    return Layout("arff", unique, source, skipped=line, delimiter=",", kinds=declared)


def read_rows(layout: Layout) -> Iterator[Row]:
    """Yields the rows with their lines; InputError if one has too many or too few cells."""
    width, path = len(layout.names), str(layout.source.file.path)
    for number, line in enumerate(read_lines(layout.source), 1):
        text = line.strip()
        if number <= layout.skipped or not text or text.startswith("%"):
            continue
        if text.startswith("{"):
            cells = _read_sparse(text, layout, number)
        else:
            cells = [
                _unquote(match[1]) for match in CELL.finditer(text) if match.start() < len(text)
            ]
            cells += [""] if text.endswith((",", "\t")) else []
        if len(cells) != width:
            problem = f"line {number} has {len(cells)} cells, but there are {width} columns"
            raise InputError(problem, path, f"line {number}")
        yield number, cells


def _read_sparse(text: str, layout: Layout, number: int) -> list[str]:
    """Returns a row of which only the cells that are not 0 are written."""
    declared = dict(layout.kinds)
    cells = ["?" if declared.get(name) == "category" else "0" for name in layout.names]
    for match in SPARSE.finditer(text.strip("{} \t")):
        if int(match[1]) >= len(cells):
            problem = f"line {number} has a column {match[1]}, but there are {len(cells)}, from 0"
            raise InputError(problem, str(layout.source.file.path), f"line {number}")
        cells[int(match[1])] = _unquote(match[2])
    return cells


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text.strip()
