"""The view of examples: what stands where, what the keys ask for, what can be drawn and typed."""

from typing import Any

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from tests.support.fakes import SIZES, Lab, history, lab
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.examples_messages import (
    Example,
    ExamplesRequest,
    ExamplesResponse,
    Made,
    Page,
    Row,
    UserInput,
)
from tuilab.ui.app import TuilabApp
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views.examples.examples_view import ExamplesView

GLYPHS = Experiment(title="Glyphs", network=("Linear 16", "Tanh", "Linear 2"))
CLASSES = ["cat", "dog", "owl"]
COUNTS = [[8, 2, 0], [1, 7, 2], [0, 3, 17]]
BAR = bytes(255 if 3 <= x < 5 else 0 for _ in range(8) for x in range(8))
"""An upright bar, 8 by 8."""


@pytest.fixture(autouse=True)
def _no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TuilabApp, "_beat", lambda *_: None)
    monkeypatch.setattr(
        "tuilab.ui.views.request_throttle.PATIENCE", -1.0
    )  # it is asked again at once


def example(**more: Any) -> Example:
    """A picture of a dog that is taken for a cat."""
    fields: dict[str, Any] = {
        "number": 7, "loss": 1.5, "kind": "picture", "pixels": BAR, "shape": [1, 8, 8],
        "targets": [1.0], "answers": [0.0], "labels": CLASSES, "chances": [0.7, 0.2, 0.1],
        "heat": bytes(128 + y * 16 for y in range(8) for _ in range(8)), "heat_shape": [8, 8],
        "reach": 0.25, "about": "|dL/dx|: which pixels change the loss most",
        "ways": ["saliency", "occlusion"],
    }  # fmt: skip
    return Example(**{**fields, **more})


def seen(page: Page = "matrix", **more: Any) -> ExamplesResponse:
    """An answer of a network that tells three animals apart."""
    rows = [Row(n, 3.0 - n / 4, 1, 0, 0.7, BAR, [1, 8, 8]) for n in range(7)]
    fields: dict[str, Any] = {
        "page": page, "pages": ["matrix", "examples", "own"], "task": "classification",
        "measured": 40, "of": 40, "classes": CLASSES, "counts": COUNTS, "cell": [0, 0],
        "found": 7, "rows": rows, "accepts": "picture", "own_shape": [1, 8, 8],
        "example": example() if page == "examples" else None,
    }  # fmt: skip
    return ExamplesResponse("a", 100, **{**fields, **more})


async def opened(it: Lab, answer: ExamplesResponse | None = None) -> ExamplesView:
    """The view with an answer, of a run that waits."""
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.desk.experiment, 100), Paused(run, 100))
    await it.press("6", "greater_than_sign")
    await answered(it, answer or seen())
    view = it.app.lab.inside.view
    assert isinstance(view, ExamplesView)
    return view


async def answered(it: Lab, answer: ExamplesResponse) -> None:
    await it.play(replace(answer, run=it.link.run))


def asked(it: Lab) -> ExamplesRequest:
    """What was asked last."""
    wanted = it.link.commands(Inspect)[-1].request
    assert isinstance(wanted, ExamplesRequest)
    return wanted


def text(grid: CellBuffer) -> str:
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_how_it_looks(size: tuple[int, int], screens: SnapshotAssertion) -> None:
    async with lab(GLYPHS, size=size) as it:
        view = await opened(it)
        await it.press("right")
        await answered(it, seen(cell=[0, 1]))
        matrix = "\n".join(strip.text.rstrip() for strip in view._strips)
        await it.press("enter")
        await answered(it, seen("examples", cell=[0, 1]))
        worst = "\n".join(strip.text.rstrip() for strip in view._strips)

        assert f"{matrix}\n{'=' * size[0]}\n{worst}\n" == screens


async def test_arrows_move_over_the_matrix_and_enter_opens_the_cell() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        view = await opened(it)
        await it.shows("80.0% right of 40 validation examples", "✓ target cat, predicted cat: 8")
        await it.press("down", "right", "right", "right")
        await answered(it, seen(cell=[1, 1]))
        await it.play()
        assert view.cursor == (1, 2) and asked(it).cell == [1, 2]
        await it.shows("✗ target dog, predicted owl: 2 of 10 (20%)")

        await it.press("enter")
        await it.play()
        assert (asked(it).page, asked(it).cell, asked(it).place) == ("examples", [1, 2], 0)
        await answered(it, seen("examples", cell=[1, 2]))
        await it.shows("1 of 7 dog taken for owl", "✗ target dog, predicted cat", "70%")
        await it.press("down", "down")
        await it.play()
        assert asked(it).place == 2
        await it.press("escape")
        assert view.page == "matrix" and view.cell == []


async def test_the_line_over_time_ends_with_the_counts_that_are_shown() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        await opened(it)
        fewer = [[5, 5, 0], *COUNTS[1:]]
        await answered(it, replace(seen(counts=fewer), step=200))

        await it.shows("target cat, predicted cat: 5 of 10 (50%)", "50% of its row, over time")


