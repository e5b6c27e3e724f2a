"""Steps of a knob's value by the up and down keys."""

from math import floor, log10
from typing import Any

from tuilab.core.experiment.knobs import Knob

MIN_STEPPED_VALUE = 1e-10
"""Steps down end here, then at zero if that is allowed."""


def step_value(knob: Knob, direction: int) -> Any:
    """Returns the next value up (1) or down (-1); the same value if there is none."""
    match knob.kind:
        case "bool":
            return not knob.value
        case "choice":
            return knob.choices[(knob.choices.index(knob.value) + direction) % len(knob.choices)]
        case "int":
            step = _double if _is_power_of_two(knob.value) else _step_125
            new = step(knob.value, direction) if knob.is_logarithmic else knob.value + direction
            return _clamp(knob, int(new))
        case "float":
            first = 0.1 if knob.unit == "epochs" else 1e-4
            if knob.is_logarithmic:
                return _clamp(knob, float(_step_125(knob.value, direction, first)))
            return _clamp(knob, _step_linear(knob, direction))
        case _:
            return knob.value


def _is_power_of_two(value: int) -> bool:
    return value > 0 and value & (value - 1) == 0


def _double(value: float, direction: int) -> float:
    return value * 2 if direction > 0 else value // 2


def _step_125(value: float, direction: int, first: float = 1e-4) -> float:
    """Returns the next of 1, 2, 5, 10, 20, 50, ...; after zero comes 1 for an int, else `first`."""
    if value <= 0:
        return (1 if isinstance(value, int) else first) if direction > 0 else value
    exponent = floor(log10(value))
    near = (float(f"{digit}e{exponent + shift}") for shift in (-1, 0, 1) for digit in (1, 2, 5))
    if direction > 0:
        return min(other for other in near if other > value * (1 + 1e-9))
    below = max(other for other in near if other < value * (1 - 1e-9))
    return below if below >= MIN_STEPPED_VALUE else 0.0


def _step_linear(knob: Knob, direction: int) -> float:
    """Returns the next multiple of about a twentieth of the range."""
    low, high = knob.minimum or 0.0, 1.0 if knob.maximum is None else knob.maximum
    step = _round_to_125((high - low) / 20)
    count = float(knob.value) / step
    count = floor(count + 1e-6) + 1 if direction > 0 else -floor(1e-6 - count) - 1
    if knob.is_maximum_open and count * step >= high:
        return round(high - (high - float(knob.value)) / 5, 4)
    return round(count * step, 10)


def _round_to_125(step: float) -> float:
    """Returns the nearest of 1, 2, 5, 10, ..."""
    exponent = floor(log10(step))
    candidates = [float(f"{digit}e{exponent}") for digit in (1, 2, 5, 10)]
    return min(candidates, key=lambda candidate: abs(candidate - step))


def _clamp(knob: Knob, value: float) -> Any:
    """Returns the value within the range; the old one if the bound itself is not allowed."""
    low, high = knob.minimum, knob.maximum
    if low is not None and (value < low or (knob.is_minimum_open and value <= low)):
        return knob.value if knob.is_minimum_open else type(value)(low)
    if high is not None and (value > high or (knob.is_maximum_open and value >= high)):
        return knob.value if knob.is_maximum_open else type(value)(high)
    return value
