"""The view that walks through one training step: keys, words, tables, the graph."""

from math import nan

import pytest
from msgspec.structs import replace
from syrupy.assertion import SnapshotAssertion

from tests.support.fakes import SIZES, Lab, history, lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.backprop_messages import (
    BackpropRequest,
    BackpropResponse,
    Edge,
    Node,
    Numbers,
    Origin,
    Phase,
    Table,
)
from tuilab.ui.views.backprop.backprop_view import BackpropView

PRODUCTS = Origin(
    "z", ["1", "2", "bias"],
    [Numbers("w", [0.5, -0.25, nan]), Numbers("a", [2.0, 1.0, nan]),
     Numbers("w*a", [1.0, -0.25, 0.1])],
    "sum = 0.85",
)  # fmt: skip

CAME_FROM = Origin(
    "where it came from",
    ["gradient of the loss", "momentum v before", "update by the gradient",
     "update by the momentum", "update in all", "old weight", "new weight"],
    [Numbers("", [0.2, 0.1, -0.02, -0.009, -0.029, 0.5, 0.471])],
)  # fmt: skip


def table(
    title: str, *columns: Numbers, total: int = 0, origins: list[Origin] | None = None
) -> Table:
    rows = len(columns[0].values)
    names = [str(row + 1) for row in range(rows)]
    return Table(title, [total or rows], 0, total or rows, names, list(columns), origins or [])


def phases() -> list[Phase]:
    z = Numbers("z", [0.85, -1.5])
    a = Numbers("a", [0.691, -0.905])
    back = Numbers("dL/dz", [0.0125, -0.0625])
    weights = table("dL/dweight", Numbers("weight", [0.5] * 24),
                    Numbers("dL/dweight", [0.2] * 24), total=64)  # fmt: skip
    moved = table("1 Linear weight", Numbers("w", [0.5, 0.25]), Numbers("dL/dw", [0.2, -0.1]),
                  Numbers("update", [-0.029, 0.01]), Numbers("new w", [0.471, 0.26]),
                  origins=[CAME_FROM, CAME_FROM])  # fmt: skip
    of_layer = {"label": "1 Linear", "kind": "Linear"}
    return [
        Phase("batch", "", "", ["[10, 2]"], tables=[table("input", Numbers("x", [2.0, 1.0]))],
              facts=["Example 1 of 10; it is number 7 of the training examples."], is_told=True),
        Phase("forward", **of_layer, shapes=["[10, 2]", "[10, 2]"], is_told=True,
              tables=[table("z", z, origins=[PRODUCTS, PRODUCTS]),
                      table("a", Numbers("a", [2.0, 1.0]))]),
        Phase("forward", "Tanh", "Tanh", ["[10, 2]", "[10, 2]"], is_told=True,
              tables=[table("a", z, a, Numbers("f'(z)", [0.522, nan]))]),
        Phase("loss", "", "CrossEntropy", ["[10, 2]", "one number"], is_told=True,
              tables=[table("output", z, back)], facts=["The loss of this example is 0.7."]),
        Phase("backward", **of_layer, shapes=["[10, 2]", "[32, 2]"], towards="weights",
              is_told=True, tables=[table("dL/dz", back), weights]),
        Phase("optimizer", "1 Linear weight", "SGD", ["[32, 2]"], is_told=True, tables=[moved],
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


def seen(run: str, **more: object) -> BackpropResponse:
    whole = BackpropResponse(run, 100, 0, 10, 0, [], phases(), NODES, 3)
    return replace(whole, **more)


async def opened(it: Lab, **more: object) -> tuple[str, BackpropView]:
    """The view in focus, with an answer."""
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.desk.experiment, 100), Paused(run, 100))
    await it.press("6", "greater_than_sign", "greater_than_sign")
    await it.play(seen(run, **more))
    view = it.app.lab.inside.view
    assert isinstance(view, BackpropView)
    return run, view


def drawn(view: BackpropView) -> str:
    """What stands in the view."""
    rows = ("".join(sign for sign, _ in row).rstrip() for row in view._grid.cells)
    return "\n".join(rows).rstrip() + "\n"


def asked(it: Lab) -> BackpropRequest:
    wanted = it.link.commands(Inspect)[-1].request
    assert isinstance(wanted, BackpropRequest)
    return wanted


