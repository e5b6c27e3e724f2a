"""The view of examples: its pages, what the keys request, and input by the user."""

from typing import Any

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.examples_messages import (
    Example,
    ExamplesRequest,
    ExamplesResponse,
    ExampleSummary,
    Page,
    UserInput,
)
from tuilab.core.protocol.inspect.result_messages import (
    GeneratedImages,
    GeneratedPoints,
    GeneratedText,
)
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views.examples.examples_view import ExamplesView

GLYPHS = Experiment(title="Glyphs", network=("Linear 16", "Tanh", "Linear 2"))
CLASSES = ["cat", "dog", "owl"]
COUNTS = [[8, 2, 0], [1, 7, 2], [0, 3, 17]]
BAR = bytes(255 if 3 <= x < 5 else 0 for _ in range(8) for x in range(8))
"""An upright bar, 8 by 8."""


pytestmark = pytest.mark.usefixtures("no_lag")


@pytest.fixture(autouse=True)
def _request_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats requests without waiting for their responses."""
    monkeypatch.setattr("tuilab.ui.views.request_throttle.TIMEOUT", -1.0)


def example(**fields: Any) -> Example:
    """An image of a dog that is predicted to be a cat."""
    defaults: dict[str, Any] = {
        "number": 7, "loss": 1.5, "kind": "picture", "pixels": BAR, "shape": [1, 8, 8],
        "targets": [1.0], "predictions": [0.0], "labels": CLASSES,
        "probabilities": [0.7, 0.2, 0.1],
        "heat": bytes(128 + y * 16 for y in range(8) for _ in range(8)), "heat_shape": [8, 8],
        "heat_max_abs": 0.25, "heat_caption": "|dL/dx|: which pixels change the loss most",
        "attributions": ["saliency", "occlusion"],
    }  # fmt: skip
    return Example(**{**defaults, **fields})


def make_response(page: Page = "matrix", **fields: Any) -> ExamplesResponse:
    """A response of a network that classifies three animals."""
    rows = [ExampleSummary(n, 3.0 - n / 4, 1, 0, 0.7, BAR, [1, 8, 8]) for n in range(7)]
    defaults: dict[str, Any] = {
        "page": page, "pages": ["matrix", "examples", "user_input"], "task": "classification",
        "evaluated": 40, "total": 40, "matrix": ConfusionMatrix(COUNTS, CLASSES), "cell": [0, 0],
        "matches": 7, "rows": rows, "input_kind": "picture", "input_shape": [1, 8, 8],
        "example": example() if page == "examples" else None,
    }  # fmt: skip
    return ExamplesResponse("a", 100, **{**defaults, **fields})


async def open_view(lab: Lab, response: ExamplesResponse | None = None) -> ExamplesView:
    """Opens the view of a paused run, with a response."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6", "greater_than_sign")
    await respond(lab, response or make_response())
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, ExamplesView)
    return view


async def respond(lab: Lab, response: ExamplesResponse) -> None:
    await lab.play(replace(response, run=lab.link.run))


def last_request(lab: Lab) -> ExamplesRequest:
    """Returns the last request."""
    request = lab.link.commands(Inspect)[-1].request
    assert isinstance(request, ExamplesRequest)
    return request


def text(grid: CellBuffer) -> str:
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(GLYPHS, size=size) as lab:
        view = await open_view(lab)
        await lab.press("right")
        await respond(lab, make_response(cell=[0, 1]))
        matrix = "\n".join(strip.text.rstrip() for strip in view._strips)
        await lab.press("enter")
        await respond(lab, make_response("examples", cell=[0, 1]))
        worst = "\n".join(strip.text.rstrip() for strip in view._strips)

        assert f"{matrix}\n{'=' * size[0]}\n{worst}\n" == snapshot


