"""Axes: limits that rarely move, round ticks, short labels. Pure numbers."""

from math import ceil, floor, log10

from tuilab.core.format import COMPACT_UNITS, format_compact

HUGE = 1e300
"""Farthest value on an axis: twice this is still a number."""

ROUNDING = 1e-6
"""Values that differ by less than this part of them are one: single precision has seven digits."""

Ticks = list[tuple[float, str]]
"""Values with their labels."""


def choose_step(span: float, count: int) -> float:
    """Returns 1, 2 or 5 times a power of ten that cuts the span into at most `count` parts."""
    rough = span / max(1, count)
    power: float = 10.0 ** floor(log10(rough))
    return next((m * power for m in (1.0, 2.0, 5.0) if m * power >= rough * 0.9999), 10 * power)


def fit_linear_limits(low: float, high: float, count: int) -> tuple[float, float]:
    """Returns round limits around a range, so that a growing curve moves them rarely."""
    low, high = (min(HUGE, max(-HUGE, value)) for value in (low, high))
    if high - low <= ROUNDING * max(abs(low), abs(high)):
        # One value alone stands against zero: around it, a share of 1 would reach beyond 1.
        low, high = (min(0.0, low), max(0.0, high)) if low or high else (0.0, 1.0)
    grain = choose_step(high - low, count) / 5
    return floor(low / grain + 1e-6) * grain, ceil(high / grain - 1e-6) * grain


def fit_log_limits(low: float, high: float) -> tuple[float, float]:
    """Returns limits around a range of positive numbers, as powers of ten."""
    first, last = log10(low), log10(high)
    if last - first < 0.1:
        first, last = first - 0.1, last + 0.1
    grain = 0.25 if last - first > 1 else 0.05
    return floor(first / grain + 1e-6) * grain, ceil(last / grain - 1e-6) * grain


def place_linear_ticks(low: float, high: float, count: int, is_integer: bool = False) -> Ticks:
    """Returns round values within the limits of a linear axis, with their labels.

    They are at least two where there is room: one alone does not make a scale.
    """
    for parts in (count, 2 * count):
        step = choose_step(high - low, parts)
        step = max(1.0, step) if is_integer else step
        first, last = ceil(low / step - 1e-6), floor(high / step + 1e-6)
        if last > first or count < 2:
            break
    return [(n * step, format_tick(n * step, step)) for n in range(first, last + 1)]


def place_log_ticks(first: float, last: float, count: int) -> Ticks:
    """Returns round values between two powers of ten, with their labels."""
    for digits in ((1,), (1, 3), (1, 2, 5)):
        powers = range(floor(first), ceil(last) + 1)
        values = [(n + log10(d), d * 10.0**n) for n in powers for d in digits]
        inside = [value for power, value in values if first - 1e-9 <= power <= last + 1e-9]
        if len(inside) >= min(3, count):
            every = ceil(len(inside) / max(1, count))
            return [(value, format_compact(value)) for value in inside[::every]]
    return [tick for tick in place_linear_ticks(10**first, 10**last, count) if tick[0] > 0]


def format_tick(value: float, step: float) -> str:
    """Returns a tick's label, as exact as the step between ticks requires."""
    if value == 0:
        return "0"
    for unit, suffix in COMPACT_UNITS:
        if unit <= max(abs(value), step) < 1000 * unit:
            decimals = max(0, -floor(log10(step / unit) + 1e-9))
            text = f"{value / unit:.{decimals}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix
    if max(abs(value), step) >= 1e18 or step < 1e-4:
        return format_compact(value, 2 + max(0, floor(log10(abs(value) / step))))
    return f"{value:.{max(0, -floor(log10(step) + 1e-9))}f}"