async def test_part_order_and_reason_are_asked_for_by_their_keys() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        await opened(it)
        await it.press("v")
        await it.play()
        assert asked(it).part == "test"
        await answered(it, seen(part="test"))
        await it.press("p", "o")
        await it.play()
        assert asked(it).is_reversed and asked(it).page == "examples" and asked(it).cell == []
        await answered(it, seen("examples", is_reversed=True, cell=[]))
        await it.shows("lowest loss first")
        for expected in ("occlusion", "saliency"):
            await it.press("w")
            await it.play()
            assert asked(it).why == expected, "this network has no Grad-CAM"
            await answered(it, seen("examples", cell=[]))


async def test_a_drawing_is_sent_as_it_comes_and_its_answer_shown() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        view = await opened(it)
        await it.press("i")
        await it.play()
        assert asked(it).own == UserInput(pixels=bytes(64))
        await answered(it, seen("own", example=example(number=-1)))
        await it.shows("space: pen")
        await it.press("space", "down", "down", "space", "right")
        await it.play()
        drawn = asked(it).own
        assert drawn is not None
        assert {place for place, value in enumerate(drawn.pixels) if value} == {36, 44, 52}

        own = example(number=-1, loss=None, targets=[], chances=[0.1, 0.9, 0.0], answers=[1.0])
        await answered(it, seen("own", example=own))
        await it.shows("your own", "predicted dog", "90%")
        await it.press("c")
        await it.play()
        assert asked(it).own == UserInput(pixels=bytes(64))
        await it.press("escape")
        assert view.page == "own" and not view.is_drawing
        await it.press("escape")
        assert view.page == "matrix"


async def test_the_mouse_draws_a_line() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        view = await opened(it)
        await it.press("i")
        await it.shows("space: pen")
        box = view._box
        assert box is not None and view.sketch is not None
        await it.pilot.mouse_down(view, offset=(box.x, box.y))
        await it.pilot.hover(view, offset=(box.x + box.columns - 1, box.y))
        await it.pilot.mouse_up(view, offset=(box.x, box.y))
        assert view.sketch.pixels[0] == 255


async def test_a_click_chooses_a_cell() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        view = await opened(it)
        table = view._table
        assert table is not None
        await it.pilot.click(view, offset=(table.left + table.width + 1, 4))
        assert view.cursor == (2, 1)


async def test_points_are_typed_and_rubbish_is_refused() -> None:
    async with lab(size=(120, 40)) as it:
        await opened(it, seen(accepts="numbers", own_shape=[2], rows=[]))
        await it.press("i")
        await answered(it, seen("own", accepts="numbers", own_shape=[2]))
        await it.shows("2 numbers with commas between them: x1, x2")
        line = it.app.screen.query_one(Input)
        line.value = "1, x"
        await it.press("enter")
        await it.shows('"x" is no number')
        line.value = "1, -2"
        await it.press("enter")
        await it.until(lambda: it.app.screen is it.app.lab)
        await it.play()
        assert asked(it).own == UserInput(text="1, -2")


async def test_a_picture_file_is_asked_for_by_its_path() -> None:
    async with lab(GLYPHS, size=(120, 40)) as it:
        await opened(it)
        await it.press("O")
        it.app.screen.query_one(Input).value = "~/four.png"
        await it.press("enter")
        await it.until(lambda: it.app.screen is it.app.lab)
        await it.play()
        assert asked(it).own == UserInput(path="~/four.png")
        await answered(it, seen("own", note="four.png: there is no such file"))
        await it.shows("there is no such file")


async def test_the_temperature_is_on_plus_and_minus() -> None:
    async with lab(size=(120, 40)) as it:
        made = Made(prompt="def ", text="main():", temperature=0.8)
        answer = seen("made", pages=["made"], task="language_model", made=made, accepts="")
        view = await opened(it, answer)
        await it.shows("temperature 0.8", "def main():")
        said: list[tuple[str, int]] = []
        it.app.lab.nudge = lambda *change: said.append(change)  # type: ignore
        await it.press("plus", "minus")
        assert said == [("task.temperature", 1), ("task.temperature", -1)]
        assert view.check_action("warm", ()) and not view.check_action("own", ())


async def test_a_gan_s_judge_and_an_autoencoder_s_walk_are_drawn() -> None:
    async with lab(size=(120, 40)) as it:
        made = Made(
            bounds=[-1, 1, -1, 1], width=2, height=2, judged=[0.1, 0.9, 0.5, 0.4],
            real=[(0.5, 0.5)], drawn=[(-0.5, -0.5)], title="6 of 8 modes covered",
        )  # fmt: skip
        await opened(it, seen("made", pages=["made"], task="gan", made=made, accepts=""))
        await it.shows("6 of 8 modes covered", "drawn", "real")
        walk = Made(
            pixels=[bytes(range(0, 256, 4))] * 49, shape=[1, 8, 8], columns=7, title="right: code 1"
        )
        await answered(it, seen("made", pages=["examples", "made"], made=walk))
        await it.shows("right: code 1", "▀")
        none = seen("made", pages=["made"], note="Codes are rows of numbers.")
        await answered(it, none)
        await it.shows("Codes are rows of numbers.")
