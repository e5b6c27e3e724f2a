"""Matrices and samples in character cells: what they show, at any size."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.draw_styles import COLORED, COLORLESS
from tests.support.runs import confusion
from tuilab.core.catalogue.data.images import FashionMNIST, Glyphs
from tuilab.ui.views.result.confusion_matrix import draw_matrix
from tuilab.ui.views.result.sample_images import draw_samples

CLOTHES = FashionMNIST().classes


def plain(grid: Any) -> str:
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


def test_a_matrix_names_counts_and_recall() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 20), COLORED))

    assert "90.0% of 100 right" in text
    assert "0 T-shirt" in text and "9 Ankle boot" in text
    assert text.count(" 90%") == 20, "recall and precision"
    row = next(line for line in text.splitlines() if "2 Pullover" in line)
    assert row.split() == ["2", "Pullover", "·", "·", "9", "1", *["·"] * 6, "90%", "90%", "0.90"]


def test_the_diagonal_is_in_brackets_without_colour() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 20), COLORLESS))

    assert text.count("[9]") == 10


def test_a_narrow_matrix_shows_parts_of_a_row_and_says_so() -> None:
    many = confusion(Glyphs(alphabet="letters").classes)

    text = plain(draw_matrix(many, (60, 30), COLORED))

    assert "tenths" in text
    assert all(len(line) <= 60 for line in text.splitlines())


def test_a_matrix_that_is_too_tall_says_what_is_missing() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 8), COLORED))

    assert "5 more classes" in text


def test_samples_say_what_they_are_and_what_they_are_taken_for() -> None:
    text = plain(draw_samples(confusion(CLOTHES, 2), (70, 18), COLORED))

    assert "✓ T-shirt" in text and "→ T-shirt 0.93" in text
    assert "✗ Trouser" in text and "→ Pullover 0.93" in text
    assert "▀" in text


@given(st.integers(1, 36), st.integers(1, 120), st.integers(1, 50), st.booleans())
def test_any_matrix_and_samples_are_drawn_and_fit(
    classes: int, width: int, height: int, has_color: bool
) -> None:
    event = confusion(Glyphs(alphabet="both").classes[:classes])
    style = COLORED if has_color else COLORLESS

    for grid in (
        draw_matrix(event, (width, height), style),
        draw_samples(event, (width, height), style),
    ):
        assert [strip.cell_length for strip in grid.strips()] == [width] * height
