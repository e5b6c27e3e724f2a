"""Numbers as people read them, in every notation of the screen and the plain output."""

from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.format import (
    format_bytes,
    format_compact,
    format_count,
    format_duration,
    format_number,
    format_percent,
    format_value,
)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (999, "999"), (12_345, "12,345"), (-1_000, "-1,000"), (1_234 * 10**12, "1.23e15")],
)
def test_counts_have_commas(count: int, text: str) -> None:
    assert format_count(count) == text


def test_percentages_have_no_space() -> None:
    assert (format_percent(0.123), format_percent(1), format_percent(0.0124, 1)) == (
        "12%", "100%", "1.2%"
    )  # fmt: skip


def test_large_percentages_have_commas() -> None:
    assert (format_percent(52.02), format_percent(-12.345, 1)) == ("5,202%", "-1,234.5%")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (-0.0, "0"), (0.0312345, "0.03123"), (0.9912, "0.9912"), (1.0, "1"),
        (999.96, "1,000"), (12_345.6, "12,346"), (-2_500, "-2,500"), (2.5e-5, "2.5e-5"),
        (1e12, "1e12"), (nan, "NaN"), (inf, "inf"), (-inf, "-inf"),
    ],
)  # fmt: skip
def test_numbers_in_sentences_have_four_digits(value: float, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(12345.0, "12,345"), (0.0412345678, "0.0412346"), (0.0, "0"), (nan, "NaN")]
)
def test_numbers_can_have_more_digits(value: float, text: str) -> None:
    assert format_number(value, 6) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"), (0.041234, "0.0412"), (1.0, "1"), (999.4, "999"), (999.9, "1k"),
        (1234, "1.23k"), (3e6, "3M"), (2.5e-4, "2.5e-4"), (-1500, "-1.5k"), (1e21, "1e21"),
        (1.797e308, "1.8e308"), (nan, "NaN"), (inf, "inf"), (-inf, "-inf"),
    ],
)  # fmt: skip
def test_numbers_in_charts_are_short(value: float, text: str) -> None:
    assert format_compact(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.001, "1e-3"), (0.00125, "1.25e-3"), (0.01, "0.01"), (0.5, "0.5"), (25.0, "25"),
        (0.0, "0"), (1e9, "1e9"), (12345, "12,345"), (10**15, "1e15"), (False, "false"),
        ((0.9, 0.999), "0.9, 0.999"), ((1000, 2000), "1000, 2000"), ("adamw", "adamw"),
        (None, "None"),
    ],
)  # fmt: skip
def test_values_of_knobs_are_short_and_exact(value: object, text: str) -> None:
    assert format_value(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_value_without_commas_is_the_same_number(value: float) -> None:
    assert float(format_value(value, commas=False)) == value


@given(st.floats())
def test_numbers_are_never_long(value: float) -> None:
    assert len(format_compact(value)) <= 10
    assert len(format_number(value)) <= 13
    assert isfinite(value) or "e" not in format_number(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.42, "0.4 s"), (5, "5 s"), (9.94, "9.9 s"), (9.96, "10 s"), (41, "41 s"), (59.6, "1:00"),
        (64, "1:04"), (7384, "2:03:04"),
    ],
)  # fmt: skip
def test_durations_are_seconds_then_a_clock(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(300, "300 B"), (1 << 30, "1 GiB"), (5 << 20, "5 MiB"), (1.25 * 2**30, "1.2 GiB"),
     (139.4 * 2**30, "139 GiB"), (3 << 40, "3 TiB")],
)  # fmt: skip
def test_bytes_are_in_binary_units(count: float, text: str) -> None:
    assert format_bytes(count) == text


@pytest.mark.parametrize(
    ("share", "decimals", "text"),
    [(0.996, 0, "99%"), (0.9996, 1, "99.9%"), (1.0, 0, "100%"), (0.994, 0, "99%"), (0, 0, "0%")],
)
def test_only_all_is_a_hundred_percent(share: float, decimals: int, text: str) -> None:
    assert format_percent(share, decimals) == text
