"""The view of units: what stands where, what the keys choose, and what is written."""

import re
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.style import Style
from syrupy.assertion import SnapshotAssertion
from textual.color import Color
from textual.widgets import Input

from tests.support.fakes import SIZES, Lab, history, lab
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.core.protocol.inspect.units_messages import Column, UnitsResponse
from tuilab.ui.app import TuilabApp
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.canvas.response_map import Brush, scaled
from tuilab.ui.terminal.glyphs import ASCII, UNICODE
from tuilab.ui.views.units.draw_units import UnitsPicture
from tuilab.ui.views.units.unit_positions import Spot, plan
from tuilab.ui.views.units.units_view import UnitsView

MOONS = Experiment(title="Moons", network=("Linear 4", "Tanh", "Linear 2"))
ACROSS = bytes(range(8, 256, 16)) * 16
"""From far below zero at the left to far above it at the right, 16 by 16."""

BLENDED = Hues(
    Color(0, 0, 0), Color(255, 255, 255), (Color(255, 128, 0), Color(0, 0, 255)),
    Style(), Style(), True,
)  # fmt: skip
FIRST = Spot()
BARE = replace(BLENDED, is_blended=False)


@pytest.fixture(autouse=True)
def _no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TuilabApp, "_beat", lambda *_: None)


def column(label: str, units: int, before: int = 0, **more: Any) -> Column:
    """Units whose weights go from -1 up, so that each is another."""
    weights = [[round((i * before + j) / 10 - 1, 2) for j in range(before)] for i in range(units)]
    shown = min(units, 48)
    responses = more.pop("responses", [ACROSS] * shown)
    return Column(
        label, units, more.pop("after", ""), more.pop("names", []),
        responses, [2.0] * len(responses), [0.25] * shown, [0.5] * shown,
        [0.75] * shown, weights=weights[:shown] if before else [],
        biases=[0.5] * shown if before else [],
    )  # fmt: skip


def seen(run: str = "a", step: int = 100, hidden: int = 4, **more: Any) -> UnitsResponse:
    """Two inputs, a hidden layer, two classes."""
    columns = [
        column("input", 2, names=["x1", "x2"]),
        column("1 Linear", hidden, 2, after="Tanh"),
        column("2 Linear", 2, hidden, names=["orange", "blue"]),
    ]
    bounds = [-6.0, 6.0, -6.0, 6.0]
    return UnitsResponse(run, step, more.pop("columns", columns), 16, 16, bounds, 200, **more)


def drawn(
    answer: UnitsResponse, size: tuple[int, int], spot: Spot = FIRST, hues: Hues = BARE,
    is_ascii: bool = False,
) -> str:  # fmt: skip
    brush = Brush(hues, ASCII if is_ascii else UNICODE)
    grid = UnitsPicture(answer, spot, brush, is_braille=not is_ascii).draw(*size)
    return "\n".join(strip.text.rstrip() for strip in grid.strips())


async def opened(it: Lab, answer: UnitsResponse | None = None) -> UnitsView:
    """The view with an answer, of a run that waits."""
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.desk.experiment, 100), Paused(run, 100))
    await it.press("6", "less_than_sign")
    answer = answer or seen()
    await it.play(msgspec.structs.replace(answer, run=run))
    view = it.app.lab.inside.view
    assert isinstance(view, UnitsView)
    return view


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_how_it_looks(size: tuple[int, int], screens: SnapshotAssertion) -> None:
    async with lab(MOONS, size=size) as it:
        view = await opened(it)
        await it.press("right", "i")

        assert "\n".join(strip.text.rstrip() for strip in view._strips) + "\n" == screens


async def test_arrows_and_clicks_choose_units_and_their_weights() -> None:
    async with lab(MOONS, size=(100, 30)) as it:
        view = await opened(it)
        assert "1 Linear, unit 1, after Tanh" in it.text
        await it.press("down", "down")
        assert view.spot == Spot(1, 2)
        assert "bias +0.5" in it.text and "75%" in it.text
        await it.press("up", "up", "up")
        assert view.spot == Spot(1, 3), "past the first comes the last"

        await it.press("i")
        await it.shows("x1 of input > unit 4", "weight -0.4")
        await it.press("down")
        await it.shows("x2 of input > unit 4", "weight -0.3")
        await it.press("left")
        assert view.spot == Spot(0, 1)
        await it.press("enter", "i", "right", "right", "i", "escape")
        assert view.spot == Spot(2, 1)
        assert it.link.commands(Assign) == [], "an input has no number to write"

        assert view._plan is not None
        x, y = view._plan.nodes[1, 3]
        await it.pilot.click(view, offset=(x + 1, y))
        await it.pilot.pause()
        assert view.spot == Spot(1, 3)


async def test_a_typed_number_is_sent_and_rubbish_is_refused() -> None:
    async with lab(MOONS, size=(100, 30)) as it:
        await opened(it)
        await it.press("right", "i", "i", "enter")
        await it.shows("Set a weight", "unit 2 of 1 Linear > orange")
        line = it.app.screen.query_one(Input)
        assert line.value == "-0.9"

        line.value = "nan"
        await it.press("enter")
        await it.shows("it has to be finite")
        assert it.link.commands(Assign) == []
        line.value = "1.5"
        await it.press("enter")
        assert it.link.commands(Assign) == [Assign("2 Linear", "weight", [0, 1], 1.5)]

        await it.press("escape", "plus", "plus", "minus")
        sent = it.link.commands(Assign)[1:]
        assert [(each.name, each.index) for each in sent] == [("bias", [0])] * 3
        assert [each.value for each in sent] == pytest.approx([0.6, 0.7, 0.6])
        await it.press("z")
        assert it.link.commands(Assign)[-1] == Assign()


