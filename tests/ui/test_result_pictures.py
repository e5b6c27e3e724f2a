"""Planes, matrices and samples in character cells: what they say, at any size."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.color import Color

from tests.support.runs import confusion, half_and_half, wave
from tuilab.core.catalogue.data_sets import Blobs, FashionMNIST, Glyphs
from tuilab.core.protocol.inspect.result_messages import Surface
from tuilab.ui.canvas.decision_surface import Hues, draw_plane
from tuilab.ui.canvas.half_blocks import scaled
from tuilab.ui.terminal.glyphs import ASCII, UNICODE
from tuilab.ui.views.result.confusion_matrix import draw_matrix
from tuilab.ui.views.result.sample_images import draw_samples

BLENDED = Hues(
    Color(0, 0, 0), Color(255, 255, 255), (Color(255, 128, 0), Color(0, 0, 255)),
    Style(), Style(), True,
)  # fmt: skip
BARE = Hues(*(getattr(BLENDED, name) for name in Hues.__slots__[:-1]), False)  # type: ignore[arg-type]

CLOTHES = FashionMNIST().classes


def plain(grid: Any) -> str:
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


def test_two_classes_without_colour_go_from_blank_to_full() -> None:
    grid = draw_plane(half_and_half(40, 20), ("orange", "blue"), (44, 22), BARE, UNICODE)

    row = plain(grid).splitlines()[2]
    assert row.index("░") < row.index("▒") < row.index("▓") < row.index("█")


def test_many_classes_without_colour_are_letters() -> None:
    surface = Surface("a", 1, (-6, 6, -6, 6), 3, 1, [0.9, 1.9, 2.4], [(-4, 4, 0), (4, -4, 2)])

    text = plain(draw_plane(surface, ("A", "B", "C"), (44, 22), BARE, ASCII))

    assert "aaaaa" in text and "bbbbb" in text and "..." in text
    assert "A a A" in text
    assert text.isascii()


def test_certainty_is_the_strength_of_the_colour() -> None:
    grid = draw_plane(half_and_half(40, 40), ("orange", "blue"), (44, 22), BLENDED, UNICODE)

    def colour(x: int) -> tuple[int, int, int]:
        style = grid.cells[1][x][1]
        assert style.bgcolor is not None and style.bgcolor.triplet is not None
        return tuple(style.bgcolor.triplet)  # type: ignore[return-value]

    sure, unsure, blue = colour(6), colour(23), colour(43)
    assert sure[0] > 2 * unsure[0] > 0
    assert blue[2] > 150 and blue[0] < 30


def test_a_fitted_surface_has_a_scale_of_numbers() -> None:
    text = plain(draw_plane(wave(40, 40), (), (44, 22), BLENDED, UNICODE))

    assert "-1.95" in text and " 1.95" in text
    assert "held back" not in text


def test_a_matrix_names_counts_and_recall() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 20), BLENDED, UNICODE))

    assert "90.0% of 100 right" in text
    assert "0 T-shirt" in text and "9 Ankle boot" in text
    assert text.count(" 90%") == 20, "recall and precision"
    row = next(line for line in text.splitlines() if "2 Pullover" in line)
    assert row.split() == ["2", "Pullover", "·", "·", "9", "1", *["·"] * 6, "90%", "90%", "0.90"]


def test_the_diagonal_is_in_brackets_without_colour() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 20), BARE, UNICODE))

    assert text.count("[9]") == 10


def test_a_narrow_matrix_shows_parts_of_a_row_and_says_so() -> None:
    many = confusion(Glyphs(alphabet="letters").classes)

    text = plain(draw_matrix(many, (60, 30), BLENDED, UNICODE))

    assert "tenths" in text
    assert all(len(line) <= 60 for line in text.splitlines())


def test_a_matrix_that_is_too_tall_says_what_is_missing() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 8), BLENDED, UNICODE))

    assert "5 more classes" in text


def test_samples_say_what_they_are_and_what_they_are_taken_for() -> None:
    text = plain(draw_samples(confusion(CLOTHES, 2), (70, 18), BLENDED, UNICODE))

    assert "✓ T-shirt" in text and "→ T-shirt 0.93" in text
    assert "✗ Trouser" in text and "→ Pullover 0.93" in text
    assert "▀" in text


def test_pictures_are_scaled_by_means() -> None:
    assert scaled(bytes([0, 100, 200, 100]), (1, 2, 2), 1, 1) == (((100, 100, 100),),)
    assert scaled(bytes([1, 2, 3]), (3, 1, 1), 2, 1) == (((1, 2, 3), (1, 2, 3)),)


surfaces = st.builds(
    Surface, st.just("a"), st.just(1), st.just((-6.0, 6.0, -6.0, 6.0)),
    st.integers(1, 9), st.integers(1, 9), st.lists(st.floats(width=64), max_size=81),
    st.lists(st.tuples(*[st.floats(width=64)] * 3), max_size=20),
    st.lists(st.tuples(*[st.floats(-6, 6)] * 3), max_size=5),
)  # fmt: skip


@given(surfaces, st.integers(0, 9), st.integers(1, 90), st.integers(1, 40), st.booleans())
def test_any_surface_is_drawn_and_fits(
    surface: Surface, classes: int, width: int, height: int, is_blended: bool
) -> None:
    hues = BLENDED if is_blended else BARE
    names = Blobs(centers=26).classes[:classes]

    strips = draw_plane(surface, names, (width, height), hues, UNICODE).strips()

    assert [strip.cell_length for strip in strips] == [width] * height


@given(st.integers(1, 36), st.integers(1, 120), st.integers(1, 50), st.booleans())
def test_any_matrix_and_samples_are_drawn_and_fit(
    classes: int, width: int, height: int, is_blended: bool
) -> None:
    event = confusion(Glyphs(alphabet="both").classes[:classes])
    hues = BLENDED if is_blended else BARE

    for grid in (
        draw_matrix(event, (width, height), hues, UNICODE),
        draw_samples(event, (width, height), hues, UNICODE),
    ):
        assert [strip.cell_length for strip in grid.strips()] == [width] * height
