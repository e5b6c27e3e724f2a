"""The view that goes through one training step: its keys, texts, tables and graph."""

from math import nan

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.backprop_messages import (
    BackpropRequest,
    BackpropResponse,
    Derivation,
    Edge,
    Node,
    NumberColumn,
    NumberTable,
    Phase,
)
from tuilab.ui.views.backprop.backprop_view import BackpropView

PRODUCTS = Derivation(
    "z", ["1", "2", "bias"],
    [NumberColumn("w", [0.5, -0.25, nan]), NumberColumn("a", [2.0, 1.0, nan]),
     NumberColumn("w*a", [1.0, -0.25, 0.1])],
    "sum = 0.85",
)  # fmt: skip

UPDATE_PARTS = Derivation(
    "where it came from",
    ["gradient of the loss", "momentum v before", "update by the gradient",
     "update by the momentum", "update in all", "old weight", "new weight"],
    [NumberColumn("", [0.2, 0.1, -0.02, -0.009, -0.029, 0.5, 0.471])],
)  # fmt: skip


def table(
    title: str, *columns: NumberColumn, total: int = 0, derivations: list[Derivation] | None = None
) -> NumberTable:
    rows = len(columns[0].values)
    names = [str(row + 1) for row in range(rows)]
    return NumberTable(
        title, [total or rows], 0, total or rows, names, list(columns), derivations or []
    )


def phases() -> list[Phase]:
    z = NumberColumn("z", [0.85, -1.5])
    a = NumberColumn("a", [0.691, -0.905])
    back = NumberColumn("dL/dz", [0.0125, -0.0625])
    weights = table("dL/dweight", NumberColumn("weight", [0.5] * 24),
                    NumberColumn("dL/dweight", [0.2] * 24), total=64)  # fmt: skip
    update = table(
        "1 Linear weight", NumberColumn("w", [0.5, 0.25]), NumberColumn("dL/dw", [0.2, -0.1]),
        NumberColumn("update", [-0.029, 0.01]), NumberColumn("new w", [0.471, 0.26]),
        derivations=[UPDATE_PARTS, UPDATE_PARTS],
    )  # fmt: skip
    return [
        Phase("batch", "", "", ["[10, 2]"], tables=[table("input", NumberColumn("x", [2.0, 1.0]))],
              facts=["Example 1 of 10; it is number 7 of the training examples."],
              has_numbers=True),
        Phase("forward", "1 Linear", "Linear", ["[10, 2]", "[10, 2]"], has_numbers=True,
              tables=[table("z", z, derivations=[PRODUCTS, PRODUCTS]),
                      table("a", NumberColumn("a", [2.0, 1.0]))]),
        Phase("forward", "Tanh", "Tanh", ["[10, 2]", "[10, 2]"], has_numbers=True,
              tables=[table("a", z, a, NumberColumn("f'(z)", [0.522, nan]))]),
        Phase("loss", "", "CrossEntropy", ["[10, 2]", "one number"], has_numbers=True,
              tables=[table("output", z, back)], facts=["The loss of this example is 0.7."]),
        Phase("backward", "1 Linear", "Linear", ["[10, 2]", "[32, 2]"], gradient_of="weights",
              has_numbers=True, tables=[table("dL/dz", back), weights]),
        Phase("optimizer", "1 Linear weight", "SGD", ["[32, 2]"], has_numbers=True, tables=[update],
              facts=["The learning rate is 0.1."]),
        Phase("weights", "", "", []),
    ]  # fmt: skip


NODES = [
    Node("NllLossBackward0", "", [], 1, [0.7], [1.0], [Edge(1, [], [0.0, -0.1])]),
    Node("TanhBackward0", "", [10, 2], 20, [0.691, -0.905], [0.0125, -0.0625],
         [Edge(2, [0.5, 0.2], [0.00625, -0.0125])], "Tanh"),
    Node("AddmmBackward0", "", [10, 2], 20, [0.85, -1.5], [0.00625, -0.0125],
         [Edge(3, [], [0.2, 0.1]), Edge(-1, [], [0.3], [[0.5, -0.25], [1.0, 2.0]])], "1 Linear"),
    Node("torch::autograd::AccumulateGrad", "1 Linear bias", [2], 2, [0.1, 0.2], [0.2, 0.1]),
]  # fmt: skip


def make_response(run: str, **fields: object) -> BackpropResponse:
    response = BackpropResponse(run, 100, 0, 10, 0, [], phases(), NODES, 3)
    return replace(response, **fields)


