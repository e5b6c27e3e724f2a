"""The screen of the lab: where its panes are at every size."""

import re
from collections.abc import Awaitable, Callable

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import SIZES, Lab, open_lab
from tuilab.core.lessons.link_targets import PANE_TITLES
from tuilab.core.protocol.commands import Inspect, Rewind
from tuilab.core.protocol.events import Failed, Offer, Paused
from tuilab.core.protocol.inspect.result_messages import ResultRequest

pytestmark = pytest.mark.usefixtures("no_lag")


async def _idle(lab: Lab) -> None:
    await lab.wait_for_text("idle")


async def _training(lab: Lab) -> None:
    await lab.train(steps=130)


async def _paused(lab: Lab) -> None:
    await lab.train(steps=130)
    await lab.play(Paused(lab.link.run, 130))


async def _failed(lab: Lab) -> None:
    await lab.train(steps=130)
    offers = [Offer("Go back to step 120 and pause there", [Rewind()])]
    await lab.play(
        Failed(
            lab.link.run,
            "The loss became infinite",
            "Lower the learning rate, or clip.",
            "step 130: loss=inf",
            130,
            True,
            offers,
        )
    )
    await lab.wait_for_text("Look around")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "state", [_idle, _training, _paused, _failed], ids=lambda s: s.__name__[1:]
)
async def test_the_screen(
    state: Callable[[Lab], Awaitable[None]], size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with open_lab(size=size) as lab:
        await state(lab)
        lab.app.main_screen.repaint()
        await lab.pilot.pause(0.1)
        assert lab.text == snapshot


async def test_a_wide_screen_shows_all_panes_side_by_side() -> None:
    async with open_lab(size=(160, 45)) as lab:
        screen = lab.app.main_screen
        network, charts, result = (
            screen.panes.network.region,
            screen.panes.charts.region,
            screen.panes.result.region,
        )
        assert network.right <= charts.x and charts.right <= result.x
        assert screen.panes.knobs.region.y >= network.bottom
        assert screen.status.region.height == 1
        assert not screen.panes.tabs.region.height


async def test_two_columns_stack_the_result_below_the_charts() -> None:
    async with open_lab(size=(120, 40)) as lab:
        screen = lab.app.main_screen
        assert screen.panes.result.region.y >= screen.panes.charts.region.bottom
        assert screen.panes.result.region.x == screen.panes.charts.region.x


async def test_a_low_screen_of_two_columns_shows_charts_or_result() -> None:
    async with open_lab(size=(120, 25)) as lab:
        panes = lab.app.main_screen.panes
        assert panes.charts.display and not panes.result.display
        await lab.press("4")
        assert panes.result.display and not panes.charts.display
        await lab.press("3")
        assert panes.charts.display and not panes.result.display


@pytest.mark.parametrize(
    ("key", "name"),
    [("1", "network"), ("2", "knobs"), ("3", "charts"), ("4", "result"), ("5", "log")],
)
async def test_a_small_screen_shows_one_pane_chosen_by_its_number(key: str, name: str) -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press(key)
        await lab.wait_for_text(f"▸{key} {PANE_TITLES[name]}")
        visible = [pane.id for pane in lab.app.main_screen.query(".pane") if pane.region.area]
        assert visible == [name]
        focused = lab.app.main_screen.focused
        pane = lab.app.main_screen.query_one(f"#{name}")
        assert focused is not None and pane in focused.ancestors_with_self


async def test_the_mouse_chooses_a_pane() -> None:
    async with open_lab(size=(80, 24)) as lab:
        column = lab.text.splitlines()[2].index("Charts")
        await lab.pilot.click(offset=(column, 2))
        await lab.wait_for_text("▸3 Charts")


async def test_the_mouse_presses_keys() -> None:
    async with open_lab() as lab:
        column = lab.text.splitlines()[-1].index("? keys")
        await lab.pilot.click(offset=(column + 3, 44))
        await lab.wait_for_text("Keys", "Start training, pause it, resume it")


@pytest.mark.parametrize("size", [(160, 45), (120, 40)])
async def test_any_pane_can_fill_the_whole_screen_and_shrink_again(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as lab:
        before = {pane.id: pane.region for pane in lab.app.main_screen.query(".pane")}
        for key, name in [("1", "network"), ("2", "knobs"), ("3", "charts"), ("4", "result")]:
            await lab.press(key, "f")
            visible = [pane.id for pane in lab.app.main_screen.query(".pane") if pane.region.area]
            assert visible == [name]
            assert lab.app.main_screen.query_one(f"#{name}").region.width == size[0]
            await lab.press("f")
            assert {pane.id: pane.region for pane in lab.app.main_screen.query(".pane")} == before


async def test_shrinking_and_enlarging_the_terminal_loses_nothing() -> None:
    async with open_lab(size=(120, 40)) as lab:
        await lab.train(steps=130)
        await lab.pilot.pause(0.1)
        before = lab.text
        await lab.pilot.resize_terminal(20, 5)
        await lab.wait_for_text("tuilab needs", "12 cells")
        await lab.pilot.resize_terminal(1, 1)
        await lab.pilot.resize_terminal(120, 40)
        await lab.wait_for_text("Network", "● training")
        await lab.wait_until(lambda: _without_lag(lab.text) == _without_lag(before))


def _without_lag(text: str) -> str:
    return re.sub(r" lag \d+ ms", "", text)


async def test_digits_are_text_where_text_is_typed() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("n", "ctrl+a", "ctrl+k", "4", "2")
        assert lab.app.screen.query_one(Input).value == "42"
        await lab.press("escape")
        await lab.press("1", "a", *"Linear 3")
        await lab.wait_for_text("Linear 3")
        assert lab.app.main_screen.pane_layout.current == "network"


async def test_results_are_requested_only_while_they_are_displayed() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("3")
        await lab.train(steps=130)
        lab.app.poll()
        assert not _result_requests(lab)
        await lab.press("4")
        lab.app.poll()
        lab.app.poll()
        assert len(_result_requests(lab)) == 1, "it is not requested again before a response"


def _result_requests(lab: Lab) -> list[object]:
    requests = [command.request for command in lab.link.commands(Inspect)]
    return [request for request in requests if isinstance(request, ResultRequest)]


async def test_the_title_and_the_data_are_in_the_status_bar() -> None:
    async with open_lab(size=(160, 45)) as lab:
        assert SPIRAL.title in lab.text.splitlines()[0]
        assert "2 classes" in lab.text.splitlines()[0]


async def test_thirty_rows_and_a_hundred_columns_show_charts_and_result() -> None:
    async with open_lab(size=(100, 30)) as lab:
        panes = lab.app.main_screen.panes
        assert panes.charts.display and panes.result.display
