"""Numbers that are written in two parts: feet and inches, fractions; and pairs of numbers."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal

Compound = Literal["", "feet", "fraction"]

FEET = re.compile(
    r"(?P<feet>\d{1,3}) ?(?:['’′]|ft\.?|feet|foot)[ -]?"
    r"(?:(?P<inches>\d{1,2}(?:\.\d+)?) ?(?:[\"”″]|''|’’|′′|in\.?|inch(?:es)?)?)?",
    re.IGNORECASE,
)

FRACTION = re.compile(
    r"(?P<sign>[-−])?(?:(?P<whole>\d{1,6})(?: |-(?=\d)|(?=[¼-¾⅐-⅞])))?"
    r"(?:(?P<over>\d{1,3})[/⁄](?P<under>\d{1,3})|(?P<character>[¼-¾⅐-⅞]))"
)

DENOMINATORS = frozenset({2, 3, 4, 8, 16, 32, 64})
"""Of fractions as people write them; 7/12 can be anything."""

PAIR = re.compile(r"\d+(?:[.,]\d+)? ?[/x×] ?\d+(?:[.,]\d+)?")

MIN_SHARE = 0.95
"""The share of the cells that must be written so."""


def parse_compound(cell: str, kind: Compound) -> float:
    """Returns feet and inches as inches, or the value of a fraction; ValueError if it is neither.

    >>> parse_compound("5'11\\"", "feet"), parse_compound("3 1/2", "fraction")
    (71.0, 3.5)
    """
    text = cell.strip()
    if kind == "fraction" and (match := FRACTION.fullmatch(text)):
        whole, over, under = (int(match[name] or 0) for name in ("whole", "over", "under"))
        part = unicodedata.numeric(match["character"]) if match["character"] else None
        if part is None and (under not in DENOMINATORS or not over < under):
            raise ValueError(cell)
        value = whole + (over / under if part is None else part)
        return -value if match["sign"] else value
    if kind == "feet" and (match := FEET.fullmatch(text)):
        inches = float(match["inches"] or 0)
        if inches < 12:
            return 12.0 * int(match["feet"]) + inches
    if kind == "fraction" and "_" not in text:
        return float(text)
    raise ValueError(cell)


def choose_compound(cells: Mapping[str, int]) -> Compound:
    """Returns how nearly all distinct cells, with their counts, are written; "" if otherwise."""
    head = list(cells)[:50]
    if any(FRACTION.fullmatch(cell) for cell in head):
        kind: Compound = "fraction"
    elif any((match := FEET.fullmatch(cell)) and match["inches"] for cell in head):
        kind = "feet"
    else:
        return ""
    fitting = sum(count for cell, count in cells.items() if _is_compound(cell, kind))
    return kind if fitting >= MIN_SHARE * sum(cells.values()) else ""


def _is_compound(cell: str, kind: Compound) -> bool:
    try:
        parse_compound(cell, kind)
    except ValueError:
        return False
    return True


def are_pairs(cells: Mapping[str, int]) -> bool:
    """Returns whether nearly all cells hold two numbers, such as 120/80 or 1920x1080."""
    fitting = sum(count for cell, count in cells.items() if PAIR.fullmatch(cell))
    return fitting >= MIN_SHARE * max(1, sum(cells.values()))
