"""The words that people and programs write where a value is missing."""

import re
from collections.abc import Collection

COMPUTER_WORDS = frozenset(
    {"", "nan", "-nan", "+nan", "null", "(null)", "<null>", "<na>", "nat", "#n/a", "#na", "\\n",
     "-1.#ind", "1.#ind", "1.#qnan", "-1.#qnan", "1.#snan", "#n/a n/a"}
)  # fmt: skip
"""What only a program writes, in lower case."""

HUMAN_WORDS = frozenset(
    {"?", ":", "-", "--", "---", "–", "—", ".", "..", "...", "…", "*", "na", "n/a", "n.a.", "n.a",
     "none", "nil", "nd", "n.d.", "n/d", "missing", "unknown", "not available", "not measured",
     "not recorded", "not reported", "no data", "nodata", "undefined", "k.a.", "k. a."}
)  # fmt: skip
"""What a person may write, in lower case; as a class of a target it may mean itself."""

MISSING_WORDS = COMPUTER_WORDS | HUMAN_WORDS

MAX_LENGTH = max(map(len, MISSING_WORDS)) + 8
"""Longer cells are not looked up."""

SPREADSHEET_ERROR = re.compile(
    r"#(?:[A-Z¡][A-Z0-9/_¡ÁÉÍÓÚ]{0,18}[!?]|N/?[ADV]|N/DISP|#+|GETTING_DATA)"
)
"""`#DIV/0!`, `#REF!`, `#NAME?`, also in other languages, and a column that was too narrow."""


def is_spreadsheet_error(cell: str) -> bool:
    """Returns whether a cell holds the error word of a spreadsheet, such as `#DIV/0!`."""
    return cell.startswith("#") and bool(SPREADSHEET_ERROR.fullmatch(cell))


def is_missing(cell: str, more: Collection[str] = ()) -> bool:
    """Returns whether a cell stands for a missing value.

    Args:
        more: further cells that do, in lower case.
    """
    if len(cell) > MAX_LENGTH and not more:
        return False
    text = cell.strip()
    lower = text.lower()
    return lower in MISSING_WORDS or lower in more or is_spreadsheet_error(text)


def is_missing_for_certain(cell: str, more: Collection[str] = ()) -> bool:
    """Returns whether a cell is empty or holds what only a program writes for a missing value."""
    text = cell.strip()
    lower = text.lower()
    return lower in COMPUTER_WORDS or lower in more or is_spreadsheet_error(text)
