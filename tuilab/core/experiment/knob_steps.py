"""Where one step up or down from a knob's value leads."""

from math import floor, log10
from typing import Any

from tuilab.core.experiment.knobs import Knob

SMALLEST = 1e-10
"""Steps down end here, at zero where that is allowed."""


def stepped(knob: Knob, direction: int) -> Any:
    """The next value up (1) or down (-1); the same value where there is none."""
    match knob.kind:
        case "bool":
            return not knob.value
        case "choice":
            return knob.choices[(knob.choices.index(knob.value) + direction) % len(knob.choices)]
        case "int":
            step = _doubled if knob.log and _is_power_of_two(knob.value) else _rung
            moved = step(knob.value, direction) if knob.log else knob.value + direction
            return _bounded(knob, int(moved))
        case "float":
            first = 0.1 if knob.unit == "epochs" else 1e-4
            moved = _rung(knob.value, direction, first) if knob.log else _notch(knob, direction)
            return _bounded(knob, float(moved))
        case _:
            return knob.value


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _doubled(value: float, direction: int) -> float:
    return value * 2 if direction > 0 else value // 2


def _rung(value: float, direction: int, first: float = 1e-4) -> float:
    """The next of 1, 2, 5, 10, 20, 50, ...; up from zero to 1, a fraction to `first`."""
    if value <= 0:
        return (1 if isinstance(value, int) else first) if direction > 0 else value
    exponent = floor(log10(value))
    near = (float(f"{digit}e{exponent + shift}") for shift in (-1, 0, 1) for digit in (1, 2, 5))
    if direction > 0:
        return min(rung for rung in near if rung > value * (1 + 1e-9))
    below = max(rung for rung in near if rung < value * (1 - 1e-9))
    return below if below >= SMALLEST else 0.0


def _notch(knob: Knob, direction: int) -> float:
    """The next multiple of about a twentieth of the range."""
    low, high = knob.minimum or 0.0, 1.0 if knob.maximum is None else knob.maximum
    step = _nice((high - low) / 20)
    notches = float(knob.value) / step
    moved = floor(notches + 1e-6) + 1 if direction > 0 else -floor(1e-6 - notches) - 1
    if knob.open_maximum and moved * step >= high:
        return round(high - (high - float(knob.value)) / 5, 4)
    return round(moved * step, 10)


def _nice(step: float) -> float:
    """The nearest of 1, 2, 5, 10, ..."""
    exponent = floor(log10(step))
    rungs = [float(f"{digit}e{exponent}") for digit in (1, 2, 5, 10)]
    return min(rungs, key=lambda rung: abs(rung - step))


def _bounded(knob: Knob, value: float) -> Any:
    """The value inside the knob's range; the old one where the bound itself is not allowed."""
    low, high = knob.minimum, knob.maximum
    if low is not None and (value < low or (knob.open_minimum and value <= low)):
        return knob.value if knob.open_minimum else type(value)(low)
    if high is not None and (value > high or (knob.open_maximum and value >= high)):
        return knob.value if knob.open_maximum else type(value)(high)
    return value