async def open_view(lab: Lab, **fields: object) -> tuple[str, BackpropView]:
    """Opens the view with a response; returns the run's id and the view."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6", "greater_than_sign", "greater_than_sign")
    await lab.play(make_response(run, **fields))
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, BackpropView)
    return run, view


def view_text(view: BackpropView) -> str:
    """Returns the text of the view."""
    rows = ("".join(glyph for glyph, _ in row).rstrip() for row in view._cells.rows)
    return "\n".join(rows).rstrip() + "\n"


def last_request(lab: Lab) -> BackpropRequest:
    request = lab.link.commands(Inspect)[-1].request
    assert isinstance(request, BackpropRequest)
    return request


@pytest.mark.parametrize("size", SIZES)
async def test_a_walk_through_a_step(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(size=size) as lab:
        _, view = await open_view(lab)
        await lab.wait_for_text("[batch]", "example 1/10", "is number 7")
        await lab.press("right")
        await lab.wait_for_text("[forward]", "[1 Linear]", "z = a·Wᵀ + b", "w·a", "sum = 0.85")
        assert view_text(view) == snapshot(name=f"forward-{size[0]}")
        await lab.press("enter")
        await lab.wait_for_text("[loss]", "softmax", "The loss of this example is 0.7.")
        await lab.press("enter", "w")
        await lab.wait_for_text("[backward]", "1 Linear to weights", "dL/dW", "1-24 of 64")
        await lab.press("enter", "down")
        await lab.wait_for_text(
            "[optimizer]", "▸ 2", "update by the momentum", "-0.009", "old weight"
        )
        await lab.press("enter")
        await lab.wait_for_text("[new weights]", "on their way")
        await lab.press("home")
        await lab.wait_for_text("[batch]")


@pytest.mark.parametrize("size", SIZES)
async def test_the_graph(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(size=size) as lab:
        _, view = await open_view(lab)
        await lab.press("g", "right", "down")
        await lab.wait_for_text("element 2", "▸ Tanh", "-0.0625 · 0.2 = -0.0125")
        assert view_text(view) == snapshot(name=f"graph-{size[0]}")
        await lab.press("right")
        await lab.wait_for_text("back along the weights 1 2", "1 Linear bias: product 0.1")
        await lab.press("g")
        await lab.wait_for_text("[batch]")


async def test_keys_request_another_example_slice_or_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuilab.ui.views.request_throttle.TIMEOUT", 0.0)
    async with open_lab() as lab:
        run, view = await open_view(lab)
        await lab.press("i", "pagedown", "g")
        await lab.play(make_response(run))
        await lab.wait_until(
            lambda: (
                last_request(lab)
                == BackpropRequest(1, 0, 1, 0, True, last_request(lab).knob_changes)
            )
        )
        await lab.press("I", "I", "pageup", "g")
        assert (view.example, view.slice) == (9, 0)

        await lab.press("t")
        await lab.wait_for_text("only one optimizer phase")
        await lab.play(make_response(run, optimizer_phases=["the discriminator", "the generator"]))
        await lab.wait_for_text("t: the discriminator")
        await lab.press("t")
        assert view.optimizer_phase == 1


async def test_what_cannot_be_shown_is_explained() -> None:
    async with open_lab() as lab:
        run, _ = await open_view(lab, phases=[], nodes=[], note="There is no next step.")
        await lab.wait_for_text("There is no next step.")
        await lab.press("right", "enter", "down", "w", "g", "i", "pagedown")
        await lab.play(make_response(run, nodes=[], note="This engine shows less."))
        await lab.wait_for_text("This engine shows less.")
        await lab.press("g")
        await lab.wait_for_text("No gradient flows here")


@pytest.mark.parametrize(
    "size",
    [(36, 10), *(pytest.param(size, marks=pytest.mark.slow) for size in ((60, 16), (150, 45)))],
)
async def test_every_phase_is_drawn_in_any_size(size: tuple[int, int]) -> None:
    async with open_lab() as lab:
        _, view = await open_view(lab)
        assert view.response is not None
        for key in ["right"] * 6 + ["g"] + ["right"] * 4:
            cells = view.draw_response(view.response, *size)
            assert (cells.width, cells.height) == size
            assert any(glyph.strip() for row in cells.rows[2:] for glyph, _ in row)
            await lab.press(key)


async def test_two_snapshots_are_side_by_side() -> None:
    async with open_lab() as lab:
        run, _ = await open_view(lab)
        await lab.press("right", "b")
        await lab.play(Paused(run, 200), replace(make_response(run), step=200))
        await lab.wait_for_text("step 100 (kept)", "step 200")
        assert lab.text.count("[1 Linear]") == 2


@pytest.mark.parametrize("variable", ["TUILAB_GLYPHS", "NO_COLOR"])
async def test_the_view_is_readable_without_glyphs_or_colors(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ascii")
    async with open_lab() as lab:
        _, view = await open_view(lab)
        await lab.press("right")
        await lab.wait_for_text("[forward]", "sum = 0.85")
        assert view.response is not None
        cells = view.draw_response(view.response, 100, 30)
        text = "".join(glyph for row in cells.rows for glyph, _ in row)
        assert text.isascii() == (variable == "TUILAB_GLYPHS")


async def test_a_selected_layer_is_shown_with_the_next_response() -> None:
    async with open_lab() as lab:
        run, view = await open_view(lab)
        assert view.position.phase == 0
        view.select_layer("1 Linear")
        await lab.play(make_response(run))
        assert view.position.phase == 4, "where the gradient passes 1 Linear"
        view.select_layer("9 Linear")
        await lab.play(make_response(run))
        assert view.position.phase == 4, "there is no such layer: where it was"


async def test_without_a_step_no_key_of_one_is_offered() -> None:
    async with open_lab(size=(160, 45)) as lab:
        _, view = await open_view(lab, phases=[], nodes=[], note="The run is over.")
        await lab.wait_for_text("The run is over.")
        assert "next part" not in lab.text and "g graph" not in lab.text
        assert view.check_action("keep", ()) is True


async def test_all_parts_of_a_step_have_names_in_little_room() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await open_view(lab, optimizer_phases=["discriminator", "generator"])
        await lab.wait_for_text("fwd", "loss", "bwd", "optim", "weights")
