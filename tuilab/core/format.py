"""The one place that writes numbers for people: on the screen, in plain output, in messages."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from math import isfinite, nan
from typing import Any

COMPACT_UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BYTE_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def format_count(count: int) -> str:
    """Returns a whole number with commas, such as `12,345`; a huge one as `1.2e15`."""
    return _trim_exponent(f"{count:.3g}") if abs(count) >= 10**15 else f"{count:,}"


def format_counted(count: int, noun: str) -> str:
    """Returns a count with its noun: `1 step`, `2,400 steps`."""
    return f"{format_count(count)} {noun}{'' if count == 1 else 's'}"


def format_percent(share: float, decimals: int = 0) -> str:
    """Returns a share of 1 as a percentage, such as `12%`; all alone is `100%`.

    >>> format_percent(0.123), format_percent(0.9996), format_percent(1, 1), format_percent(52.02)
    ('12%', '99%', '100.0%', '5,202%')
    """
    text, whole = f"{share:,.{decimals}%}", f"{1:.{decimals}%}"
    return f"{1 - 10 ** -(decimals + 2):.{decimals}%}" if share < 1 and text == whole else text


def format_number(value: float, digits: int = 4) -> str:
    """Returns a number for a sentence or a table; digits before the point are kept up to a billion.

    >>> [format_number(x) for x in (0.031244, 12345.6, 2.5e-5, 1e12)]
    ['0.03124', '12,346', '2.5e-5', '1e12']
    """
    if not isfinite(value):
        return _format_nonfinite(value)
    if 10 ** (digits - 1) <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return _trim_exponent(f"{value + 0.0:,.{digits}g}")


def format_compact(value: float, digits: int = 3) -> str:
    """Returns a number in few characters, for charts and narrow columns.

    >>> [format_compact(x) for x in (0.04123, 1234, 3e6, 0.00025, 999.9, 0.0)]
    ['0.0412', '1.23k', '3M', '2.5e-4', '1k', '0']
    """
    if not isfinite(value):
        return _format_nonfinite(value)
    rounded = float(f"{value:.{digits}g}") + 0.0  # -0 becomes 0
    value = rounded if isfinite(rounded) else value
    size = abs(value)
    for unit, suffix in COMPACT_UNITS:
        if unit <= size < 1000 * unit:
            return f"{value / unit:.{digits}g}{suffix}"
    if size != 0 and not 1e-3 <= size < 1000:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.{digits}g}"


def format_value(value: Any, *, commas: bool = True) -> str:
    """Returns the value of a knob in as few characters as keep it exact.

    Args:
        commas: whether thousands are separated; without them the text can be typed.

    >>> format_value(0.001), format_value(10_000), format_value(True), format_value((0.9, 0.999))
    ('1e-3', '10,000', 'true', '0.9, 0.999')
    """
    match value:
        case bool():
            return str(value).lower()
        case int():
            return format_count(value) if commas else str(value)
        case float():
            return _format_float(value, commas)
        case dict():
            return ", ".join(f"{_quote_name(name)} = {word}" for name, word in value.items())
        case list() | tuple():
            return ", ".join(format_value(item, commas=False) for item in value)
        case _:
            return str(value)


def _quote_name(name: str) -> str:
    """Returns a name as it stands in a list: quoted if it has commas or the like in it."""
    has_marks = any(mark in name for mark in ",=\"'{}") or name != name.strip() or not name
    return (f"'{name}'" if '"' in name else f'"{name}"') if has_marks else name


def format_duration(seconds: float) -> str:
    """Returns a time: seconds below a minute, then as a clock shows it.

    >>> format_duration(0.42), format_duration(41), format_duration(64), format_duration(7384)
    ('0.4 s', '41 s', '1:04', '2:03:04')
    """
    if seconds < 59.5:
        return f"{seconds:.{1 if seconds < 9.95 else 0}f} s".replace(".0 ", " ")
    hours, rest = divmod(round(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_bytes(count: float) -> str:
    """Returns an amount of memory or the size of a file, such as `1.2 GiB`."""
    for unit in BYTE_UNITS[:-1]:
        if count < 1024:
            return f"{format_number(count, 2)} {unit}"
        count /= 1024
    return f"{format_number(count, 2)} {BYTE_UNITS[-1]}"


def format_rounds(
    rounds: Sequence[Mapping[str, float]],
    ends: Mapping[str, Mapping[str, float]],
    names: Iterable[str],
) -> str:
    """Returns the table of a cross-validation: a line for each round, then the ends.

    Args:
        rounds: metrics of each round by name.
        ends: further lines, such as the mean, by title.
        names: of the metrics that have a column.
    """
    columns = list(names)
    width = max(9, *(len(name) + 2 for name in columns))
    rows = {**{str(number): row for number, row in enumerate(rounds, 1)}, **ends}
    lines = ["round ".rjust(8) + "".join(name.rjust(width) for name in columns)]
    for title, row in rows.items():
        cells = (format_number(row.get(name, nan)).rjust(width) for name in columns)
        lines.append(f"{title} ".rjust(8) + "".join(cells))
    return "\n".join(lines)


def _format_nonfinite(value: float) -> str:
    return "NaN" if value != value else "inf" if value > 0 else "-inf"


def _format_float(value: float, commas: bool) -> str:
    if value == 0 or not isfinite(value):
        return f"{value:g}"
    if value == int(value) and abs(value) < 1e7:
        return format_value(int(value), commas=commas)
    exact = Decimal(repr(value)).normalize()
    if 0.01 <= abs(value) < 1e7:
        return f"{exact:,f}" if commas else f"{exact:f}"
    return _trim_exponent(f"{exact:E}".lower())


def _trim_exponent(text: str) -> str:
    """Returns `1.2e-5` for `1.2e-05`."""
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text
