"""Ratios measured fairly: A B A B in one run, medians, and what was asked of them."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    measured: float
    wanted: str
    "Such as `≥ 1.5` or `≤ 25 ms`."
    passed: bool | None
    "None: only told."
    detail: str = ""
    unit: str = ""


def interleaved(repeats: int, *subjects: Callable[[], float]) -> list[list[float]]:
    """Each subject's values, taken in turns so that a slow moment meets them all."""
    values: list[list[float]] = [[] for _ in subjects]
    for turn in range(repeats):
        order = list(enumerate(subjects))
        for index, session in order if turn % 2 == 0 else reversed(order):
            values[index].append(session())
    return values


def ratio(numerators: list[float], denominators: list[float]) -> float:
    """The median of the ratios of neighbours."""
    return statistics.median(a / b for a, b in zip(numerators, denominators, strict=True))


def at_least(what: str, measured: float, bound: float, detail: str = "", unit: str = "") -> Row:
    """A row that asks for no less."""
    return Row(what, measured, f"≥ {bound:g}{unit}", measured >= bound, detail, unit)


def at_most(what: str, measured: float, bound: float, detail: str = "", unit: str = "") -> Row:
    """A row that asks for no more."""
    return Row(what, measured, f"≤ {bound:g}{unit}", measured <= bound, detail, unit)


def spread(values: list[float], digits: int = 0) -> str:
    """Median and range, for the detail of a row."""
    middle = statistics.median(values)
    return f"{middle:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"
