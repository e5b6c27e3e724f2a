"""What a user says about how a table is to be read."""

from dataclasses import dataclass
from typing import Literal

HeaderOption = Literal["auto", "yes", "no"]
DecimalOption = Literal["auto", ".", ","]
ThousandsOption = Literal["auto", "none", ",", ".", "space", "'"]

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


DEFAULT_OPTIONS = ReadOptions()
