"""Where the rows of a table begin, and what its columns are called."""

from dataclasses import dataclass
from typing import Literal

from tuilab.core.files.tables.file_format import Format
from tuilab.core.files.tables.text_source import TextSource


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a file are read: all formats but arrays and Parquet have one."""

    format: Format
    names: tuple[str, ...]
    source: TextSource
    has_header: bool = True
    skipped: int = 0
    "Lines or rows before the first row of data."
    delimiter: str = ""
    comment: str = ""
    "What a line that is no row begins with."
    has_escapes: bool = False
    r"""Whether \" stands for a quote in a quoted cell."""
    has_row_names: bool = False
    "Whether the header names all columns but the first."
    unit: Literal["line", "row", "item"] = "line"
    "What an error counts."
    kinds: tuple[tuple[str, str], ...] = ()
    "Kinds of columns that the file itself declares."
    remarks: tuple[str, ...] = ()
    "Sentences about what was found before the rows."
    sheet: str = ""
    "Of a spreadsheet."
    left_out: frozenset[int] = frozenset()
    "Lines, rows or items that are no examples, such as a total at the end."
