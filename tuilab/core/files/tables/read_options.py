"""What a user says about how a table is to be read."""

from dataclasses import dataclass
from typing import Literal

from tuilab.core.files.tables.number_format import DecimalOption, ThousandsOption

HeaderOption = Literal["auto", "yes", "no"]


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
