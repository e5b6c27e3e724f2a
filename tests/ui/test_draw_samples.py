"""Samples in character cells: predictions, reconstructions, generated text, images and points."""

from math import nan

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.geometry import Region

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.support.sample_runs import sample_images
from tuilab.core.protocol.inspect.result_messages import (
    GeneratedImages,
    GeneratedPoints,
    GeneratedText,
    Reconstructions,
)
from tuilab.core.protocol.records import Reconstruction
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.image_grid import Caption, ImageTile, draw_dense_grid, draw_image_grid
from tuilab.ui.canvas.styled_cells import StyledCells
from tuilab.ui.views.result.draw_samples import (
    draw_generated,
    draw_reconstructions,
    draw_samples,
)

PIXELS = bytes(range(256)) * 3 + bytes(16)
SQUARE = (1, 28, 28)
WHITE = bytes([255]) * 4


def text_of(cells: CellBuffer) -> str:
    return "\n".join(strip.text.rstrip() for strip in cells.strips())


def reconstructions(count: int, shape: tuple[int, ...] = SQUARE) -> Reconstructions:
    pixels = PIXELS if len(shape) == 3 else b""
    return Reconstructions([Reconstruction(pixels, pixels, shape, 0.1 + n) for n in range(count)])


# --- the grid of images ---------------------------------------------------------------------------


def tiles(count: int, captions: int = 1) -> list[ImageTile]:
    return [
        ImageTile([WHITE], (1, 2, 2), [Caption(f"no {n}", COLORED.muted)] * captions)
        for n in range(count)
    ]


def test_images_become_smaller_until_enough_of_them_fit() -> None:
    for size, count, width in (((64, 16), 2, 28), ((64, 16), 4, 14), ((30, 20), 9, 14)):
        cells = StyledCells(size, COLORLESS)
        draw_image_grid(cells, Region(0, 0, *size), tiles(count))
        rows = [line for line in text_of(cells).splitlines() if "█" in line]
        assert max(map(len, rows[0].split())) == width, (size, count)


def test_a_caption_is_truncated_before_its_ending() -> None:
    cells = StyledCells((10, 8), COLORED)
    caption = Caption("a very long name", COLORED.muted, " 0.93")
    draw_image_grid(cells, Region(0, 0, 10, 8), [ImageTile([WHITE], (1, 2, 2), [caption])])

    assert "a ve… 0.93" in text_of(cells)


def test_a_dense_grid_has_all_tiles_in_rows_of_a_fixed_number() -> None:
    cells = StyledCells((40, 9), COLORLESS)
    draw_dense_grid(cells, Region(0, 0, 40, 9), tiles(12, captions=0), 4)

    lines = text_of(cells).splitlines()
    assert {len(line.split()) for line in lines} == {4}
    assert len(lines) == 9


# --- predictions and reconstructions --------------------------------------------------------------


def test_samples_have_their_target_and_prediction() -> None:
    text = text_of(draw_samples(sample_images(3, 2), ["cat", "dog", "owl"], (70, 18), COLORED))

    assert "✓ cat" in text and "→ cat 0.93" in text
    assert "✗ dog" in text and "→ owl 0.93" in text
    assert "▀" in text


def test_reconstructions_are_below_their_inputs_with_their_errors() -> None:
    text = text_of(draw_reconstructions(reconstructions(12), (64, 30), COLORED))

    assert text.count("→ error") == 2
    assert "→ error 0.1" in text and "→ error 1.1" in text


def test_examples_that_are_not_images_have_bars_for_their_errors() -> None:
    text = text_of(draw_reconstructions(reconstructions(3, (3,)), (40, 10), COLORLESS))

    lengths = [line.count("▄") for line in text.splitlines()[2:5]]
    assert lengths == sorted(lengths) and lengths[-1] == 24
    assert "error of each example" in text


def test_an_error_that_is_not_finite_can_be_drawn() -> None:
    broken = Reconstructions(
        [Reconstruction(b"", b"", (2,), nan), Reconstruction(b"", b"", (2,), 1)]
    )
    assert "NaN" in text_of(draw_reconstructions(broken, (40, 10), COLORLESS))


# --- generated samples ----------------------------------------------------------------------------


def test_text_is_wrapped_with_its_prompt_in_bold() -> None:
    text = GeneratedText("def ", "f(x):\n\treturn x + 1", 0.8)
    cells = draw_generated(text, (12, 8), COLORLESS)
    lines = text_of(cells).splitlines()

    assert "temperature" in lines[0]
    assert lines[2:5] == ["def f(x):", "·return x +", "1"]
    assert "".join(glyph for glyph, style in cells.rows[2] if style.bold) == "def "


def test_of_a_long_text_the_end_is_shown() -> None:
    text = "\n".join(f"line {number}" for number in range(50))
    lines = text_of(draw_generated(GeneratedText("", text, 0.8), (30, 10), COLORLESS)).splitlines()

    assert lines[-1] == "line 49" and len(lines) == 10


def test_generated_points_are_drawn_over_the_discriminator() -> None:
    points = GeneratedPoints(
        (-1, 1, -1, 1), [(0.5, 0.5)], [(-0.5, -0.5)], 3, 8, 0.75, 2, 1, [0.9, 0.1]
    )
    text = text_of(draw_generated(points, (60, 20), COLORLESS))

    assert text.startswith("3 of 8 modes covered, 75% of points at a mode")
    assert "generated" in text.splitlines()[-1] and "real" in text.splitlines()[-1]


@pytest.mark.parametrize("columns", [0, 7])
def test_generated_images_have_a_title(columns: int) -> None:
    images = GeneratedImages([PIXELS] * 49, [1, 28, 28], columns, "decoded codes")
    lines = text_of(draw_generated(images, (80, 40), COLORLESS)).splitlines()

    assert lines[0] == "decoded codes" and any("░" in line for line in lines[2:])


@given(
    st.sampled_from([COLORLESS, COLORED, ASCII_ONLY]), st.integers(1, 90), st.integers(1, 40),
    st.integers(0, 9),
)  # fmt: skip
def test_samples_can_be_drawn_at_any_size(
    style: DrawStyle, width: int, height: int, count: int
) -> None:
    size = width, height
    for cells in (
        draw_generated(GeneratedText("", "some words\n" * count, 0.8), size, style),
        draw_generated(GeneratedImages([PIXELS] * count, list(SQUARE)), size, style),
        draw_generated(GeneratedImages([PIXELS] * count, list(SQUARE), 3), size, style),
        draw_reconstructions(reconstructions(count), size, style),
        draw_reconstructions(reconstructions(count, (2,)), size, style),
        draw_samples(sample_images(3, count), ["a", "b", "c"], size, style),
    ):
        assert len(cells.rows) == height
        assert all(len(row) == width for row in cells.rows)
