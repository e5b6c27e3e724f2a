"""Ratios of interleaved measurements (A B B A) in one run, their medians and their targets."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: float
    target: str
    "Such as `≥ 1.5` or `≤ 25 ms`."
    passed: bool | None
    "None: for information only."
    detail: str = ""
    unit: str = ""


def interleaved(repeats: int, *measurements: Callable[[], float]) -> list[list[float]]:
    """Returns the values of each measurement, interleaved so that a slow moment affects all."""
    values: list[list[float]] = [[] for _ in measurements]
    for number in range(repeats):
        order = list(enumerate(measurements))
        for index, measure in order if number % 2 == 0 else reversed(order):
            values[index].append(measure())
    return values


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """Returns the median of the ratios of neighbors."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def at_least(what: str, measured: float, bound: float, detail: str = "", unit: str = "") -> Row:
    """Returns a row with a lower bound."""
    return Row(what, measured, f"≥ {bound:g}{unit}", measured >= bound, detail, unit)


def at_most(what: str, measured: float, bound: float, detail: str = "", unit: str = "") -> Row:
    """Returns a row with an upper bound."""
    return Row(what, measured, f"≤ {bound:g}{unit}", measured <= bound, detail, unit)


def summarize(values: list[float], digits: int = 0) -> str:
    """Returns median and range, for the detail of a row."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
