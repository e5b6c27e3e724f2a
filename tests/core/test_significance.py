"""t-tests against published values, and their p-values against the integral of the density."""

from math import gamma, inf, isnan, nan, pi, sqrt
from statistics import stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.run.significance import (
    MeanStd,
    compare_groups,
    incomplete_beta,
    paired_t_test,
    two_sided_p,
    welch_t_test,
)

SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
"""Extra hours of sleep of ten patients under two drugs (Student 1908), R's data set `sleep`."""


def test_a_paired_test_gives_what_r_publishes_for_the_sleep_data() -> None:
    result = paired_t_test(*SLEEP)
    assert result.t == pytest.approx(4.0621, abs=5e-5) and result.degrees == 9
    assert result.p == pytest.approx(0.002833, abs=5e-7)
    assert result.difference == pytest.approx(1.58)
    assert result.is_within_noise is False


def test_welchs_test_gives_what_r_publishes_for_the_sleep_data() -> None:
    result = welch_t_test(*SLEEP)
    assert result.t == pytest.approx(1.8608, abs=5e-5)
    assert result.degrees == pytest.approx(17.776, abs=5e-4)
    assert result.p == pytest.approx(0.07939, abs=5e-6)
    assert result.is_within_noise is True


@pytest.mark.parametrize(
    ("degrees", "t", "p"),
    [
        (1, 12.706, 0.05), (2, 4.303, 0.05), (4, 2.776, 0.05), (9, 2.262, 0.05), (30, 2.042, 0.05),
        (1, 63.657, 0.01), (4, 4.604, 0.01), (10, 3.169, 0.01), (60, 2.660, 0.01),
        (5, 6.869, 0.001), (20, 3.850, 0.001), (120, 1.658, 0.1), (3, 0.765, 0.5),
    ],
)  # fmt: skip
def test_the_table_of_critical_values(degrees: int, t: float, p: float) -> None:
    assert two_sided_p(t, degrees) == pytest.approx(p, rel=2e-3)
    assert two_sided_p(-t, degrees) == two_sided_p(t, degrees)


@given(st.floats(0.05, 12), st.floats(1, 80))
def test_a_p_value_is_the_area_of_both_tails(t: float, degrees: float) -> None:
    scale = gamma((degrees + 1) / 2) / (sqrt(degrees * pi) * gamma(degrees / 2))
    steps = 2000
    width = t / steps
    heights = [(1 + (i * width) ** 2 / degrees) ** (-(degrees + 1) / 2) for i in range(steps + 1)]
    weights = [1, *([4, 2] * (steps // 2))[:-1], 1]
    middle = scale * width / 3 * sum(w * h for w, h in zip(weights, heights, strict=True))
    assert two_sided_p(t, degrees) == pytest.approx(1 - 2 * middle, abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "x", "value"),
    [
        (1, 1, 0.3, 0.3), (2, 1, 0.5, 0.25), (1, 3, 0.2, 1 - 0.8**3), (2, 2, 0.25, 0.15625),
        (5, 5, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5), (3, 2, 0.0, 0.0), (3, 2, 1.0, 1.0),
    ],
)  # fmt: skip
def test_the_incomplete_beta_function_where_it_has_a_closed_form(
    a: float, b: float, x: float, value: float
) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(value, abs=1e-12)


def test_the_same_seeds_are_compared_in_pairs() -> None:
    first, second = {0: 0.90, 1: 0.95, 2: 0.99}, {2: 1.00, 0: 0.91, 1: 0.96}
    paired = compare_groups(first, second)
    assert paired.test == "paired t-test" and paired.n == (3, 3)
    assert paired.difference == pytest.approx(0.01) and paired.is_within_noise is False
    others = compare_groups(first, {seed + 9: value for seed, value in second.items()})
    assert others.test == "Welch's t-test" and others.is_within_noise is True
    assert others.describe().startswith("within noise (p = ")
    assert others.describe().endswith("Welch's t-test, n = 3 and 3)")
    assert "n = 3 pairs" in paired.describe()


def test_a_single_run_has_no_standard_deviation_to_compare_with() -> None:
    result = compare_groups({0: 0.5}, {0: 0.7})
    assert result.is_within_noise is None and result.difference == pytest.approx(0.2)
    assert "one run" in result.describe()


def test_values_that_do_not_vary() -> None:
    assert compare_groups({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}).is_within_noise is True
    apart = compare_groups({0: 1.0, 1: 1.0}, {2: 0.5, 3: 0.5})
    assert (apart.t, apart.p, apart.is_within_noise) == (-inf, 0.0, False)


@pytest.mark.parametrize("bad", [nan, inf])
def test_values_that_are_not_finite_are_not_compared(bad: float) -> None:
    assert compare_groups({0: bad, 1: 1.0}, {0: 1.0, 1: 2.0}).is_within_noise is None
    assert isnan(MeanStd.of([bad, 1.0]).mean)


def test_mean_and_standard_deviation() -> None:
    values = [0.9, 0.95, 0.99]
    summary = MeanStd.of(values)
    assert summary.n == 3 and summary.std == pytest.approx(stdev(values))
    assert str(summary) == "0.9467 ± 0.045"
    assert str(MeanStd.of([0.5])) == "0.5"