@pytest.mark.parametrize("size", SIZES)
async def test_a_walk_through_a_step(size: tuple[int, int], screens: SnapshotAssertion) -> None:
    async with lab(size=size) as it:
        _, view = await opened(it)
        await it.shows("[batch]", "example 1/10", "is number 7")
        await it.press("right")
        await it.shows("[forward]", "[1 Linear]", "z = a·Wᵀ + b", "w·a", "sum = 0.85")
        assert drawn(view) == screens(name=f"forward-{size[0]}")
        await it.press("enter")
        await it.shows("[loss]", "softmax", "The loss of this example is 0.7.")
        await it.press("enter", "w")
        await it.shows("[backward]", "1 Linear to weights", "dL/dW", "1-24 of 64")
        await it.press("enter", "down")
        await it.shows("[optimizer]", "▸ 2", "update by the momentum", "-0.009", "old weight")
        await it.press("enter")
        await it.shows("[new weights]", "on their way")
        await it.press("home")
        await it.shows("[batch]")


@pytest.mark.parametrize("size", SIZES)
async def test_the_graph(size: tuple[int, int], screens: SnapshotAssertion) -> None:
    async with lab(size=size) as it:
        _, view = await opened(it)
        await it.press("g", "right", "down")
        await it.shows("element 2", "▸ Tanh", "-0.0625 · 0.2 = -0.0125")
        assert drawn(view) == screens(name=f"graph-{size[0]}")
        await it.press("right")
        await it.shows("back along the weights 1 2", "1 Linear bias: product 0.1")
        await it.press("g")
        await it.shows("[batch]")


async def test_keys_ask_for_another_example_slice_or_graph(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuilab.ui.views.request_throttle.PATIENCE", 0.0)
    async with lab() as it:
        run, view = await opened(it)
        await it.press("i", "pagedown", "g")
        await it.play(seen(run))
        await it.until(lambda: asked(it) == BackpropRequest(1, 0, 1, 0, True, asked(it).changes))
        await it.press("I", "I", "pageup", "g")
        assert (view.example, view.slice) == (9, 0)

        await it.press("t")
        await it.shows("one turn only")
        await it.play(seen(run, turns=["the discriminator", "the generator"]))
        await it.shows("t: the discriminator")
        await it.press("t")
        assert view.turn == 1


async def test_what_cannot_be_shown_is_said() -> None:
    async with lab() as it:
        run, _ = await opened(it, phases=[], nodes=[], note="There is no next step.")
        await it.shows("There is no next step.")
        await it.press("right", "enter", "down", "w", "g", "i", "pagedown")
        await it.play(seen(run, nodes=[], note="This engine shows less."))
        await it.shows("This engine shows less.")
        await it.press("g")
        await it.shows("No gradient flows here")


@pytest.mark.parametrize("size", [(36, 10), (60, 16), (150, 45)])
async def test_every_phase_is_drawn_in_any_size(size: tuple[int, int]) -> None:
    async with lab() as it:
        _, view = await opened(it)
        assert view.seen is not None
        for key in ["right"] * 6 + ["g"] + ["right"] * 4:
            grid = view.picture(view.seen, *size)
            assert (grid.width, grid.height) == size
            assert any(sign.strip() for row in grid.cells[2:] for sign, _ in row)
            await it.press(key)


async def test_two_moments_stand_beside_each_other() -> None:
    async with lab() as it:
        run, _ = await opened(it)
        await it.press("right", "b")
        await it.play(Paused(run, 200), replace(seen(run), step=200))
        await it.shows("step 100 (kept)", "step 200")
        assert it.text.count("[1 Linear]") == 2


@pytest.mark.parametrize("variable", ["TUILAB_GLYPHS", "NO_COLOR"])
async def test_it_is_read_without_signs_or_colours(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ascii")
    async with lab() as it:
        _, view = await opened(it)
        await it.press("right")
        await it.shows("[forward]", "sum = 0.85")
        assert view.seen is not None
        grid = view.picture(view.seen, 100, 30)
        text = "".join(sign for row in grid.cells for sign, _ in row)
        assert text.isascii() == (variable == "TUILAB_GLYPHS")


async def test_it_turns_to_a_layer_as_soon_as_a_step_is_told() -> None:
    async with lab() as it:
        run, view = await opened(it)
        assert view.stand.phase == 0
        view.aim("1 Linear")
        await it.play(seen(run))
        assert view.stand.phase == 4, "where the gradient passes 1 Linear"
        view.aim("9 Linear")
        await it.play(seen(run))
        assert view.stand.phase == 4, "there is no such layer: where it was"
