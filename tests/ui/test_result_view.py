"""The result: a decision surface, a curve, a confusion matrix, or generated samples."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import cos, sin
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from tests.support.lab_pilot import Lab, open_lab, screen_text
from tests.support.sample_runs import (
    fitted_curve,
    make_confusion_matrix,
    regression_surface,
    result_response,
    trained_run,
    two_class_surface,
)
from tests.ui.test_chart import STYLES
from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.catalogue.data.images import FashionMNIST, Glyphs
from tuilab.core.catalogue.data.points import GaussiansRing, MultiGauss, Sine, Spiral, SwissRoll
from tuilab.core.catalogue.data.texts import PythonSource
from tuilab.core.catalogue.tasks import (
    GAN,
    Autoencoder,
    Classification,
    LanguageModel,
    Regression,
    Task,
)
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect, SetKnob
from tuilab.core.protocol.events import EpochEnded, Paused
from tuilab.core.protocol.inspect.result_messages import (
    GeneratedPoints,
    GeneratedText,
    NodeGraph,
    Picture,
    Reconstructions,
    ResultRequest,
    Scatter,
)
from tuilab.core.protocol.records import Reconstruction
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.core.run.run import Run
from tuilab.ui.views.result.result_view import ResultView

CLOTHES = FashionMNIST().classes
PIXELS = bytes(range(256)) * 3 + bytes(16)


class ResultApp(App[None]):
    """The view and nothing else."""

    CSS_PATH = STYLES

    def compose(self) -> ComposeResult:
        yield ResultView()

    @property
    def view(self) -> ResultView:
        return self.query_one(ResultView)

    def show(self, run: Run) -> None:
        self.view.show(run, run.experiment or Experiment())

    def request(self, run: Run) -> ResultRequest:
        return self.view.request(run, run.experiment or Experiment())


def run_with(picture: Picture | None, **experiment: Any) -> Run:
    """Returns a run with the response that has this picture."""
    run = trained_run(10, **experiment)
    if picture is not None:
        run.apply(result_response(picture))
    return run


@asynccontextmanager
async def open_result(
    run: Run, size: tuple[int, int] = (44, 24)
) -> AsyncIterator[tuple[ResultApp, Pilot[None]]]:
    app = ResultApp()
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        app.show(run)
        await pilot.pause()
        yield app, pilot


def result_requests(lab: Lab) -> list[ResultRequest]:
    requests = [command.request for command in lab.link.commands(Inspect)]
    return [request for request in requests if isinstance(request, ResultRequest)]


# --- pictures -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "task", "text"),
    [
        (Spiral(), Classification(), "The decision regions of the network appear here"),
        (Sine(), Regression(), "The curve that the network fits appears here"),
        (FashionMNIST(), Classification(), "The confusion matrix appears here"),
    ],
)
async def test_before_a_response_the_view_announces_what_will_appear(
    data: DataSet, task: Task, text: str
) -> None:
    async with open_result(run_with(None, data=data, task=task), (100, 12)) as (app, _):
        assert text in screen_text(app)


async def test_without_a_run_the_view_explains_its_purpose() -> None:
    async with open_result(Run(), (60, 12)) as (app, _):
        assert app.view.border_title == "Decision boundary"
        assert "The decision regions of the network appear here" in screen_text(app)
        assert "being computed" not in screen_text(app)


async def test_a_decision_surface_has_axes_examples_and_a_legend() -> None:
    async with open_result(run_with(two_class_surface(40, 40), data=Spiral())) as (app, _):
        text = screen_text(app)
        assert app.view.border_title == "Decision boundary"
        assert "-6" in text and "● orange  ■ blue  ○□ validation" in text
        surface = text.rsplit("-6", 1)[0]
        assert (surface.count("●"), surface.count("■"), surface.count("○")) == (1, 1, 1)


async def test_a_regression_is_a_fitted_surface() -> None:
    run = run_with(regression_surface(40, 40), data=MultiGauss(), task=Regression())
    async with open_result(run) as (app, _):
        assert app.view.border_title == "Fitted surface"
        assert "1.95" in screen_text(app)


async def test_a_curve_is_a_chart_with_the_examples() -> None:
    run = run_with(fitted_curve(), data=Sine(), task=Regression())
    async with open_result(run) as (app, pilot):
        assert app.view.border_title == "Fitted curve"
        assert "• examples" in screen_text(app) and "─── network" in screen_text(app)
        app.view.chart.focus()
        await pilot.press("left")
        await pilot.pause()
        assert "x 3  network" in screen_text(app)


async def test_a_large_view_has_matrix_and_samples_and_a_small_one_a_key() -> None:
    run = run_with(make_confusion_matrix(CLOTHES), data=FashionMNIST())
    async with open_result(run, (110, 24)) as (app, pilot):
        assert "accuracy 90.0% on 100 examples" in screen_text(app)
        assert "recall" in screen_text(app) and "✓ T-shirt" in screen_text(app)
        assert app.view.check_action("toggle_matrix", ()) is False

        await pilot.resize_terminal(40, 18)
        await pilot.pause()
        assert "recall" in screen_text(app) and "✓" not in screen_text(app)
        app.view.focus()
        await pilot.press("v")
        await pilot.pause()
        assert "✓ T-shirt" in screen_text(app) and "recall" not in screen_text(app)


async def test_a_high_view_has_the_samples_below_the_matrix() -> None:
    run = run_with(make_confusion_matrix(CLOTHES), data=FashionMNIST())
    async with open_result(run, (60, 40)) as (app, _):
        lines = screen_text(app).splitlines()
        head = next(number for number, line in enumerate(lines) if "recall" in line)
        samples = [number for number, line in enumerate(lines) if "✓ T-shirt" in line]
        assert samples and samples[0] > head + 10


@pytest.mark.parametrize(
    ("picture", "experiment", "title", "words"),
    [
        (
            GeneratedText("def ", "main():", 0.8),
            {"task": LanguageModel(), "data": PythonSource()},
            "Sample", ["def main():", "temperature 0.8"],
        ),
        (
            Reconstructions([Reconstruction(PIXELS, PIXELS, (1, 28, 28), 0.1)] * 2),
            {"task": Autoencoder(), "data": Glyphs()}, "Reconstructions", ["→ error 0.1"],
        ),
        (
            Reconstructions([Reconstruction(b"", b"", (3,), 0.1)] * 2),
            {"task": Autoencoder(), "data": SwissRoll()},
            "Reconstructions", ["error of each example"],
        ),
        (
            GeneratedPoints((-1, 1, -1, 1), [(0.5, 0.5)], [(0, 0)], 3, 8),
            {"task": GAN(), "data": GaussiansRing()},
            "Generated examples", ["3 of 8 modes covered", "generated", "real"],
        ),
        (
            Scatter([(0.0, 0.1), (1.0, 0.9)]), {"task": Regression(), "data": SwissRoll()},
            "Prediction against target", ["prediction", "correct", "target"],
        ),
    ],
    ids=["text", "reconstructions", "errors", "points", "scatter"],
)  # fmt: skip
async def test_each_task_shows_its_result(
    picture: Picture, experiment: dict[str, Any], title: str, words: list[str]
) -> None:
    async with open_result(run_with(picture, **experiment), (76, 20)) as (app, _):
        assert app.view.border_title == title
        assert all(word in screen_text(app) for word in words)


async def test_without_color_a_surface_is_drawn_in_shades(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    run = run_with(two_class_surface(40, 40), data=Spiral())
    async with open_result(run) as (app, _):
        assert all(shade in screen_text(app) for shade in "░▒▓█")
        assert app.request(run).height == 19


@pytest.mark.parametrize("size", [(20, 5), (5, 3), (200, 50)])
@pytest.mark.parametrize(
    "picture", [two_class_surface(40, 40), fitted_curve(), make_confusion_matrix(CLOTHES)]
)
async def test_every_picture_survives_any_size(picture: Picture, size: tuple[int, int]) -> None:
    async with open_result(run_with(picture, data=Spiral())) as (app, pilot):
        before = screen_text(app)
        await pilot.resize_terminal(*size)
        await pilot.pause()
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [size[0]] * size[1]

        await pilot.resize_terminal(44, 24)
        await pilot.pause()
        await pilot.pause()
        assert screen_text(app) == before


# --- requests and redrawing -----------------------------------------------------------------------


async def test_a_request_is_for_square_pixels_that_fill_the_view() -> None:
    run = run_with(None, data=Spiral())
    async with open_result(run, (44, 24)) as (app, pilot):
        request = app.request(run)
        assert request.width == request.height == 38

        await pilot.resize_terminal(30, 40)
        await pilot.pause()
        assert app.request(run).width == app.request(run).height == 24


async def test_a_hidden_view_requests_nothing() -> None:
    run = run_with(None, data=Spiral())
    async with open_result(run) as (app, pilot):
        assert run.experiment is not None
        app.view.display = False
        await pilot.pause()

        assert app.view.due_request(run, run.experiment) is None


async def test_the_same_response_is_drawn_once() -> None:
    run = run_with(two_class_surface(40, 40), data=Spiral())
    async with open_result(run) as (app, pilot):
        count = app.view.draw_count
        run.version += 1
        app.show(run)
        await pilot.pause()

        assert app.view.draw_count == count


async def test_a_hidden_view_draws_when_it_is_shown() -> None:
    async with open_result(run_with(None, data=Spiral())) as (app, pilot):
        app.view.display = False
        await pilot.pause()
        count = app.view.draw_count
        app.show(run_with(two_class_surface(40, 40), data=Spiral()))
        await pilot.pause()
        assert app.view.draw_count == count

        app.view.display = True
        await pilot.pause()
        await pilot.pause()
        assert "● orange" in screen_text(app)


# --- keys -----------------------------------------------------------------------------------------


async def test_two_states_of_the_result_are_compared() -> None:
    run = trained_run(10, data=Spiral())
    run.apply(result_response(two_class_surface(40, 40), step=100))
    async with open_result(run, (90, 24)) as (app, pilot):
        app.view.focus()
        await pilot.press("b")
        run.apply(result_response(two_class_surface(20, 20), step=200))
        app.show(run)
        await pilot.pause()

        text = screen_text(app)
        assert "step 100 (kept), 1 of 2" in text and "step 200 (now), 2 of 2" in text
        assert text.count("● orange  ■ blue") == 2


async def test_two_states_of_a_curve_are_compared_and_the_chart_comes_back() -> None:
    run = trained_run(10, data=Sine(), task=Regression())
    run.apply(result_response(fitted_curve(), step=100))
    async with open_result(run, (90, 24)) as (app, pilot):
        app.view.chart.focus()
        await pilot.press("b")
        await pilot.pause()
        assert app.view.has_focus and not app.view.chart.display
        assert screen_text(app).count("• examples") == 2

        await pilot.press("b")
        await pilot.pause()
        assert app.view.chart.has_focus
        assert screen_text(app).count("• examples") == 1


async def test_keys_change_the_temperature_during_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = Experiment(task=LanguageModel(), data=PythonSource(size=20), network=("Linear 2",))
    async with open_lab(experiment, (80, 24)) as lab:
        monkeypatch.setattr(lab.app.main_screen.training, "can_start", lambda: True)
        run = await lab.train(steps=20)
        await lab.press("4", "plus")
        assert lab.link.commands(SetKnob) == [], "there is no text yet"
        await lab.play(result_response(GeneratedText("def ", "x", 0.8), run, 20))
        await lab.press("4", "plus", "plus", "minus")
        sent = lab.link.commands(SetKnob)
        assert [command.key for command in sent] == ["task.temperature"] * 3
        assert sent[0].value > 0.8 and sent[1].value > sent[2].value == sent[0].value


async def test_a_text_is_generated_to_its_end_while_the_run_is_paused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    experiment = Experiment(
        task=LanguageModel(sample_length=10), data=PythonSource(size=20), network=("Linear 2",)
    )
    async with open_lab(experiment) as lab:
        monkeypatch.setattr(lab.app.main_screen.training, "can_start", lambda: True)
        run = await lab.train(steps=20)
        await lab.play(Paused(run, 20))
        await lab.wait_until(lambda: result_requests(lab))
        count = len(result_requests(lab))
        await lab.play(
            result_response(GeneratedText("def ", "half", 0.8, is_complete=False), run, 20)
        )
        await lab.wait_until(lambda: len(result_requests(lab)) == count + 1)
        await lab.play(result_response(GeneratedText("def ", "whole text", 0.8), run, 20))
        lab.app.poll()
        assert len(result_requests(lab)) == count + 1


async def test_a_result_that_is_on_its_way_is_being_computed() -> None:
    async with open_result(run_with(None, data=Spiral()), (100, 12)) as (app, _):
        assert "It is being computed." in screen_text(app)


async def test_generated_points_are_drawn_as_wide_as_high() -> None:
    points = [(cos(n), sin(n)) for n in range(60)]
    ring = GeneratedPoints((-1.2, 1.2, -1.2, 1.2), points, [(0.0, 0.0)])
    run = run_with(ring, task=GAN(), data=GaussiansRing())
    for size in ((60, 20), (40, 40)):
        async with open_result(run, size) as (app, _):
            cells = [
                (x, y) for y, line in enumerate(screen_text(app).splitlines()[1:-2])
                for x, glyph in enumerate(line) if glyph in "■□"
            ]  # fmt: skip
            width = max(x for x, _ in cells) - min(x for x, _ in cells)
            height = max(y for _, y in cells) - min(y for _, y in cells)
            assert 1.6 < width / height < 2.4, "a cell is twice as high as wide"


async def test_scores_stand_below_a_surface_in_a_high_pane() -> None:
    run = run_with(two_class_surface(40, 40), data=Spiral())
    run.apply(EpochEnded("a", 10, 1, {"loss": 0.25}, {"loss": 0.5, "accuracy": 0.75}))
    async with open_result(run, (50, 42)) as (app, _):
        lines = [line.split() for line in screen_text(app).splitlines()]
        assert ["Loss", "0.25", "0.5"] in lines and ["Accuracy", "0.75"] in lines


SQUARE = NodeGraph(
    [(0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)], [(0, 1), (1, 3)],
    values=[0.9, 0.6, 1.7, 1.99], targets=[0, 1, 1, -1],
    is_labeled=[True, False, False, False],
    matrix=ConfusionMatrix([[0, 0], [1, 1]], ["Mr. Hi", "Officer"]), total_nodes=4,
)  # fmt: skip
"""A labeled node, a wrong one, a right one, and one of the test set."""


@pytest.mark.parametrize(
    ("size", "has_both"), [((52, 40), True), ((100, 20), True), ((44, 12), False)]
)
async def test_a_graph_has_its_nodes_by_predicted_class_its_edges_and_its_matrix(
    size: tuple[int, int], has_both: bool
) -> None:
    async with open_result(run_with(SQUARE, data=Karate()), size) as (app, pilot):
        text = screen_text(app)
        assert app.view.border_title == "Graph of predictions"
        assert "50% of 2 held-out nodes right" in text
        assert "● Mr. Hi  ■ Officer  ○□ unlabeled  ✗ wrong" in text
        legend = "● Mr. Hi  ■ Officer  ○□ unlabeled  ✗ wrong"
        drawing = text.replace(legend, "")
        assert [drawing.count(glyph) for glyph in "●■✗□○"] == [1, 0, 1, 2, 0]
        lines = drawing.splitlines()
        first, second = (next(line for line in lines if glyph in line) for glyph in "●✗")
        assert first == second and any("\u2800" < glyph <= "\u28ff" for glyph in first)
        assert ("precision" in text or "recall" in text) == has_both
        assert app.view.check_action("toggle_matrix", ()) is not has_both
        if not has_both:
            app.view.focus()
            await pilot.press("v")
            await pilot.pause()
            assert "accuracy 50.0% on 2 examples" in screen_text(app)
