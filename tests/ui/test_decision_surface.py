"""Decision surfaces and images in character cells: what they show, at any size."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.support.sample_runs import regression_surface, two_class_surface
from tuilab.core.catalogue.data.points import Blobs
from tuilab.core.protocol.inspect.result_messages import DecisionSurface
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.decision_surface import draw_surface
from tuilab.ui.canvas.half_blocks import resize_image


def text_of(cells: CellBuffer) -> str:
    return "\n".join(strip.text.rstrip() for strip in cells.strips())


def test_two_classes_without_color_go_from_blank_to_full() -> None:
    cells = draw_surface(two_class_surface(40, 20), ("orange", "blue"), (44, 22), COLORLESS)

    row = text_of(cells).splitlines()[2]
    assert row.index("░") < row.index("▒") < row.index("▓") < row.index("█")


def test_many_classes_without_color_are_letters() -> None:
    points = [(-4.0, 4.0, 0.0), (4.0, -4.0, 2.0)]
    surface = DecisionSurface((-6, 6, -6, 6), 3, 1, [0.9, 1.9, 2.4], points)

    text = text_of(draw_surface(surface, ("A", "B", "C"), (44, 22), ASCII_ONLY))

    assert "aaaaa" in text and "bbbbb" in text and "..." in text
    assert "A a A" in text
    assert text.isascii()


def test_certainty_is_the_strength_of_the_color() -> None:
    cells = draw_surface(two_class_surface(40, 40), ("orange", "blue"), (44, 22), COLORED)

    def color(x: int) -> tuple[int, int, int]:
        background = cells.rows[1][x][1].bgcolor
        assert background is not None and background.triplet is not None
        red, green, blue = background.triplet
        return red, green, blue

    sure, unsure, blue = color(6), color(23), color(43)
    assert sure[0] > 2 * unsure[0] > 0
    assert blue[2] > 150 and blue[0] < 30


def test_a_fitted_surface_has_a_scale_of_numbers() -> None:
    text = text_of(draw_surface(regression_surface(40, 40), (), (44, 22), COLORED))

    assert "-1.95" in text and " 1.95" in text
    assert "held out" not in text


def test_images_are_resized_by_means() -> None:
    assert resize_image(bytes([0, 100, 200, 100]), (1, 2, 2), 1, 1) == (((100, 100, 100),),)
    assert resize_image(bytes([1, 2, 3]), (3, 1, 1), 2, 1) == (((1, 2, 3), (1, 2, 3)),)


surfaces = st.builds(
    DecisionSurface, st.just((-6.0, 6.0, -6.0, 6.0)),
    st.integers(1, 9), st.integers(1, 9), st.lists(st.floats(width=64), max_size=81),
    st.lists(st.tuples(*[st.floats(width=64)] * 3), max_size=20),
    st.lists(st.tuples(*[st.floats(-6, 6)] * 3), max_size=5),
)  # fmt: skip


@given(surfaces, st.integers(0, 9), st.integers(1, 90), st.integers(1, 40), st.booleans())
def test_any_surface_is_drawn_and_fits(
    surface: DecisionSurface, classes: int, width: int, height: int, has_color: bool
) -> None:
    names = Blobs(centers=26).classes[:classes]

    style = COLORED if has_color else COLORLESS
    strips = draw_surface(surface, names, (width, height), style).strips()

    assert [strip.cell_length for strip in strips] == [width] * height
