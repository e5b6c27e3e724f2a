"""The result: the plane, a curve, or a confusion matrix with sample predictions."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.support.fakes import text_of
from tests.support.runs import fitted_curve, confusion, half_and_half, trained_run, regression_surface
from tests.ui.test_chart import STYLES
from tuilab.core.catalogue.data.images import FashionMNIST
from tuilab.core.catalogue.data.points import MultiGauss, Sine, Spiral
from tuilab.core.catalogue.tasks import Classification, Regression, Task
from tuilab.core.protocol.inspect.result_messages import Picture
from tuilab.core.run.run import Run
from tuilab.ui.views.result.result_pane import ResultPane

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
    run = trained_run(10, **experiment)
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


@pytest.mark.parametrize(
    ("data", "task", "words"),
    [
        (Spiral(), Classification(), "The plane as the network sees it appears here"),
        (Sine(), Regression(), "The curve that the network fits appears here"),
        (FashionMNIST(), Classification(), "Which class is taken for which appears here"),
    ],
)
async def test_before_a_picture_the_pane_says_what_will_appear(
    data: Any, task: Task, words: str
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
        assert "-6" in text and "● orange  ■ blue  ○□ held out" in text
        plane = text.rsplit("-6", 1)[0]
        assert (plane.count("●"), plane.count("■"), plane.count("○")) == (1, 1, 1)


async def test_the_probe_asks_for_square_pixels_that_fill_the_pane() -> None:
    async with shown(run_with(None, data=Spiral()), (44, 24)) as (app, pilot):
        wanted = app.pane.wanted()
        assert wanted.width == wanted.height == 38

        await pilot.resize_terminal(30, 40)
        await pilot.pause()
        assert app.pane.wanted().width == app.pane.wanted().height == 24


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
        assert app.pane.wanted().height == 19


async def test_a_regression_is_a_fitted_surface() -> None:
    run = run_with(regression_surface(40, 40), data=MultiGauss(), task=Regression())
    async with shown(run) as (app, _):
        assert app.pane.border_title == "Fitted surface"
        assert "1.95" in text_of(app)


async def test_a_curve_is_a_chart_with_the_examples() -> None:
    async with shown(run_with(fitted_curve(), data=Sine(), task=Regression())) as (app, pilot):
        assert app.pane.border_title == "Fitted curve"
        assert "• examples" in text_of(app) and "─── network" in text_of(app)
        app.pane.chart.focus()
        await pilot.press("left")
        await pilot.pause()
        assert "x 3  network" in text_of(app)


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
        drawn = app.pane.view.draw_count
        run.version += 1
        app.pane.show(run)
        await pilot.pause()

        assert app.pane.view.draw_count == drawn


async def test_a_hidden_pane_draws_when_it_is_shown() -> None:
    async with shown(run_with(None, data=Spiral())) as (app, pilot):
        app.pane.display = False
        await pilot.pause()
        drawn = app.pane.view.draw_count
        app.pane.show(run_with(half_and_half(40, 40), data=Spiral()))
        await pilot.pause()
        assert app.pane.view.draw_count == drawn

        app.pane.display = True
        await pilot.pause()
        await pilot.pause()
        assert "● orange" in text_of(app)


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (200, 50)])
@pytest.mark.parametrize("picture", [half_and_half(40, 40), fitted_curve(), confusion(CLOTHES)])
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
