"""Axes: limits that rarely move, round ticks, short labels. Pure numbers."""

from math import ceil, floor, isfinite, log10

HUGE = 1e300
"""Farthest value on an axis: twice this is still a number."""

UNITS = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float, digits: int = 3) -> str:
    """A number in few signs: 0.0412, 1.2k, 3M, 2.5e-4.

    >>> [short(x) for x in (0.04123, 1234, 3e6, 0.00025, 999.9, 0.0)]
    ['0.0412', '1.23k', '3M', '2.5e-4', '1k', '0']
    """
    if not isfinite(value):
        return "NaN" if value != value else "inf" if value > 0 else "-inf"
    rounded = float(f"{value:.{digits}g}")
    value = rounded if isfinite(rounded) else value
    size = abs(value)
    for unit, suffix in UNITS:
        if unit <= size < 1000 * unit:
            return f"{value / unit:.{digits}g}{suffix}"
    if size != 0 and not 1e-3 <= size < 1000:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{value:.{digits}g}"


def exact(value: float) -> str:
    """A number to read off: whole numbers in full with groups of three, others to six digits."""
    if isfinite(value) and value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", " ")
    return short(value, 6)


def round_step(span: float, count: int) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts the span in at most `count` parts."""
    rough = span / max(1, count)
    power: float = 10.0 ** floor(log10(rough))
    return next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough * 0.9999), 10 * power)


def limits(low: float, high: float, count: int) -> tuple[float, float]:
    """Round limits around a linear range, so that a growing curve moves them rarely."""
    low, high = (min(HUGE, max(-HUGE, value)) for value in (low, high))
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = max(abs(low), abs(high)) / 10 or 1.0
        low, high = (low - pad, high + pad) if low or high else (0.0, 1.0)
    grain = round_step(high - low, count) / 5
    return floor(low / grain + 1e-6) * grain, ceil(high / grain - 1e-6) * grain


def log_limits(low: float, high: float) -> tuple[float, float]:
    """Limits around a range of positive numbers, as powers of ten."""
    first, last = log10(low), log10(high)
    if last - first < 0.1:
        first, last = first - 0.1, last + 0.1
    grain = 0.25 if last - first > 1 else 0.05
    return floor(first / grain + 1e-6) * grain, ceil(last / grain - 1e-6) * grain


def ticks(low: float, high: float, count: int, whole: bool = False) -> list[tuple[float, str]]:
    """Round values within the limits of a linear axis, with their labels."""
    step = round_step(high - low, count)
    step = max(1.0, step) if whole else step
    first, last = ceil(low / step - 1e-6), floor(high / step + 1e-6)
    return [(n * step, tick_label(n * step, step)) for n in range(first, last + 1)]


def tick_label(value: float, step: float) -> str:
    """A tick's label, as exact as the step between ticks asks."""
    if value == 0:
        return "0"
    for unit, suffix in UNITS:
        if unit <= max(abs(value), step) < 1000 * unit:
            places = max(0, -floor(log10(step / unit) + 1e-9))
            text = f"{value / unit:.{places}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix
    if max(abs(value), step) >= 1e18 or step < 1e-4:
        return short(value, 2 + max(0, floor(log10(abs(value) / step))))
    return f"{value:.{max(0, -floor(log10(step) + 1e-9))}f}"


def log_ticks(first: float, last: float, count: int) -> list[tuple[float, str]]:
    """Round positions on a logarithmic axis (as powers of ten), with their labels."""
    for digits in ((1,), (1, 3), (1, 2, 5)):
        powers = range(floor(first), ceil(last) + 1)
        found = [(n + log10(d), d * 10.0**n) for n in powers for d in digits]
        inside = [(at, value) for at, value in found if first - 1e-9 <= at <= last + 1e-9]
        if len(inside) >= min(3, count):
            every = ceil(len(inside) / max(1, count))
            return [(at, short(value)) for at, value in inside[::every]]
    low, high = 10**first, 10**last
    values = [(value, label) for value, label in ticks(low, high, count) if value > 0]
    return [(log10(value), label) for value, label in values]
