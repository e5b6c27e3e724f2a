"""The view of units: its drawing, what the keys select, and setting weights."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion
from textual.geometry import Region
from textual.widgets import Input

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet
from tuilab.core.protocol.inspect.units_messages import UnitColumn, UnitsResponse
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.response_map import resize_response
from tuilab.ui.views.units.draw_units import UnitsDrawing
from tuilab.ui.views.units.unit_positions import Selection, place_units
from tuilab.ui.views.units.units_view import UnitsView

MOONS = Experiment(title="Moons", network=("Linear 4", "Tanh", "Linear 2"))
ACROSS = bytes(range(8, 256, 16)) * 16
"""From far below zero at the left to far above it at the right, 16 by 16."""

FIRST = Selection()


pytestmark = pytest.mark.usefixtures("no_lag")


def column(label: str, units: int, inputs: int = 0, **fields: Any) -> UnitColumn:
    """Builds units with weights from -1 up, so that all differ."""
    weights = [[round((i * inputs + j) / 10 - 1, 2) for j in range(inputs)] for i in range(units)]
    drawn_units = min(units, 48)
    responses = fields.pop("responses", [ACROSS] * drawn_units)
    return UnitColumn(
        label, units, fields.pop("after", ""), fields.pop("names", []),
        responses, [2.0] * len(responses), [0.25] * drawn_units, [0.5] * drawn_units,
        [0.75] * drawn_units, weights=weights[:drawn_units] if inputs else [],
        biases=[0.5] * drawn_units if inputs else [],
    )  # fmt: skip


def make_response(run: str = "a", step: int = 100, hidden: int = 4, **fields: Any) -> UnitsResponse:
    """Two inputs, a hidden layer, two classes."""
    columns = [
        column("input", 2, names=["x1", "x2"]),
        column("1 Linear", hidden, 2, after="Tanh"),
        column("2 Linear", 2, hidden, names=["orange", "blue"]),
    ]
    bounds = [-6.0, 6.0, -6.0, 6.0]
    return UnitsResponse(run, step, fields.pop("columns", columns), 16, 16, bounds, 200, **fields)


def draw_text(
    response: UnitsResponse, size: tuple[int, int], selection: Selection = FIRST,
    style: DrawStyle = COLORLESS,
) -> str:  # fmt: skip
    cells = UnitsDrawing(response, selection, style).draw(*size)
    return "\n".join(strip.text.rstrip() for strip in cells.strips())


async def open_view(lab: Lab, response: UnitsResponse | None = None) -> UnitsView:
    """Opens the view of a paused run, with a response."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6", "less_than_sign")
    response = response or make_response()
    await lab.play(msgspec.structs.replace(response, run=run))
    view = lab.app.main_screen.panes.inspect.view
    assert isinstance(view, UnitsView)
    return view


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_screen(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with open_lab(MOONS, size=size) as lab:
        view = await open_view(lab)
        await lab.press("right", "i")

        assert "\n".join(strip.text.rstrip() for strip in view._strips) + "\n" == snapshot


async def test_arrows_and_clicks_choose_units_and_their_weights() -> None:
    async with open_lab(MOONS, size=(100, 30)) as lab:
        view = await open_view(lab)
        assert "1 Linear, unit 1, after Tanh" in lab.text
        await lab.press("down", "down")
        assert view.selection == Selection(1, 2)
        assert "bias +0.5" in lab.text and "75%" in lab.text
        await lab.press("up", "up", "up")
        assert view.selection == Selection(1, 3), "past the first comes the last"

        await lab.press("i")
        await lab.wait_for_text("x1 of input > unit 4", "weight -0.4")
        await lab.press("down")
        await lab.wait_for_text("x2 of input > unit 4", "weight -0.3")
        await lab.press("left")
        assert view.selection == Selection(0, 1)
        await lab.press("enter", "i", "right", "right", "i", "escape")
        assert view.selection == Selection(2, 1)
        assert lab.link.commands(SetWeight) == [], "an input has no number to write"

        assert view._layout is not None
        node = view._layout.nodes[1, 3]
        await lab.pilot.click(view, offset=(node.x + 1, node.y))
        await lab.pilot.pause()
        assert view.selection == Selection(1, 3)


async def test_a_typed_number_is_sent_and_invalid_text_is_refused() -> None:
    async with open_lab(MOONS, size=(100, 30)) as lab:
        await open_view(lab)
        await lab.press("right", "i", "i", "enter")
        await lab.wait_for_text("Set a weight", "unit 2 of 1 Linear > orange")
        line = lab.app.screen.query_one(Input)
        assert line.value == "-0.9"

        line.value = "nan"
        await lab.press("enter")
        await lab.wait_for_text("must be finite")
        assert lab.link.commands(SetWeight) == []
        line.value = "1.5"
        await lab.press("enter")
        assert lab.link.commands(SetWeight) == [SetWeight("2 Linear", "weight", [0, 1], 1.5)]

        await lab.press("escape", "plus", "plus", "minus")
        sent = lab.link.commands(SetWeight)[1:]
        assert [(command.parameter, command.index) for command in sent] == [("bias", [0])] * 3
        assert [command.value for command in sent] == pytest.approx([0.6, 0.7, 0.6])
        await lab.press("z")
        assert lab.link.commands(SetWeight)[-1] == SetWeight()


async def test_after_a_weight_was_set_the_view_requests_again() -> None:
    async with open_lab(MOONS, size=(80, 24)) as lab:
        view = await open_view(lab)
        run = lab.link.run
        await lab.play(make_response(run))  # the response to the request of opening
        count = len(lab.link.commands(Inspect))
        await lab.play()
        assert len(lab.link.commands(Inspect)) == count

        await lab.play(WeightSet(run, 100, "1 Linear", "bias", [0], 0.5, 0.6))
        assert len(lab.link.commands(Inspect)) == count + 1

        await lab.press("b")
        assert lab.text.count("1 Linear, unit 1") == 2, "two snapshots are beside each other"
        await lab.press("b")
        await lab.play(make_response(run, columns=[], note="This network has no Linear layer."))
        await lab.press("down", "i", "left", "enter", "plus")
        assert "This network has no Linear layer." in lab.text
        assert view.selection == Selection() and lab.link.commands(SetWeight) == []


def test_sign_and_size_of_a_weight_are_visible_without_color() -> None:
    def lines(weight: float) -> str:
        columns = [column("input", 1, names=["x1"]), column("1 Linear", 1, 1)]
        columns[1].weights[0][0] = weight
        big = column("1 Linear", 2, 1)
        big.weights[:] = [[weight], [1.0]]
        text = draw_text(
            make_response(columns=[columns[0], big]), (60, 14), Selection(0, 0), style=ASCII_ONLY
        )
        return "".join(re.findall(r"[-=.:]{3,}", text.split("x1 of")[0].splitlines()[3]))

    assert len({lines(0.1), lines(0.9), lines(-0.1), lines(-0.9)}) == 4


def test_a_class_named_by_a_number_is_shown_with_its_unit() -> None:
    response = make_response(columns=[column("input", 1, names=["x"]), column("1 Linear", 2, 1)])
    response.columns[1].names[:] = ["0", "cat"]

    assert "1 Linear, unit 1 (0)" in draw_text(response, (80, 20), Selection(1, 0))
    assert "1 Linear, cat" in draw_text(response, (80, 20), Selection(1, 1))
    assert "x of input > unit 1 (0) of 1 Linear" in draw_text(
        response, (80, 20), Selection(1, 0, 0)
    )


def test_negative_and_positive_differ_without_color() -> None:
    text = draw_text(make_response(), (60, 20), style=ASCII_ONLY)

    assert text.isascii()
    assert "=-.*" in text


def test_a_tall_column_counts_hidden_units_and_follows_the_selection() -> None:
    response = make_response(hidden=60)

    first = draw_text(response, (80, 20), Selection(1, 0))
    last = draw_text(response, (80, 20), Selection(1, 47))

    assert re.search(r"\+\d\d more", first) and "[" in first
    assert "unit 48" in last and "[" in last
    layout = place_units(response.columns, Region(0, 1, 80, 15), Selection())
    visible = len([unit for unit in layout.nodes if unit[0] == 1])
    assert f"+{60 - visible}" in draw_text(response, (80, 20 + 1), Selection(1, 0)) or visible < 48


def test_a_deep_network_shows_the_columns_around_the_selection() -> None:
    columns = [column("input", 2)] + [column(f"{n} Linear", 3, 3) for n in range(1, 11)]

    text = draw_text(make_response(columns=columns), (60, 20), Selection(9, 0))

    assert "9 Linear" in text and "10 Linear" in text
    assert "1 Linear" not in text.replace("10 Linear", "").splitlines()[0].replace("+", " +")


def test_a_line_is_drawn_as_the_area_between_it_and_zero() -> None:
    line = bytes([1, 128, 255])

    picture = resize_response(line, (3, 1), 3, 4)

    rows = ["".join("-" if v < 0 else "+" if v > 0 else " " for v in row) for row in picture]
    assert rows == ["  +", "  +", "-  ", "-  "]


def test_units_without_a_plane_show_their_mean() -> None:
    columns = [column("input", 3, responses=[]), column("1 Linear", 2, 3, responses=[])]

    text = draw_text(make_response(columns=columns, note="This data has no plane."), (60, 20))

    assert text.count("+0.25") >= 5 and "no plane" in text
    assert "farthest" not in text


def test_weights_that_are_not_finite_are_reported_and_not_drawn() -> None:
    response = make_response()
    response.columns[1].weights[0][0] = float("nan")
    response.columns[1].biases[0] = float("inf")

    response.columns[1].means[1] = float("nan")

    assert "weight NaN" in draw_text(response, (80, 20), Selection(1, 0, 0))
    broken = draw_text(response, (80, 20), Selection(1, 1))
    assert "outputs are no longer finite" in broken and "above 0" not in broken
    assert "bias inf" in draw_text(response, (80, 20), Selection(1, 0))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=8), st.integers(1, 150), st.integers(1, 45),
    st.booleans(), st.integers(0, 9), st.integers(0, 60), st.none() | st.integers(0, 60),
)  # fmt: skip
def test_any_network_is_drawn_and_fits(
    units: list[int], width: int, height: int, has_color: bool, at: int, unit: int,
    source: int | None,
) -> None:  # fmt: skip
    columns = [
        column(f"{n} Linear", count, units[n - 1] if n else 0) for n, count in enumerate(units)
    ]
    selection = Selection(at, unit, source).clamp(columns)
    style = COLORED if has_color else COLORLESS

    drawing = UnitsDrawing(make_response(columns=columns), selection, style)
    strips = drawing.draw(width, height).strips()

    assert [strip.cell_length for strip in strips] == [width] * height


def test_names_are_whole_beside_free_columns_and_different_without() -> None:
    names = ["color=green", "color=red", "organic=no", "organic=yes"]
    columns = [column("input", 4, names=names), column("1 Linear", 2, 4, names=["Ankle boot", "b"])]
    response = make_response(columns=columns)

    wide = draw_text(response, (100, 20))
    assert all(name in wide for name in (*names, "Ankle boot"))
    cut = [text for text in (draw_text(response, (n, 20)) for n in range(30, 70)) if "…no" in text]
    assert cut and all("…yes" in text for text in cut)
