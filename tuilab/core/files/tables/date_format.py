"""Dates and times as people write them, as numbers of days."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tuilab.core.files.tables.month_names import MONTHS
from tuilab.core.files.tables.number_format import parse_number

DateOrder = Literal["ymd", "dmy", "mdy", "month", "compact", "time", "epoch"]
"""In which order a column writes its dates; `epoch`: seconds (or smaller) since 1970."""

EPOCH_DAY = date(1970, 1, 1).toordinal()

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,:](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*"
    r"(?P<zone>Z|(?:UTC|GMT)(?:[+-]\d{1,2}(?::?\d{2})?)?|[+-]\d{2}:?(?:\d{2})?|[A-Z]{3,4})?(?:\[[\w/]+\])?"
)
_DURATION = (
    r"(?P<negative>-)?(?:(?P<days>\d{1,5}) ?(?:days?|d|Tage?|jours?),?\s*)?"
    r"(?P<hour>\d{1,4}):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
)
_UNITS = (
    r"(?P<negative>-)?P?(?:(?P<days>\d{1,5}) ?(?:days?|d) ?)?T?"
    r"(?:(?P<hour>\d{1,4}) ?(?:hours?|hrs?|h|Std\.?) ?)?"
    r"(?:(?P<minute>\d{1,3}) ?(?:minutes?|mins?|Min\.?|m) ?)?"
    r"(?:(?P<second>\d{1,3})(?:[.,](?P<fraction>\d{1,9}))? ?(?:seconds?|secs?|Sek\.?|s))?"
)
"""`1h 30m`, `2 hours 5 minutes`, `PT1H30M`."""

_TIME = rf"(?:(?:T|,?\s+)(?:{_CLOCK}))?"
_DAY_NAME = r"(?:[^\W\d_]{2,12}\.?,?\s+)?"

PATTERNS: dict[str, tuple[re.Pattern[str], ...]] = {
    "ymd": (
        re.compile(rf"(?P<y>\d{{4}})[-/.](?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})\.?{_TIME}"),
        re.compile(rf"(?P<y>\d{{4}})[-/. ](?P<name>[^\W\d_]{{3,12}})[-/. ](?P<d>\d{{1,2}}){_TIME}"),
        re.compile(
            rf"(?P<y>\d{{4}})[年년] ?(?P<m>\d{{1,2}})[月월] ?(?P<d>\d{{1,2}})[日일](?:\s+{_CLOCK})?"
        ),
    ),
    "dmy": (
        re.compile(rf"(?P<d>\d{{1,2}})[-/.] ?(?P<m>\d{{1,2}})[-/.] ?(?P<y>\d{{4}}|\d{{2}}){_TIME}"),
        re.compile(
            rf"{_DAY_NAME}(?P<d>\d{{1,2}})(?:st|nd|rd|th|\.)?[-/. ]+(?:de )?"
            rf"(?P<name>[^\W\d_]{{3,12}})\.?,?(?:[-/. ]+(?:de )?)(?P<y>\d{{4}}|\d{{2}}){_TIME}"
        ),
        re.compile(rf"(?P<d>\d{{1,2}})(?P<name>[A-Za-z]{{3}})(?P<y>\d{{4}}|\d{{2}})(?::{_CLOCK})?"),
    ),
    "mdy": (
        re.compile(rf"(?P<m>\d{{1,2}})[-/.](?P<d>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d{{2}}){_TIME}"),
        re.compile(
            rf"{_DAY_NAME}(?P<name>[^\W\d_]{{3,12}})\.?[- ](?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?[- ]"
            rf"(?P<y>\d{{4}}){_TIME}"
        ),
    ),
    "month": (
        re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})"),
        re.compile(r"(?P<m>\d{1,2})/(?P<y>\d{4})"),
        re.compile(r"(?P<name>[^\W\d_]{3,12})\.?[-/ ](?P<y>\d{4}|\d{2})"),
        re.compile(r"(?P<y>\d{4})[- ]?[QqT](?P<quarter>[1-4])"),
        re.compile(r"[QqT](?P<quarter>[1-4])[- /](?P<y>\d{4})"),
        re.compile(r"(?P<y>\d{4})[年년] ?(?P<m>\d{1,2})[月월]"),
        re.compile(r"(?P<y>\d{4})-?W(?P<week>\d{2})(?:-?(?P<weekday>[1-7]))?"),
    ),
    "compact": (
        re.compile(
            r"(?P<y>(?:19|20)\d{2})(?P<m>[01]\d)(?P<d>[0-3]\d)"
            r"(?:T?(?P<hour>[0-2]\d)(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?(?P<zone>Z)?)?"
        ),
    ),
    "time": (
        re.compile(_CLOCK), re.compile(_DURATION), re.compile(_UNITS, re.IGNORECASE),
        re.compile(r"(?P<hour>\d{1,2})\.(?P<minute>[0-5]\d)\.(?P<second>[0-5]\d)"),
    ),
}  # fmt: skip
"""How dates of each order are written."""

EPOCH_UNITS = ((1e9, 1.0), (1e12, 1e3), (1e15, 1e6), (1e18, 1e9))
"""Seconds since 1970 in recent decades, and how many of each unit a second has."""

EPOCH_RANGE = (0.94, 2.3)
"""Seconds since 1970, in billions, that are taken for a time: from 1999 to 2042."""


@dataclass(frozen=True, slots=True)
class DateFormat:
    """How a column writes dates."""

    order: DateOrder
    is_ambiguous: bool = False
    "Whether day and month could be the other way round in every cell."


def parse_date(cell: str, format: DateFormat) -> float:  # noqa: A002
    """Parses a date into days since 1970, or a time of day into days; ValueError if neither."""
    text = cell.strip()
    if format.order == "epoch":
        return parse_epoch(parse_number(text))
    for pattern in PATTERNS[format.order]:
        if match := pattern.fullmatch(text):
            try:
                return _to_days(match.groupdict(), is_time=format.order == "time")
            except ValueError:  # another pattern may read it: 45:30 is no time of day
                continue
    raise ValueError(cell)


def parse_epoch(value: float) -> float:
    """Returns the days since 1970 of seconds, milli-, micro- or nanoseconds since then."""
    size = abs(value)
    per_second = next((unit for start, unit in reversed(EPOCH_UNITS) if size >= 0.1 * start), 1.0)
    return value / per_second / 86400


def is_epoch(values: Iterable[float]) -> bool:
    """Returns whether all whole numbers are times since 1970 in one unit."""
    numbers = list(values)
    low, high = EPOCH_RANGE
    return bool(numbers) and any(
        all(low * start <= value <= high * start for value in numbers) for start, _ in EPOCH_UNITS
    )


def choose_date_format(cells: dict[str, int], share: float, prefers_day: bool) -> DateFormat | None:
    """Chooses the order in which most cells are dates; None if too few are.

    Args:
        cells: distinct cells with their counts.
        share: the fraction of cells that must be dates.
        prefers_day: whether 1/2/2024 is the first of February where nothing else decides.
    """
    total = sum(cells.values())
    if not total or not any(map(_may_be_date, list(cells)[:20])):
        return None
    counts = {order: _count_dates(cells, order) for order in PATTERNS}
    best = max(counts, key=lambda order: counts[order])
    if counts[best] < share * total or not counts[best]:
        return None
    is_ambiguous = False
    if best in ("dmy", "mdy") and counts["dmy"] == counts["mdy"]:
        has_points = all("." in cell for cell in list(cells)[:20])
        best = "dmy" if has_points or prefers_day else "mdy"
        is_ambiguous = not has_points
    return DateFormat(best, is_ambiguous)  # type: ignore[arg-type]


def _may_be_date(cell: str) -> bool:
    """Returns whether a cell has digits and is as short as a date; the patterns are slow."""
    return 4 <= len(cell) <= 40 and any(map(str.isdecimal, cell))


def _count_dates(cells: dict[str, int], order: str) -> int:
    parse: Callable[[str, DateFormat], float] = parse_date
    format = DateFormat(order)  # type: ignore[arg-type]  # noqa: A001
    total = 0
    for cell, count in cells.items():
        if _may_be_date(cell):
            try:
                parse(cell, format)
            except (ValueError, OverflowError):
                continue
            total += count
    return total


def _to_days(parts: dict[str, str | None], is_time: bool) -> float:
    if "days" in parts:
        return _parse_duration(parts)
    days = 0.0 if is_time else float(_parse_day(parts))
    if parts.get("hour"):
        days += _parse_clock(parts)
    return days


def _parse_duration(parts: dict[str, str | None]) -> float:
    """Returns the days of `26:30:00` or `1 days 02:30:00`."""
    hours = float(parts["hour"] or 0) + float(parts["minute"] or 0) / 60
    seconds = float(f"{parts.get('second') or 0}.{parts.get('fraction') or 0}")
    days = float(parts["days"] or 0) + hours / 24 + seconds / 86400
    return -days if parts["negative"] else days


def _parse_day(parts: dict[str, str | None]) -> int:
    """Returns the days since 1970 of year, month and day; ValueError if there is no such day."""
    year = int(parts["y"] or 0)
    if week := parts.get("week"):
        weekday = int(parts.get("weekday") or 1)
        return date.fromisocalendar(year, int(week), weekday).toordinal() - EPOCH_DAY
    if len(parts["y"] or "") == 2:
        year += 1900 if year >= 70 else 2000
    if name := parts.get("name"):
        if name.lower() not in MONTHS:
            raise ValueError(name)
        month = MONTHS[name.lower()]
    elif quarter := parts.get("quarter"):
        month = 3 * int(quarter) - 2
    else:
        month = int(parts["m"] or 0)
    return date(year, month, int(parts.get("d") or 1)).toordinal() - EPOCH_DAY


def _parse_clock(parts: dict[str, str | None]) -> float:
    """Returns a time of day in days; one with a zone in UTC."""
    hour, minute, second = (int(parts.get(name) or 0) for name in ("hour", "minute", "second"))
    half = (parts.get("half") or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"{hour} {half}")
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    if hour > 24 or minute > 59 or second > 60:
        raise ValueError(f"{hour}:{minute}:{second}")
    fraction = float(f"0.{parts.get('fraction') or 0}")
    zone = (parts.get("zone") or "").removeprefix("UTC").removeprefix("GMT")
    shift = 0.0
    if zone[:1] in ("+", "-"):
        digits = zone[1:].replace(":", "")
        digits = digits.zfill(2).ljust(4, "0") if len(digits) < 3 else digits.zfill(4)
        shift = float(f"{zone[0]}1") * (int(digits[:2]) * 60 + int(digits[2:4]))
    return (hour * 3600 + (minute - shift) * 60 + second + fraction) / 86400
