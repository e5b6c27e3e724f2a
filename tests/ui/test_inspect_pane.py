"""The inspect pane: which view opens, what it requests, what is kept to compare."""

import pytest

from tests.support.fake_link import training_events
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse
from tuilab.core.protocol.inspect.layer_messages import LayerResponse
from tuilab.core.protocol.inspect.request import InspectRequest
from tuilab.core.protocol.inspect.result_messages import ResultRequest
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views import request_throttle
from tuilab.ui.views.layer.layer_view import LayerView
from tuilab.ui.views.registry import VIEWS
from tuilab.ui.views.request_throttle import RequestThrottle
from tuilab.ui.views.view import View


async def open_paused_run(lab: Lab) -> str:
    """Plays a run that is paused and focuses the pane; returns the run's id."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 100), Paused(run, 100))
    await lab.press("6")
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_its_key_opens_the_pane_and_other_keys_bring_the_charts_back(
    size: tuple[int, int],
) -> None:
    async with open_lab(size=size) as lab:
        await open_paused_run(lab)
        inspect = lab.app.main_screen.panes.inspect
        assert inspect.is_on_screen and not lab.app.main_screen.panes.result.is_on_screen
        assert lab.app.focused is inspect.view

        await lab.press("3")
        assert lab.app.main_screen.panes.charts.is_on_screen and not inspect.is_on_screen


def view_requests(lab: Lab) -> list[InspectRequest]:
    requests = [command.request for command in lab.link.commands(Inspect)]
    return [request for request in requests if not isinstance(request, ResultRequest)]


async def test_every_view_can_be_opened_and_only_the_one_on_screen_sends_requests() -> None:
    async with open_lab() as lab:
        await open_paused_run(lab)
        inspect = lab.app.main_screen.panes.inspect
        for _ in VIEWS:
            await lab.press("greater_than_sign")
            assert inspect.view is not None
            assert [view for view in inspect.query(View) if view.display] == [inspect.view]
        assert len(inspect.query(View)) == len(VIEWS)
        await lab.press("less_than_sign")
        assert inspect.current == "units"

        await lab.press("3")
        count = len(view_requests(lab))
        for _ in range(3):
            await lab.play()
        assert len(view_requests(lab)) == count > 0


async def test_a_kept_response_is_beside_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(view: LayerView, response: LayerResponse, width: int, height: int) -> CellBuffer:
        cells = CellBuffer(width, height, view.draw_style.muted)
        cells.write(0, 0, f"drawn at {response.step}", view.draw_style.muted)
        return cells

    monkeypatch.setattr(LayerView, "draw_response", draw)
    async with open_lab() as lab:
        run = await open_paused_run(lab)
        await lab.play(LayerResponse(run, 100))
        await lab.press("b")
        await lab.play(Paused(run, 200), LayerResponse(run, 200))

        await lab.wait_for_text("step 100 (kept)", "step 200", "drawn at 100", "drawn at 200")
        await lab.press("b")
        assert "drawn at 100" not in lab.text


async def test_a_response_of_another_run_is_not_shown() -> None:
    async with open_lab() as lab:
        await open_paused_run(lab)
        await lab.play(LandscapeResponse("another-run", 5))

        assert lab.workspace.run.responses == {}


def test_a_request_is_sent_once_then_again_when_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    throttle = RequestThrottle()

    assert throttle.is_due("one", 1, None, is_training=False)
    assert not throttle.is_due("one", 1, None, is_training=False)  # the first is pending
    assert not throttle.is_due("two", 1, None, is_training=False)
    now += request_throttle.TIMEOUT
    assert throttle.is_due("one", 1, None, is_training=False)  # the first timed out
    response = object()
    assert not throttle.is_due("one", 1, response, is_training=False)
    assert throttle.is_due("one", 1, response, is_training=False, is_unfinished=True)
    next_response = object()
    assert not throttle.is_due("one", 2, next_response, is_training=True)  # too soon
    assert throttle.is_due("one", 2, next_response, is_training=False)


def test_a_costly_request_is_repeated_rarely_but_another_is_sent_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    throttle = RequestThrottle()
    assert throttle.is_due("one", 1, None, is_training=True)
    response = object()
    now += 1
    assert not throttle.is_due("one", 2, response, is_training=True, cost=0.2)
    assert throttle.is_due("two", 2, response, is_training=True, cost=0.2)
    response = object()
    now += 3.9
    assert not throttle.is_due("two", 3, response, is_training=True, cost=0.2)
    now += 0.2
    assert throttle.is_due("two", 3, response, is_training=True, cost=0.2)
