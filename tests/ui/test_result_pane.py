"""The result: the plane, a curve, or a confusion matrix with sample predictions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.style import Style
from textual.app import App, ComposeResult
from textual.color import Color
from textual.pilot import Pilot

from tests.ui.fakes import text_of
from tests.ui.runs import circle, confusion, half_and_half, trained, wave
from tests.ui.test_chart import STYLES
from tuilab.lab.catalogue.data import Blobs, FashionMNIST, Glyphs, MultiGauss, Sine, Spiral
from tuilab.lab.messages import Picture, Surface
from tuilab.lab.run import Run
from tuilab.ui.panes.result import ResultPane
from tuilab.ui.widgets.confusion import draw_matrix
from tuilab.ui.widgets.glyphs import ASCII, UNICODE
from tuilab.ui.widgets.halfblock import scaled
from tuilab.ui.widgets.plane import Hues, draw_plane
from tuilab.ui.widgets.samples import draw_samples

BLENDED = Hues(
    Color(0, 0, 0), Color(255, 255, 255), (Color(255, 128, 0), Color(0, 0, 255)),
    Style(), Style(), True,
)  # fmt: skip
BARE = Hues(*(getattr(BLENDED, name) for name in Hues.__slots__[:-1]), False)  # type: ignore[arg-type]

CLOTHES = FashionMNIST().classes


class ResultApp(App[None]):
    """The pane and nothing else."""

    CSS_PATH = STYLES

    def compose(self) -> ComposeResult:
        yield ResultPane()

    @property
    def pane(self) -> ResultPane:
        return self.query_one(ResultPane)


def run_with(picture: Picture | None, **experiment: Any) -> Run:
    run = trained(10, **experiment)
    run.picture = picture
    return run


@asynccontextmanager
async def shown(
    run: Run, size: tuple[int, int] = (44, 24)
) -> AsyncIterator[tuple[ResultApp, Pilot[None]]]:
    app = ResultApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.pane.show(run)
        await pilot.pause()
        yield app, pilot


def plain(grid: Any) -> str:
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


@pytest.mark.parametrize(
    ("data", "task", "words"),
    [
        (Spiral(), "classification", "The plane as the network sees it appears here"),
        (Sine(), "regression", "The curve that the network fits appears here"),
        (FashionMNIST(), "classification", "Which class is taken for which appears here"),
    ],
)
async def test_before_a_picture_the_pane_says_what_will_appear(
    data: Any, task: str, words: str
) -> None:
    async with shown(run_with(None, data=data, task=task), (100, 12)) as (app, _):
        assert words in text_of(app)


async def test_the_pane_is_empty_but_alive_without_any_run() -> None:
    async with shown(Run()) as (app, _):
        assert "What the network has learned appears here." in text_of(app)


async def test_a_boundary_has_axes_examples_and_a_legend() -> None:
    async with shown(run_with(half_and_half(40, 40), data=Spiral())) as (app, _):
        text = text_of(app)
        assert app.pane.border_title == "Decision boundary"
        assert app.pane.border_subtitle == "step 120"
        assert "-6" in text and "● orange  ■ blue  ○□ held back" in text
        plane = text.rsplit("-6", 1)[0]
        assert (plane.count("●"), plane.count("■"), plane.count("○")) == (1, 1, 1)


async def test_the_probe_asks_for_square_pixels_that_fill_the_pane() -> None:
    async with shown(run_with(None, data=Spiral()), (44, 24)) as (app, pilot):
        wanted = app.pane.wanted()
        assert wanted.width == wanted.height == 40

        await pilot.resize_terminal(30, 40)
        await pilot.pause()
        assert app.pane.wanted().width == app.pane.wanted().height == 26


async def test_a_hidden_pane_wants_the_usual_picture() -> None:
    async with shown(run_with(None)) as (app, pilot):
        app.pane.display = False
        await pilot.pause()
        await pilot.resize_terminal(60, 30)
        await pilot.pause()

        assert app.pane.wanted().width >= 40


async def test_no_color_shows_shades_instead_of_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with shown(run_with(half_and_half(40, 40), data=Spiral())) as (app, _):
        assert all(shade in text_of(app) for shade in "░▒▓█")
        assert app.pane.wanted().height == 20


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

    sure, unsure, blue = colour(5), colour(22), colour(43)
    assert sure[0] > 2 * unsure[0] > 0
    assert blue[2] > 150 and blue[0] < 30


def test_a_fitted_surface_has_a_scale_of_numbers() -> None:
    text = plain(draw_plane(wave(40, 40), (), (44, 22), BLENDED, UNICODE))

    assert "-1.95" in text and " 1.95" in text
    assert "held back" not in text


async def test_a_regression_is_a_fitted_surface() -> None:
    run = run_with(wave(40, 40), data=MultiGauss(), task="regression")
    async with shown(run) as (app, _):
        assert app.pane.border_title == "Fitted surface"
        assert "1.95" in text_of(app)


async def test_a_curve_is_a_chart_with_the_examples() -> None:
    async with shown(run_with(circle(), data=Sine(), task="regression")) as (app, pilot):
        assert app.pane.border_title == "Fitted curve"
        assert "• examples" in text_of(app) and "─── network" in text_of(app)
        app.pane.chart.focus()
        await pilot.press("left")
        await pilot.pause()
        assert "x 3  network" in text_of(app)


def test_a_matrix_names_counts_and_recall() -> None:
    text = plain(draw_matrix(confusion(CLOTHES), (80, 20), BLENDED, UNICODE))

    assert "90.0% of 100 right" in text
    assert "0 T-shirt" in text and "9 Ankle boot" in text
    assert text.count(" 90%") == 10
    row = next(line for line in text.splitlines() if "2 Pullover" in line)
    assert row.split() == ["2", "Pullover", "·", "·", "9", "1", *["·"] * 6, "90%"]


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


async def test_a_large_pane_has_matrix_and_samples_and_a_small_one_a_key() -> None:
    run = run_with(confusion(CLOTHES), data=FashionMNIST())
    async with shown(run, (110, 24)) as (app, pilot):
        assert "recall" in text_of(app) and "✓ T-shirt" in text_of(app)
        assert app.pane.view.check_action("turn", ()) is False

        await pilot.resize_terminal(40, 18)
        await pilot.pause()
        assert "recall" in text_of(app) and "✓" not in text_of(app)
        app.pane.view.focus()
        await pilot.press("v")
        await pilot.pause()
        assert "✓ T-shirt" in text_of(app) and "recall" not in text_of(app)


async def test_the_same_picture_is_drawn_once() -> None:
    run = run_with(half_and_half(40, 40), data=Spiral())
    async with shown(run) as (app, pilot):
        drawn = app.pane.view.frames
        run.version += 1
        app.pane.show(run)
        await pilot.pause()

        assert app.pane.view.frames == drawn


async def test_a_hidden_pane_draws_when_it_is_shown() -> None:
    async with shown(run_with(None, data=Spiral())) as (app, pilot):
        app.pane.display = False
        await pilot.pause()
        drawn = app.pane.view.frames
        app.pane.show(run_with(half_and_half(40, 40), data=Spiral()))
        await pilot.pause()
        assert app.pane.view.frames == drawn

        app.pane.display = True
        await pilot.pause()
        await pilot.pause()
        assert "● orange" in text_of(app)


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (200, 50)])
@pytest.mark.parametrize("picture", [half_and_half(40, 40), circle(), confusion(CLOTHES)])
async def test_every_picture_survives_any_size(picture: Picture, size: tuple[int, int]) -> None:
    async with shown(run_with(picture, data=Spiral())) as (app, pilot):
        before = text_of(app)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [size[0]] * size[1]

        await pilot.resize_terminal(44, 24)
        await pilot.pause()
        await pilot.pause()
        assert text_of(app) == before


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
