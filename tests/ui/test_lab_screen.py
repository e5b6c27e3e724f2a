"""The screen of the lab: what stands where, at every size."""

import re

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from tests.support.fakes import SPIRAL, Lab, lab
from tuilab.core.protocol.commands import Rewind
from tuilab.core.protocol.events import Failed, Offer, Paused
from tuilab.ui.app import TuilabApp

SIZES = [(160, 45), (120, 40), (80, 24)]


@pytest.fixture(autouse=True)
def _no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lag meter stands at zero, so that screens repeat."""
    monkeypatch.setattr(TuilabApp, "_beat", lambda *_: None)


async def _idle(it: Lab) -> None:
    await it.shows("idle")


async def _training(it: Lab) -> None:
    await it.train(steps=130)


async def _paused(it: Lab) -> None:
    await it.train(steps=130)
    await it.play(Paused(it.link.run, 130))


async def _failed(it: Lab) -> None:
    await it.train(steps=130)
    offers = [Offer("Go back to step 120 and pause there", [Rewind()])]
    await it.play(
        Failed(
            it.link.run,
            "The loss became infinite",
            "Lower the learning rate, or clip.",
            "step 130: loss=inf",
            130,
            True,
            offers,
        )
    )
    await it.shows("Look around")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize(
    "state", [_idle, _training, _paused, _failed], ids=lambda s: s.__name__[1:]
)
async def test_how_it_looks(
    state: object, size: tuple[int, int], screens: SnapshotAssertion
) -> None:
    async with lab(size=size) as it:
        await state(it)  # type: ignore[operator]
        it.app.lab.repaint()
        await it.pilot.pause(0.1)
        assert it.text == screens


async def test_a_wide_screen_shows_all_panes_side_by_side() -> None:
    async with lab(size=(160, 45)) as it:
        screen = it.app.lab
        network, charts, result = screen.network.region, screen.charts.region, screen.result.region
        assert network.right <= charts.x and charts.right <= result.x
        assert screen.knobs.region.y >= network.bottom
        assert screen.status.region.height == 1
        assert not screen.tabs.region.height


async def test_two_columns_stack_the_result_below_the_charts() -> None:
    async with lab(size=(120, 40)) as it:
        screen = it.app.lab
        assert screen.result.region.y >= screen.charts.region.bottom
        assert screen.result.region.x == screen.charts.region.x


async def test_a_low_screen_of_two_columns_shows_charts_or_result() -> None:
    async with lab(size=(120, 26)) as it:
        assert it.app.lab.charts.display and not it.app.lab.result.display
        await it.press("4")
        assert it.app.lab.result.display and not it.app.lab.charts.display
        await it.press("3")
        assert it.app.lab.charts.display and not it.app.lab.result.display


@pytest.mark.parametrize(
    ("key", "name"),
    [("1", "network"), ("2", "knobs"), ("3", "charts"), ("4", "result"), ("5", "log")],
)
async def test_a_small_screen_shows_one_pane_chosen_by_its_number(key: str, name: str) -> None:
    async with lab(size=(80, 24)) as it:
        await it.press(key)
        await it.shows(f"▸{key} {name.capitalize()}")
        seen = [pane.id for pane in it.app.lab.query(".pane") if pane.region.area]
        assert seen == [name]
        focused = it.app.lab.focused
        assert (
            focused is not None and it.app.lab.query_one(f"#{name}") in focused.ancestors_with_self
        )


async def test_the_mouse_chooses_a_pane() -> None:
    async with lab(size=(80, 24)) as it:
        column = it.text.splitlines()[2].index("Charts")
        await it.pilot.click(offset=(column, 2))
        await it.shows("▸3 Charts")


async def test_the_mouse_presses_keys() -> None:
    async with lab() as it:
        column = it.text.splitlines()[-1].index("? keys")
        await it.pilot.click(offset=(column + 3, 44))
        await it.shows("Keys", "Begin training, pause it, go on")


@pytest.mark.parametrize("size", [(160, 45), (120, 40)])
async def test_any_pane_takes_the_whole_screen_and_gives_it_back(size: tuple[int, int]) -> None:
    async with lab(size=size) as it:
        before = {pane.id: pane.region for pane in it.app.lab.query(".pane")}
        for key, name in [("1", "network"), ("2", "knobs"), ("3", "charts"), ("4", "result")]:
            await it.press(key, "f")
            seen = [pane.id for pane in it.app.lab.query(".pane") if pane.region.area]
            assert seen == [name]
            assert it.app.lab.query_one(f"#{name}").region.width == size[0]
            await it.press("f")
            assert {pane.id: pane.region for pane in it.app.lab.query(".pane")} == before


async def test_shrinking_to_nothing_and_back_loses_nothing() -> None:
    async with lab(size=(120, 40)) as it:
        await it.train(steps=130)
        await it.pilot.pause(0.1)
        before = it.text
        await it.pilot.resize_terminal(20, 5)
        await it.shows("tuilab needs", "12 cells")
        await it.pilot.resize_terminal(1, 1)
        await it.pilot.resize_terminal(120, 40)
        await it.shows("Network", "● training")
        await it.until(lambda: _without_lag(it.text) == _without_lag(before))


def _without_lag(text: str) -> str:
    return re.sub(r" lag \d+ ms", "", text)


async def test_numbers_are_numbers_where_somebody_writes() -> None:
    async with lab(size=(80, 24)) as it:
        await it.press("n", "ctrl+a", "ctrl+k", "4", "2")
        assert it.app.screen.query_one(Input).value == "42"
        await it.press("escape")
        await it.press("1", "a", *"Linear 3")
        await it.shows("Linear 3")
        assert it.app.lab._current == "network"


async def test_pictures_are_asked_for_only_while_they_can_be_seen() -> None:
    async with lab(size=(80, 24)) as it:
        await it.train(steps=130)
        it.app.tick()
        assert not _probes(it)
        await it.press("4")
        it.app.tick()
        it.app.tick()
        assert len(_probes(it)) == 1, "one that is not answered yet is not asked for again"


def _probes(it: Lab) -> list[object]:
    return [command for command in it.link.sent if type(command).__name__ == "Probe"]


async def test_the_title_and_the_data_stand_in_the_status_line() -> None:
    async with lab(size=(160, 45)) as it:
        assert SPIRAL.title in it.text.splitlines()[0]
        assert "Spiral · 2 classes" in it.text.splitlines()[0]
