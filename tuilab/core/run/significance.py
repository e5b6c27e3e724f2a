"""Whether two groups of runs differ by more than their seeds do: t-tests and their p-values."""

from collections.abc import Mapping, Sequence
from math import exp, inf, isfinite, lgamma, log, log1p, nan, sqrt
from statistics import fmean, stdev
from typing import Literal

from msgspec import Struct

from tuilab.core.format import format_number

LEVEL = 0.05
"""A p-value below this is not explained by the seeds alone."""

MAX_TERMS = 300
"""Terms of a continued fraction; it converges within a few dozen."""


class MeanStd(Struct, frozen=True):
    """The mean of a metric over runs, and its standard deviation."""

    n: int
    mean: float
    std: float
    "With n - 1 in the denominator; 0 of a single run."

    @classmethod
    def of(cls, values: Sequence[float]) -> "MeanStd":
        """Summarizes at least one value; both are NaN if one value is not finite."""
        if not all(map(isfinite, values)):
            return cls(len(values), nan, nan)
        return cls(len(values), fmean(values), stdev(values) if len(values) > 1 else 0.0)

    def __str__(self) -> str:
        std = f" ± {format_number(self.std, 2)}" if self.n > 1 else ""
        return f"{format_number(self.mean)}{std}"


class Comparison(Struct, frozen=True):
    """The result of a test of whether two groups of runs have the same mean."""

    test: Literal["paired t-test", "Welch's t-test", "none"]
    "Paired where both groups have the same seeds; none where one has a single run."
    n: tuple[int, int]
    "Runs in each group; pairs in both for a paired test."
    difference: float
    "The mean of the second group minus that of the first."
    t: float = nan
    degrees: float = nan
    "Degrees of freedom."
    p: float = nan

    @property
    def is_within_noise(self) -> bool | None:
        """Whether the difference is no larger than that of seeds; None where that is not known."""
        return None if self.p != self.p else self.p >= LEVEL

    def describe(self) -> str:
        """Returns the verdict with its test, such as `within noise (Welch's t-test, n = 5 and 5)`.

        >>> compare_groups({0: 1.0, 1: 2.0}, {0: 1.5}).describe()
        'not known: one run has no standard deviation (n = 2 and 1)'
        """
        counts = f"n = {self.n[0]} and {self.n[1]}"
        if self.is_within_noise is None:
            return f"not known: one run has no standard deviation ({counts})"
        if self.test == "paired t-test":
            counts = f"n = {self.n[0]} pairs"
        verdict = "within noise" if self.is_within_noise else "beyond noise"
        return f"{verdict} (p = {_format_p(self.p)}, {self.test}, {counts})"


def _format_p(p: float) -> str:
    return "< 0.0001" if p < 1e-4 else format_number(p, 2)


def compare_groups(first: Mapping[int, float], second: Mapping[int, float]) -> Comparison:
    """Tests whether two groups have the same mean; their values are given by their seeds.

    With the same seeds, both have the same data and order of batches, so values are compared in
    pairs: what a seed does to both does not count as noise.
    """
    if first.keys() == second.keys() and len(first) > 1:
        return paired_t_test([first[seed] for seed in first], [second[seed] for seed in first])
    return welch_t_test(list(first.values()), list(second.values()))


def paired_t_test(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Tests whether the differences of pairs have the mean 0 (Student 1908)."""
    differences = [b - a for a, b in zip(first, second, strict=True)]
    n = len(differences)
    if n < 2 or not all(map(isfinite, differences)):
        return Comparison("none", (n, n), fmean(differences) if differences else nan)
    mean, error = fmean(differences), stdev(differences) / sqrt(n)
    t = _ratio(mean, error)
    return Comparison("paired t-test", (n, n), mean, t, n - 1, two_sided_p(t, n - 1))


def welch_t_test(first: Sequence[float], second: Sequence[float]) -> Comparison:
    """Tests whether two groups have the same mean, whatever their variances are (Welch 1947)."""
    n = len(first), len(second)
    is_finite = all(map(isfinite, (*first, *second)))
    difference = fmean(second) - fmean(first) if min(n) and is_finite else nan
    if min(n) < 2 or not is_finite:
        return Comparison("none", n, difference)
    errors = [stdev(values) ** 2 / len(values) for values in (first, second)]
    total = sum(errors)
    t = _ratio(difference, sqrt(total))
    parts = sum(error**2 / (count - 1) for error, count in zip(errors, n, strict=True))
    degrees = total**2 / parts if parts else float(sum(n) - 2)
    return Comparison("Welch's t-test", n, difference, t, degrees, two_sided_p(t, degrees))


def _ratio(difference: float, error: float) -> float:
    """Returns a difference in standard errors; 0 of none, infinite where values do not vary."""
    if difference == 0:
        return 0.0
    return difference / error if error else (inf if difference > 0 else -inf)


def two_sided_p(t: float, degrees: float) -> float:
    """Returns the probability of a t at least as far from 0 under Student's distribution."""
    if not isfinite(t):
        return 0.0
    return incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))


def incomplete_beta(a: float, b: float, x: float) -> float:
    """Returns the regularized incomplete beta function I_x(a, b), for a, b > 0 and x in [0, 1].

    By its continued fraction (DLMF 8.17.22), which converges fast below the mean (a+1)/(a+b+2);
    above it, by I_x(a, b) = 1 - I_(1-x)(b, a).
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(b, a, 1 - x)
    log_front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    return exp(log_front) / (a * _continued_fraction(a, b, x))


def _continued_fraction(a: float, b: float, x: float) -> float:
    """Returns 1 + d₁x/(1 + d₂x/(1 + …)) by the method of Lentz."""
    tiny = 1e-300
    value, c, d = 1.0, 1.0, 0.0
    for term in range(1, MAX_TERMS):
        m = term // 2
        if term % 2:
            factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 + factor * d
        d = 1 / (d if abs(d) > tiny else tiny)
        c = 1 + factor / c
        c = c if abs(c) > tiny else tiny
        value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value
