"""The command that sets one weight by hand, and its event."""

from math import isfinite

from msgspec import field

from tuilab.core.errors import InputError
from tuilab.core.format import format_number
from tuilab.core.protocol.message import Command, Event


class SetWeight(Command, frozen=True):
    """Sets one weight or bias now, or takes the last change back; training continues from there."""

    layer: str = ""
    "Its label, such as `2 Linear`; empty: undo the last change."
    parameter: str = "weight"
    "Name of the parameter in its module."
    index: list[int] = field(default_factory=list)
    "Row and column of a weight (unit and input); the unit of a bias."
    value: float = 0.0


class WeightSet(Event, frozen=True):
    """One number of the network was set by hand; a mark on the charts."""

    run: str
    step: int
    layer: str
    parameter: str
    index: list[int]
    previous: float
    value: float

    @property
    def description(self) -> str:
        """Returns the change in a few words."""
        indices = ",".join(str(number + 1) for number in self.index)
        return f"{self.layer} {self.parameter}[{indices}] {format_number(self.value)}"


def parse_finite_number(text: str) -> float:
    """Parses a typed number; raises InputError if it is not a finite number.

    >>> parse_finite_number(" −0.5 "), parse_finite_number("1e-3")
    (-0.5, 0.001)
    """
    plain = text.strip().replace("−", "-").replace("_", "?")
    if not plain:
        raise InputError("type a number, such as -0.5")
    if "," in plain:
        raise InputError("write a decimal point, such as 0.5")
    try:
        value = float(plain)
    except ValueError:
        raise InputError(f'"{text.strip()}" is not a number; write it like 0.5 or -1e-3') from None
    if not isfinite(value):
        raise InputError("the number must be finite: the network cannot compute with this")
    return value
