"""What a user says about how a table is to be read."""

from dataclasses import dataclass
from typing import Literal

from tuilab.core.errors import InputError

HeaderOption = Literal["auto", "yes", "no"]
DecimalOption = Literal["auto", ".", ","]
ThousandsOption = Literal["auto", "none", ",", ".", "space", "'"]

AUTO = "auto"
"""What an option is where the file decides."""

ColumnKind = Literal["number", "category", "exact", "date", "dmy", "mdy", "left out"]
"""What a user can declare a column to be, in `data.kinds`."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """The options of a table that decide what its cells mean."""

    header: HeaderOption = "auto"
    decimal: DecimalOption = "auto"
    thousands: ThousandsOption = "auto"
    missing: tuple[str, ...] = ()
    "Further cells that stand for a missing value, in lower case."
    kinds: tuple[tuple[str, str], ...] = ()
    "What columns are, by their names."
    encoding: str = AUTO
    "A codec of Python."
    delimiter: str = AUTO
    "One character between cells."
    sheet: str = ""
    "The name or the number of a sheet of a spreadsheet."


DEFAULT_OPTIONS = ReadOptions()

DELIMITER_WORDS = {
    "tab": "\t", "\\t": "\t", "space": " ", "spaces": " ", "comma": ",", "semicolon": ";",
    "pipe": "|", "colon": ":",
}  # fmt: skip
"""Delimiters by their names."""


def parse_delimiter(text: str) -> str:
    """Returns the character between cells that a user names, or `auto`.

    Raises:
        InputError: it is not one character that can separate cells.
    """
    delimiter = DELIMITER_WORDS.get(text.strip().lower(), text.strip() or text[:1])
    is_possible = len(delimiter) == 1 and not delimiter.isalnum() and delimiter not in '"\r\n\0'
    if delimiter.lower() != AUTO and not is_possible:
        problem = f'"{text}" cannot separate cells; write one character, such as ; or |, or tab'
        raise InputError(problem, "data.delimiter")
    return delimiter.lower()