async def test_after_a_weight_was_written_the_view_asks_again() -> None:
    async with lab(MOONS, size=(80, 24)) as it:
        view = await opened(it)
        run = it.link.run
        await it.play(seen(run))  # the answer to what was asked when it was opened
        asked = len(it.link.commands(Inspect))
        await it.play()
        assert len(it.link.commands(Inspect)) == asked

        await it.play(Assigned(run, 100, "1 Linear", "bias", [0], 0.5, 0.6))
        assert len(it.link.commands(Inspect)) == asked + 1

        await it.press("b")
        assert it.text.count("1 Linear, unit 1") == 2, "two moments stand beside each other"
        await it.press("b")
        await it.play(seen(run, columns=[], note="This network has no Linear layer."))
        await it.press("down", "i", "left", "enter", "plus")
        assert "This network has no Linear layer." in it.text
        assert view.spot == Spot() and it.link.commands(Assign) == []


def test_sign_and_size_of_a_weight_are_told_without_colour() -> None:
    def wires(weight: float) -> str:
        columns = [column("input", 1, names=["x1"]), column("1 Linear", 1, 1)]
        columns[1].weights[0][0] = weight
        big = column("1 Linear", 2, 1)
        big.weights[:] = [[weight], [1.0]]
        text = drawn(seen(columns=[columns[0], big]), (60, 14), Spot(0, 0), is_ascii=True)
        return "".join(re.findall(r"[-=.:]{3,}", text.split("x1 of")[0].splitlines()[3]))

    assert len({wires(0.1), wires(0.9), wires(-0.1), wires(-0.9)}) == 4


def test_a_class_that_is_called_by_a_number_is_told_with_its_unit() -> None:
    answer = seen(columns=[column("input", 1, names=["x"]), column("1 Linear", 2, 1)])
    answer.columns[1].names[:] = ["0", "cat"]

    assert "1 Linear, unit 1 (0)" in drawn(answer, (80, 20), Spot(1, 0))
    assert "1 Linear, cat" in drawn(answer, (80, 20), Spot(1, 1))
    assert "x of input > unit 1 (0) of 1 Linear" in drawn(answer, (80, 20), Spot(1, 0, 0))


def test_below_and_above_zero_are_told_without_colour() -> None:
    text = drawn(seen(), (60, 20), is_ascii=True)

    assert text.isascii()
    assert "=-.*" in text


def test_a_column_that_is_too_tall_says_what_is_missing_and_follows_the_choice() -> None:
    answer = seen(hidden=60)

    first = drawn(answer, (80, 20), Spot(1, 0))
    last = drawn(answer, (80, 20), Spot(1, 47))

    assert re.search(r"\+\d\d more", first) and "[" in first
    assert "unit 48" in last and "[" in last
    shown = len(
        [place for place in plan(answer.columns, (0, 1, 80, 15), Spot()).nodes if place[0] == 1]
    )
    assert f"+{60 - shown}" in drawn(answer, (80, 20 + 1), Spot(1, 0)) or shown < 48


def test_a_deep_network_shows_the_columns_around_the_choice() -> None:
    columns = [column("input", 2)] + [column(f"{n} Linear", 3, 3) for n in range(1, 11)]

    text = drawn(seen(columns=columns), (60, 20), Spot(9, 0))

    assert "9 Linear" in text and "10 Linear" in text
    assert "1 Linear" not in text.replace("10 Linear", "").splitlines()[0].replace("+", " +")


def test_a_line_is_drawn_as_the_area_between_it_and_zero() -> None:
    line = bytes([1, 128, 255])

    picture = scaled(line, (3, 1), 3, 4)

    signs = ["".join("-" if v < 0 else "+" if v > 0 else " " for v in row) for row in picture]
    assert signs == ["  +", "  +", "-  ", "-  "]


def test_units_without_a_plane_show_their_mean() -> None:
    columns = [column("input", 3, responses=[]), column("1 Linear", 2, 3, responses=[])]

    text = drawn(seen(columns=columns, note="This data has no plane."), (60, 20))

    assert text.count("+0.25") >= 5 and "no plane" in text
    assert "farthest" not in text


def test_weights_that_are_not_finite_are_said_and_not_drawn() -> None:
    answer = seen()
    answer.columns[1].weights[0][0] = float("nan")
    answer.columns[1].biases[0] = float("inf")

    answer.columns[1].means[1] = float("nan")

    assert "weight NaN" in drawn(answer, (80, 20), Spot(1, 0, 0))
    broken = drawn(answer, (80, 20), Spot(1, 1))
    assert "answers are not finite" in broken and "above 0" not in broken
    assert "bias inf" in drawn(answer, (80, 20), Spot(1, 0))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 50), min_size=2, max_size=8), st.integers(1, 150), st.integers(1, 45),
    st.booleans(), st.integers(0, 9), st.integers(0, 60), st.none() | st.integers(0, 60),
)  # fmt: skip
def test_any_network_is_drawn_and_fits(
    units: list[int], width: int, height: int, is_blended: bool, at: int, unit: int,
    source: int | None,
) -> None:  # fmt: skip
    columns = [
        column(f"{n} Linear", count, units[n - 1] if n else 0) for n, count in enumerate(units)
    ]
    spot = Spot(at, unit, source).within(columns)
    hues = BLENDED if is_blended else BARE

    picture = UnitsPicture(seen(columns=columns), spot, Brush(hues, UNICODE), is_braille=True)
    strips = picture.draw(width, height).strips()

    assert [strip.cell_length for strip in strips] == [width] * height
