"""Writing one number of a network by hand, and taking that back."""

from math import isfinite

from msgspec import field

from tuilab.core.errors import InputError
from tuilab.core.protocol.message import Command, Event, snake


class Assign(Command, frozen=True, tag=str.lower):
    """Give one weight or bias another value, now; training goes on from there."""

    layer: str = ""
    "Its label, such as `2 Linear`; empty: take back the last assignment."
    name: str = "weight"
    "Of the parameter, as its module has it."
    index: list[int] = field(default_factory=list)
    "Row and column of a weight, such as unit and input; the unit of a bias."
    value: float = 0.0


class Assigned(Event, frozen=True, tag=snake):
    """One number of the network was written by hand; a mark on the charts."""

    run: str
    step: int
    layer: str
    name: str
    index: list[int]
    before: float
    value: float

    @property
    def text(self) -> str:
        """What was done, in a few words."""
        place = ",".join(str(number + 1) for number in self.index)
        return f"{self.layer} {self.name}[{place}] {self.value:g}"


def number(text: str) -> float:
    """A finite number as somebody types it; InputError says what is wrong with it.

    >>> number(" −0.5 "), number("1e-3")
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
        raise InputError(f'"{text.strip()}" is no number; one is 0.5, another -1e-3') from None
    if not isfinite(value):
        raise InputError("it has to be finite: the network could not compute with this")
    return value
