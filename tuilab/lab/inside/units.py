"""Units and edges of a small network over the plane."""

from msgspec import field

from tuilab.lab.inside.view import Seen, Wanted


class UnitsWanted(Wanted, frozen=True):
    """What every unit answers over the plane, on a grid of so many cells."""

    width: int = 16
    height: int = 12


class UnitsSeen(Seen, frozen=True):
    """Every unit's answers and every weight between them."""

    labels: list[str] = field(default_factory=list)
    "Of each column of units: `input`, `1 Linear`, ..."
    note: str = ""
    "Why there is nothing to draw, or what was left out."
