"""How numbers are written on a screen."""

from decimal import Decimal
from math import isfinite, isqrt
from typing import Any

THIN_SPACE = "\u2009"
"""Between groups of three digits."""


def grouped(number: int) -> str:
    """A whole number in groups of three digits, such as `10 000`; huge ones as `1.2e15`."""
    return f"{number:.3g}" if abs(number) >= 10**15 else f"{number:,}".replace(",", THIN_SPACE)


def divisors(number: int) -> list[int]:
    """What divides a number evenly, from 1 to itself.

    >>> divisors(28)
    [1, 2, 4, 7, 14, 28]
    """
    small = [size for size in range(1, isqrt(number) + 1) if number % size == 0]
    return sorted({*small, *(number // size for size in small)})


def compact(value: Any) -> str:
    """A value in as few characters as keep it exact.

    >>> compact(0.001), compact(0.05), compact(True), compact((0.9, 0.999))
    ('1e-3', '0.05', 'true', '0.9, 0.999')
    """
    match value:
        case bool():
            return str(value).lower()
        case int():
            return grouped(value)
        case float():
            return _float(value)
        case list() | tuple():
            return ", ".join(compact(item) for item in value)
        case _:
            return str(value)


def _float(value: float) -> str:
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    if value == int(value) and abs(value) < 1e7:
        return grouped(int(value))
    exact = Decimal(repr(value)).normalize()
    if 0.01 <= abs(value) < 1e7:
        return f"{exact:f}"
    return f"{exact:E}".lower().replace("e+", "e")
