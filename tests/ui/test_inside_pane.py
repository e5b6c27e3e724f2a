"""The pane of the views inside: what opens, who asks, what is kept to compare."""

from typing import Any

import pytest

from tests.support.fakes import SIZES, Lab, history, lab
from tuilab.core.protocol.commands import Inspect
from tuilab.core.protocol.events import Paused
from tuilab.core.protocol.inspect.landscape_messages import LandscapeResponse
from tuilab.core.protocol.inspect.layer_messages import LayerResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.panes.inspect import KINDS
from tuilab.ui.views import request_throttle
from tuilab.ui.views.layer.layer_view import LayerView
from tuilab.ui.views.request_throttle import Asking
from tuilab.ui.views.view import View


async def opened(it: Any) -> str:
    """A run that is paused, with the pane in focus."""
    assert isinstance(it, Lab)
    await it.press("space")
    run = it.link.run
    await it.play(*history(run, it.desk.experiment, 100), Paused(run, 100))
    await it.press("6")
    return run


@pytest.mark.parametrize("size", SIZES)
async def test_its_key_opens_it_and_others_bring_the_charts_back(size: tuple[int, int]) -> None:
    async with lab(size=size) as it:
        await opened(it)
        inside = it.app.lab.inside
        assert inside.is_on_screen and not it.app.lab.result.is_on_screen
        assert it.app.focused is inside.view

        await it.press("3")
        assert it.app.lab.charts.is_on_screen and not inside.is_on_screen


async def test_every_view_opens_in_turn_and_only_the_one_on_screen_asks() -> None:
    async with lab() as it:
        await opened(it)
        inside = it.app.lab.inside
        for _ in KINDS:
            await it.press("greater_than_sign")
            assert inside.view is not None
            assert [view for view in inside.query(View) if view.display] == [inside.view]
        assert len(inside.query(View)) == len(KINDS)
        await it.press("less_than_sign")
        assert inside.chosen == "units"

        await it.press("3")
        asked = len(it.link.commands(Inspect))
        for _ in range(3):
            await it.play()
        assert len(it.link.commands(Inspect)) == asked > 0


async def test_what_was_kept_stands_beside_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    def picture(view: View, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        grid = CellBuffer(width, height, view.hues().label)
        grid.write(0, 0, f"seen at {seen.step}", view.hues().label)
        return grid

    monkeypatch.setattr(LayerView, "picture", picture)
    async with lab() as it:
        run = await opened(it)
        await it.play(LayerResponse(run, 100))
        await it.press("b")
        await it.play(Paused(run, 200), LayerResponse(run, 200))

        await it.shows("step 100 (kept)", "step 200", "seen at 100", "seen at 200")
        await it.press("b")
        assert "seen at 100" not in it.text


async def test_an_answer_of_another_run_is_not_shown() -> None:
    async with lab() as it:
        await opened(it)
        await it.play(LandscapeResponse("another-run", 5))

        assert it.desk.run.views == {}


def test_a_question_is_asked_once_then_again_when_it_differs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(request_throttle.time, "monotonic", lambda: now)
    subject = Asking()

    assert subject.is_due("one", 1, None, is_training=False)
    assert not subject.is_due("one", 1, None, is_training=False)  # it is under way
    assert not subject.is_due("two", 1, None, is_training=False)
    now += request_throttle.PATIENCE
    assert subject.is_due("one", 1, None, is_training=False)  # it was lost
    answer = object()
    assert not subject.is_due("one", 1, answer, is_training=False)
    assert subject.is_due("one", 1, answer, is_training=False, is_unfinished=True)
    another = object()
    assert not subject.is_due("one", 2, another, is_training=True)  # not so soon
    assert subject.is_due("one", 2, another, is_training=False)


def test_what_is_dear_is_asked_rarely_but_another_question_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr(request_throttle.time, "monotonic", lambda: now)
    subject = Asking()
    assert subject.is_due("one", 1, None, is_training=True)
    answer = object()
    now += 1
    assert not subject.is_due("one", 2, answer, is_training=True, cost=0.2)
    assert subject.is_due("two", 2, answer, is_training=True, cost=0.2)
    answer = object()
    now += 3.9
    assert not subject.is_due("two", 3, answer, is_training=True, cost=0.2)
    now += 0.2
    assert subject.is_due("two", 3, answer, is_training=True, cost=0.2)
