"""The inspect pane: which view opens, what it requests, what is kept to compare."""

from typing import Any

import pytest

from tests.support.fakes import SIZES, Lab, history, open_lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse
from tuilab.core.protocol.inspect.layer_messages import LayerResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views import request_throttle
from tuilab.ui.views.layer.layer_view import LayerView
from tuilab.ui.views.registry import VIEWS
from tuilab.ui.views.request_throttle import RequestThrottle
from tuilab.ui.views.view import View


async def opened(lab: Any) -> str:
    """A run that is paused, with the pane in focus."""
    assert isinstance(lab, Lab)
    await lab.press("space")
    run = lab.link.run
    await lab.play(*history(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6")
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_its_key_opens_it_and_others_bring_the_charts_back(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as lab:
        await opened(lab)
        inside = lab.app.main_screen.panes.inspect
        assert inside.is_on_screen and not lab.app.main_screen.panes.result.is_on_screen
        assert lab.app.focused is inside.view

        await lab.press("3")
        assert lab.app.main_screen.panes.charts.is_on_screen and not inside.is_on_screen


async def test_every_view_opens_in_turn_and_only_the_one_on_screen_asks() -> None:
    async with open_lab() as lab:
        await opened(lab)
        inside = lab.app.main_screen.panes.inspect
        for _ in VIEWS:
            await lab.press("greater_than_sign")
            assert inside.view is not None
            assert [view for view in inside.query(View) if view.display] == [inside.view]
        assert len(inside.query(View)) == len(VIEWS)
        await lab.press("less_than_sign")
        assert inside.current == "units"

        await lab.press("3")
        asked = len(lab.link.commands(Inspect))
        for _ in range(3):
            await lab.play()
        assert len(lab.link.commands(Inspect)) == asked > 0


async def test_what_was_kept_stands_beside_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(view: View, response: InspectResponse, width: int, height: int) -> CellBuffer:
        cells = CellBuffer(width, height, view.draw_style.muted)
        cells.write(0, 0, f"drawn at {response.step}", view.draw_style.muted)
        return cells

    monkeypatch.setattr(LayerView, "draw_response", draw)
    async with open_lab() as lab:
        run = await opened(lab)
        await lab.play(LayerResponse(run, 100))
        await lab.press("b")
        await lab.play(Paused(run, 200), LayerResponse(run, 200))

        await lab.shows("step 100 (kept)", "step 200", "drawn at 100", "drawn at 200")
        await lab.press("b")
        assert "drawn at 100" not in lab.text


async def test_a_response_of_another_run_is_not_shown() -> None:
    async with open_lab() as lab:
        await opened(lab)
        await lab.play(LandscapeResponse("another-run", 5))

        assert lab.workspace.run.responses == {}


def test_a_request_is_sent_once_then_again_when_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(request_throttle.time, "monotonic", lambda: now)
    throttle = RequestThrottle()

    assert throttle.is_due("one", 1, None, is_training=False)
    assert not throttle.is_due("one", 1, None, is_training=False)  # it is under way
    assert not throttle.is_due("two", 1, None, is_training=False)
    now += request_throttle.TIMEOUT
    assert throttle.is_due("one", 1, None, is_training=False)  # it was lost
    answer = object()
    assert not throttle.is_due("one", 1, answer, is_training=False)
    assert throttle.is_due("one", 1, answer, is_training=False, is_unfinished=True)
    another = object()
    assert not throttle.is_due("one", 2, another, is_training=True)  # not so soon
    assert throttle.is_due("one", 2, another, is_training=False)


def test_what_costs_much_is_requested_rarely_but_something_else_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(request_throttle.time, "monotonic", lambda: now)
    throttle = RequestThrottle()
    assert throttle.is_due("one", 1, None, is_training=True)
    answer = object()
    now += 1
    assert not throttle.is_due("one", 2, answer, is_training=True, cost=0.2)
    assert throttle.is_due("two", 2, answer, is_training=True, cost=0.2)
    answer = object()
    now += 3.9
    assert not throttle.is_due("two", 3, answer, is_training=True, cost=0.2)
    now += 0.2
    assert throttle.is_due("two", 3, answer, is_training=True, cost=0.2)
