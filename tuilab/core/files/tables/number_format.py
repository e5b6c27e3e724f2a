"""Numbers as people write them: thousands, decimal commas, units, percent, accounting.

The evidence of a whole column, then that of the file, decides what a comma or a point means.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from tuilab.core.files.tables.compound_number import Compound, parse_compound
from tuilab.core.files.tables.month_names import MONTHS
from tuilab.core.files.tables.read_options import DecimalOption, ThousandsOption

SPACES = " \u00a0\u202f\u2009\u2007\u2008"
APOSTROPHES = "'’´`"
MINUS_SIGNS = "-−–﹣－"

CURRENCY_WORDS = (
    "US$", "R$", "A$", "C$", "NZ$", "HK$", "S$", "NT$", "Rs.", "Rs", "Fr.", "kr.", "kr", "zł",
    "Kč", "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS",
    "INR", "JPY", "KRW", "MXN", "NOK", "NZD", "PLN", "RUB", "SEK", "SGD", "THB", "TRY", "USD",
    "ZAR",
)  # fmt: skip
"""Words before a number that are a currency; any other word before it makes it a code: `S14`."""

SCALES = {
    "k": 1e3, "K": 1e3, "m": 1e6, "M": 1e6, "mio": 1e6, "Mio": 1e6, "mn": 1e6, "mln": 1e6,
    "million": 1e6, "b": 1e9, "B": 1e9, "bn": 1e9, "Bn": 1e9, "G": 1e9, "mrd": 1e9, "Mrd": 1e9,
    "billion": 1e9, "T": 1e12, "trillion": 1e12, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9,
    "TB": 1e12, "lakh": 1e5, "Lakh": 1e5, "crore": 1e7, "Crore": 1e7, "Cr": 1e7, "万": 1e4,
    "萬": 1e4, "億": 1e8, "亿": 1e8, "만": 1e4, "억": 1e8,
}  # fmt: skip
"""Suffixes that multiply, where a column has several of them or numbers without one."""

MAYBE_METERS = frozenset("mb")
"""Scales that are more often a unit where a column has no other one."""

MAX_CELL_LENGTH = 60
"""Longer cells are texts."""

_CURRENCY = "|".join(map(re.escape, sorted(CURRENCY_WORDS, key=len, reverse=True)))
_PREFIX = rf"[$€£¥₹₽₩₺₴₫₪฿₦₱₡₵₸¢]|(?:{_CURRENCY})(?![A-Za-z])"
_LIMITS = "from|up to|over|under|about|approx\\.?|circa|ab|bis|über|unter"
_MINUS = re.escape(MINUS_SIGNS)
_SPACE = rf"[{SPACES}]"

NUMBER = re.compile(
    rf"""
    (?P<opening>\()?{_SPACE}*
    (?P<limit>[<>≤≥~≈]=?|ca\.|(?:{_LIMITS}){_SPACE})?{_SPACE}*
    (?P<sign>[+{_MINUS}])?{_SPACE}*
    (?P<prefix>{_PREFIX})?{_SPACE}*
    (?P<inner_sign>[+{_MINUS}])?{_SPACE}*
    (?P<digits>[.,]?[0-9](?:[0-9.,{APOSTROPHES}{SPACES}]*[0-9])?[.,]?)
    (?:(?P<exponent>[eE][+-]?[0-9]{{1,4}})|{_SPACE}?[×x*·]{_SPACE}?10\^(?P<power>[+-]?[0-9]{{1,3}}))?
    (?P<trailing>[{_MINUS}](?={_SPACE}|$|\))|\+)?
    {_SPACE}*(?P<suffix>
        [^0-9\s.,+\-−()/:<>=](?:[^0-9]{{0,23}}[^0-9{SPACES}])?[0-9]?
        |/(?:-|100?|5)|(?:/{_SPACE}?|-)[^\W\d_]{{2}}[^0-9]{{0,20}}
    )?
    {_SPACE}*(?P<closing>\))?
    """,
    re.VERBOSE,
)


FOOTNOTE = re.compile(r"(?<=[\d%])\s*(?:\*{1,4}|[†‡§]+|\[\w{1,3}\])$")
"""A mark after a number: of a footnote, or of significance."""


@dataclass(frozen=True, slots=True)
class WrittenNumber:
    """The parts of a cell that holds a number."""

    digits: str
    "Digits with their separators."
    exponent: str
    is_negative: bool
    unit: str
    "What stands before or after it, such as `$` or `kg`."
    scale: str
    "A suffix that may multiply, such as `k`."
    limit: str
    "`<` or the like, for a value below or above what can be measured."


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """What separators and units mean in a column."""

    decimal: str = "."
    thousands: str = ", '"
    "The characters that may separate groups of digits."
    unit: str = ""
    "As most cells write it."
    is_scaled: bool = False
    "Whether suffixes such as k and M multiply."
    separators: str = ""
    "Those of `thousands` that occur."
    is_ambiguous: bool = False
    "Whether the other convention would read all cells as well."
    compound: Compound = ""
    "In which two parts it is written."


PLAIN = NumberFormat()


@lru_cache(maxsize=1 << 16)
def split_number(cell: str) -> WrittenNumber | None:
    """Splits a cell into digits, sign and unit; None if it does not hold a number."""
    text = cell.strip()
    if not text or len(text) > MAX_CELL_LENGTH:
        return None
    if text.startswith('="') and text.endswith('"') and len(text) > 3:
        text = text[2:-1].strip()  # how some programs keep a spreadsheet from changing a cell
    elif text[0] == "'" and len(text) > 1:
        text = text[1:]
    match = NUMBER.fullmatch(FOOTNOTE.sub("", text))
    if match is None:
        return None
    part = match.groupdict(default="")
    signs = [part["sign"], part["inner_sign"], part["trailing"].replace("+", "")]
    minuses = sum(sign in MINUS_SIGNS for sign in signs if sign)
    is_accounting = bool(part["opening"])
    if is_accounting and not part["closing"] and part["suffix"].endswith(")"):
        part["suffix"], part["closing"] = part["suffix"][:-1].rstrip(SPACES), ")"
    is_wrong = (
        is_accounting != bool(part["closing"])
        or sum(map(bool, signs)) > 1
        or (is_accounting and any(signs))
        or (part["suffix"][:1] in ("-", "/") and part["suffix"][1:].casefold() in MONTHS)
    )
    if is_wrong:
        return None
    scale = part["suffix"] if part["suffix"] in SCALES else ""
    suffix = "" if scale else part["suffix"]
    exponent = f"e{part['power']}" if part["power"] else part["exponent"]
    return WrittenNumber(
        part["digits"],
        exponent,
        is_accounting or minuses == 1,
        unit=f"{part['prefix']} {suffix}".strip(),
        scale=scale,
        limit=part["limit"].strip() or part["trailing"].strip(MINUS_SIGNS),
    )


def parse_number(cell: str, format: NumberFormat = PLAIN) -> float:  # noqa: A002
    """Parses a number in the format of its column; ValueError if it is not one."""
    if format.compound:
        return parse_compound(cell, format.compound)
    has_float = "_" not in cell if format.decimal == "." else "." not in cell and "_" not in cell
    if has_float:
        try:
            return float(cell if format.decimal == "." else cell.replace(",", ".", 1))
        except ValueError:
            pass
    number = split_number(cell)
    if number is None or not _has_unit(number, format):
        raise ValueError(cell)
    value = float(_to_plain_digits(number.digits, format) + number.exponent)
    if format.is_scaled and number.scale:
        value *= SCALES[number.scale]
    return -value if number.is_negative else value


def _has_unit(number: WrittenNumber, format: NumberFormat) -> bool:  # noqa: A002
    """Returns whether a number has the unit of its column, or none."""
    unit = number.unit or ("" if format.is_scaled else number.scale)
    return not unit or normalize_unit(unit) == normalize_unit(format.unit)


def is_currency(unit: str) -> bool:
    """Returns whether a unit is a currency."""
    first = unit.split(" ")[0]
    return first in CURRENCY_WORDS or (len(first) == 1 and unicodedata.category(first) == "Sc")


def normalize_unit(unit: str) -> str:
    """Returns a unit so that `Year` and `years` are one."""
    text = re.sub(r"\s+", " ", unit).casefold().rstrip(".")
    return text.removesuffix("s") if len(text) > 2 else text


def _to_plain_digits(digits: str, format: NumberFormat) -> str:  # noqa: A002
    """Returns digits as `float` reads them; ValueError where a separator stands wrong."""
    text = _unify_separators(digits)
    whole, mark, fraction = text.partition(format.decimal)
    if mark and not fraction.isdecimal() and fraction:
        raise ValueError(digits)
    separators = {character for character in whole if not character.isdecimal()}
    if separators:
        (separator, *others) = separators
        if others or separator not in format.thousands or not _is_grouped(whole, separator):
            raise ValueError(digits)
        whole = whole.replace(separator, "")
    if not whole and not fraction:
        raise ValueError(digits)
    return f"{whole or '0'}.{fraction or '0'}"


def _unify_separators(digits: str) -> str:
    """Returns digits with one kind of space and of apostrophe."""
    if digits.isascii() and "`" not in digits:
        return digits
    text = re.sub(f"[{SPACES}]", " ", digits)
    return re.sub(f"[{APOSTROPHES}]", "'", text)


def _is_grouped(whole: str, separator: str) -> bool:
    """Returns whether digits are in groups of three, or as in India: 12,34,567."""
    first, *groups = whole.split(separator)
    if not groups or not 1 <= len(first) <= 3 or len(groups[-1]) != 3:
        return False
    sizes = {len(group) for group in groups[:-1]}
    return sizes <= {3} or (sizes == {2} and len(first) <= 2)


# --- evidence ----------------------------------------------------------------------------------


@dataclass(slots=True)
class Evidence:
    """What the cells of a column, or of a file, say about separators, in numbers of cells."""

    decimals: Counter[str] = field(default_factory=Counter)
    "Separators that can only be decimal."
    thousands: Counter[str] = field(default_factory=Counter)
    "Separators that can only be between thousands."
    either: Counter[str] = field(default_factory=Counter)
    "Separators before exactly three digits."
    small: int = 0
    "Whole numbers below 1000, without a separator."
    large: int = 0
    "Whole numbers from 1000, without a separator."

    def add(self, other: "Evidence") -> None:
        """Adds the evidence of another column."""
        self.decimals.update(other.decimals)
        self.thousands.update(other.thousands)
        self.either.update(other.either)


def collect_evidence(numbers: Mapping[WrittenNumber, int]) -> Evidence:
    """Collects what the numbers of a column, each with its count, say about separators."""
    evidence = Evidence()
    for number, count in numbers.items():
        _weigh(number, count, evidence)
    return evidence


def _weigh(number: WrittenNumber, count: int, evidence: Evidence) -> None:
    text = _unify_separators(number.digits)
    for separator in ("'", " "):
        if separator in text:
            evidence.thousands[separator] += count
    is_bare = "'" not in text and " " not in text
    text = text.replace("'", "").replace(" ", "")
    marks = [character for character in text if not character.isdecimal()]
    if not marks:
        is_large = len(text.lstrip("0")) > 3
        evidence.large += count * (is_bare and is_large)
        evidence.small += count * (is_bare and not is_large)
        return
    last = marks[-1]
    whole, _, fraction = text.rpartition(last)
    if len(set(marks)) == 2:
        if marks.count(last) == 1 and _is_grouped(whole, marks[0]):
            evidence.decimals[last] += count
            evidence.thousands[marks[0]] += count
    elif len(marks) > 1:
        if _is_grouped(text, last):
            evidence.thousands[last] += count
    elif is_bare and len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0"):
        evidence.either[last] += count
    else:
        evidence.decimals[last] += count


def choose_format(
    column: Evidence, file: Evidence, delimiter: str,
    decimal: DecimalOption = "auto", thousands: ThousandsOption = "auto", is_money: bool = False,
) -> NumberFormat:  # fmt: skip
    """Chooses what separators mean in a column, by its own evidence before that of the file."""
    mark, is_ambiguous = _choose_decimal(column, file, delimiter, is_money)
    if decimal != "auto" or thousands in (",", "."):
        mark = decimal if decimal != "auto" else _other(thousands)
        is_ambiguous = False
    groups = {"auto": ",. '", "none": "", "space": " "}.get(thousands, thousands)
    groups = groups.replace(mark, "")
    counts = column.thousands + column.either
    separators = "".join(separator for separator in groups if counts[separator])
    return NumberFormat(mark, groups, separators=separators, is_ambiguous=is_ambiguous)


def _choose_decimal(
    column: Evidence, file: Evidence, delimiter: str, is_money: bool
) -> tuple[str, bool]:
    """Returns the decimal mark, and whether nothing speaks against the other one."""
    for evidence in (column, file):
        comma = evidence.decimals[","] + evidence.thousands["."]
        point = evidence.decimals["."] + evidence.thousands[","]
        if comma != point:
            return ("," if comma > point else "."), False
    has_comma, has_point = column.either[","] > 0, column.either["."] > 0
    if is_money and has_comma != has_point:  # amounts have no three decimals
        return ("." if has_comma else ","), False
    are_whole = column.small > 0 and not column.large
    if has_comma and not has_point:
        if delimiter == ",":  # the cells are quoted because of it
            return ".", not are_whole
        return (".", False) if are_whole else (",", not column.large)
    if has_point and delimiter == ";":
        is_european = are_whole and not has_comma and column.either["."] > 2
        return ("," if is_european else "."), True
    return ".", has_comma


def _other(mark: str) -> str:
    return "," if mark == "." else "."


# --- units -------------------------------------------------------------------------------------


def choose_unit(numbers: Mapping[WrittenNumber, int]) -> tuple[str, bool]:
    """Returns the unit that most numbers of a column have, and whether suffixes multiply."""
    scales: Counter[str] = Counter()
    units: Counter[str] = Counter()
    for number, count in numbers.items():
        scales[number.scale] += count
        units[number.unit] += count
    bare, unit_counts = scales.pop("", 0), units
    unit_counts.pop("", None)
    is_scaled = bool(scales) and (
        bool(unit_counts) or len(scales) > 1 or (bare > 0 and not scales.keys() <= MAYBE_METERS)
    )
    if scales and not is_scaled:
        unit_counts = scales
    if not unit_counts:
        return "", is_scaled
    totals: Counter[str] = Counter()
    for unit, count in unit_counts.items():
        totals[normalize_unit(unit)] += count
    best = totals.most_common(1)[0][0]
    same = {unit: count for unit, count in unit_counts.items() if normalize_unit(unit) == best}
    return max(same, key=lambda unit: same[unit]), is_scaled


def count_units(numbers: Mapping[WrittenNumber, int]) -> Counter[str]:
    """Counts the units of numbers, the most common one first; numbers without one do not count."""
    units: Counter[str] = Counter()
    for number, count in numbers.items():
        if number.unit:
            units[number.unit] += count
    return Counter(dict(units.most_common()))


def count_written(cells: Iterable[tuple[str, int]]) -> tuple[dict[WrittenNumber, int], list[str]]:
    """Counts the numbers among distinct cells, and returns the cells that hold none."""
    numbers: Counter[WrittenNumber] = Counter()
    others = []
    for cell, count in cells:
        if (number := split_number(cell)) is None:
            others.append(cell)
        else:
            numbers[number] += count
    return dict(numbers), others


def is_finite_number(cell: str, format: NumberFormat = PLAIN) -> bool:  # noqa: A002
    """Returns whether a cell is a number in this format that is not infinite and not NaN."""
    try:
        return math.isfinite(parse_number(cell, format))
    except (ValueError, OverflowError):
        return False