async def test_arrows_move_over_the_matrix_and_enter_opens_the_cell() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        view = await open_view(lab)
        await lab.wait_for_text(
            "accuracy 80.0% on 40 validation examples", "✓ target cat, predicted cat: 8"
        )
        await lab.press("down", "right", "right", "right")
        await respond(lab, make_response(cell=[1, 1]))
        await lab.play()
        assert view.cursor == (1, 2) and last_request(lab).cell == [1, 2]
        await lab.wait_for_text("✗ target dog, predicted owl: 2 of 10 (20%)")

        await lab.press("enter")
        await lab.play()
        assert (last_request(lab).page, last_request(lab).cell, last_request(lab).position) == (
            "examples",
            [1, 2],
            0,
        )
        await respond(lab, make_response("examples", cell=[1, 2]))
        await lab.wait_for_text("1 of 7 dog predicted as owl", "✗ target dog, predicted cat", "70%")
        await lab.press("down", "down")
        await lab.play()
        assert last_request(lab).position == 2
        await lab.press("escape")
        assert view.page == "matrix" and view.cell == []


async def test_the_trend_ends_with_the_displayed_counts() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        await open_view(lab)
        fewer = [[5, 5, 0], *COUNTS[1:]]
        await respond(lab, replace(make_response(matrix=ConfusionMatrix(fewer, CLASSES)), step=200))

        await lab.wait_for_text(
            "target cat, predicted cat: 5 of 10 (50%)", "50% of its row, over time"
        )


async def test_keys_request_another_part_order_and_attribution() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        await open_view(lab)
        await lab.press("v")
        await lab.play()
        assert last_request(lab).split == "test"
        await respond(lab, make_response(split="test"))
        await lab.press("p", "o")
        await lab.play()
        request = last_request(lab)
        assert request.is_reversed and request.page == "examples" and request.cell == []
        await respond(lab, make_response("examples", is_reversed=True, cell=[]))
        await lab.wait_for_text("lowest loss first")
        for expected in ("occlusion", "saliency"):
            await lab.press("w")
            await lab.play()
            assert last_request(lab).attribution == expected, "this network has no Grad-CAM"
            await respond(lab, make_response("examples", cell=[]))


async def test_a_drawing_is_sent_while_it_is_drawn_and_its_prediction_shown() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        view = await open_view(lab)
        await lab.press("i")
        await lab.play()
        assert last_request(lab).user_input == UserInput(pixels=bytes(64))
        await respond(lab, make_response("user_input", example=example(number=-1)))
        await lab.wait_for_text("space: pen")
        await lab.press("space", "down", "down", "space", "right")
        await lab.play()
        user_input = last_request(lab).user_input
        assert user_input is not None
        assert {index for index, value in enumerate(user_input.pixels) if value} == {36, 44, 52}

        response = example(
            number=-1, loss=None, targets=[], probabilities=[0.1, 0.9, 0.0], predictions=[1.0]
        )
        await respond(lab, make_response("user_input", example=response))
        await lab.wait_for_text("your own", "predicted dog", "90%")
        await lab.press("c")
        await lab.play()
        assert last_request(lab).user_input == UserInput(pixels=bytes(64))
        await lab.press("escape")
        pages: list[str] = [view.page]
        assert not view.user_input.is_drawing
        await lab.press("escape")
        assert [*pages, view.page] == ["user_input", "matrix"]


async def test_the_mouse_draws_a_line() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        view = await open_view(lab)
        await lab.press("i")
        await lab.wait_for_text("space: pen")
        image, sketch = view.user_input._image, view.user_input.sketch
        assert image is not None and sketch is not None
        await lab.pilot.mouse_down(view, offset=image.offset)
        await lab.pilot.hover(view, offset=(image.right - 1, image.y))
        await lab.pilot.mouse_up(view, offset=image.offset)
        assert sketch.pixels[0] == 255


async def test_a_click_selects_a_cell() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        view = await open_view(lab)
        layout = view._matrix_layout
        assert layout is not None
        offset = (layout.left + layout.width + 1, 2 + 2 * layout.height)
        await lab.pilot.click(view, offset=offset)
        assert view.cursor == (2, 1)


async def test_points_are_typed_and_invalid_text_is_refused() -> None:
    async with open_lab(size=(120, 40)) as lab:
        await open_view(lab, make_response(input_kind="numbers", input_shape=[2], rows=[]))
        await lab.press("i")
        await respond(lab, make_response("user_input", input_kind="numbers", input_shape=[2]))
        await lab.wait_for_text("2 numbers with commas between them: x1, x2")
        line = lab.app.screen.query_one(Input)
        line.value = "1, x"
        await lab.press("enter")
        await lab.wait_for_text('"x" is not a number')
        line.value = "1, -2"
        await lab.press("enter")
        await lab.wait_until(lambda: lab.app.screen is lab.app.main_screen)
        await lab.play()
        assert last_request(lab).user_input == UserInput(text="1, -2")


async def test_an_image_file_is_requested_by_its_path() -> None:
    async with open_lab(GLYPHS, size=(120, 40)) as lab:
        await open_view(lab)
        await lab.press("O")
        lab.app.screen.query_one(Input).value = "~/four.png"
        await lab.press("enter")
        await lab.wait_until(lambda: lab.app.screen is lab.app.main_screen)
        await lab.play()
        assert last_request(lab).user_input == UserInput(path="~/four.png")
        await respond(lab, make_response("user_input", note="four.png: there is no such file"))
        await lab.wait_for_text("there is no such file")


async def test_plus_and_minus_change_the_temperature(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lab(size=(120, 40)) as lab:
        generated = GeneratedText("def ", "main():", 0.8)
        response = make_response(
            "generated", pages=["generated"], task="language_model", generated=generated,
            input_kind="",
        )  # fmt: skip
        view = await open_view(lab, response)
        await lab.wait_for_text("temperature 0.8", "def main():")
        changes: list[tuple[str, int]] = []
        edits = lab.app.main_screen.edits
        monkeypatch.setattr(edits, "nudge", lambda *change: changes.append(change))
        await lab.press("plus", "minus")
        assert changes == [("task.temperature", 1), ("task.temperature", -1)]
        assert view.check_action("change_temperature", ())
        assert not view.check_action("open_input", ())


async def test_a_discriminator_and_a_latent_walk_are_drawn() -> None:
    async with open_lab(size=(120, 40)) as lab:
        generated = GeneratedPoints(
            (-1, 1, -1, 1), [(0.5, 0.5)], [(-0.5, -0.5)], covered_modes=6, total_modes=8,
            width=2, height=2, realness=[0.1, 0.9, 0.5, 0.4],
        )  # fmt: skip
        await open_view(
            lab,
            make_response(
                "generated", pages=["generated"], task="gan", generated=generated, input_kind=""
            ),
        )
        await lab.wait_for_text("6 of 8 modes covered", "generated", "real")
        images = [bytes(range(0, 256, 4))] * 49
        walk = GeneratedImages(images, [1, 8, 8], columns=7, title="right: code 1")
        await respond(
            lab, make_response("generated", pages=["examples", "generated"], generated=walk)
        )
        await lab.wait_for_text("right: code 1", "▀")
        empty = make_response("generated", pages=["generated"], note="Codes are rows of numbers.")
        await respond(lab, empty)
        await lab.wait_for_text("Codes are rows of numbers.")


async def test_an_autoencoder_has_no_predicted_class() -> None:
    async with open_lab(size=(80, 24)) as lab:
        response = make_response(
            "examples", pages=["examples"], task="autoencoder", cell=[0, 0], matches=7
        )
        view = await open_view(lab, response)
        await lab.wait_for_text("1 of 7 (validation), highest error first")
        assert "predicted as" not in lab.text and view.cell == []


async def test_the_heading_of_the_list_is_not_cut_where_it_fits() -> None:
    async with open_lab(size=(160, 45)) as lab:
        response = make_response("examples", task="regression", matches=800, cell=[])
        await open_view(lab, response)
        await lab.wait_for_text("1 of 800 (validation), highest error first")
