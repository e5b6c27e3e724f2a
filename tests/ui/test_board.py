"""Points drawn by hand: by keys and by mouse, undone like every other change."""

import pytest
from msgspec.structs import replace

from tests.support.fakes import SPIRAL, Lab, open_lab
from tests.support.runs import half_and_half
from tuilab.core.catalogue.data.points import HandDrawn, Point
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start

HAND = Experiment(data=HandDrawn(points=((-3.0, 3.0, 0), (3.0, -3.0, 1))), network=("Linear 2",))
SMALL = (80, 24)
SIZES = [(160, 45), (120, 40), SMALL]


def points(it: Lab) -> tuple[Point, ...]:
    data = it.workspace.experiment.data
    assert isinstance(data, HandDrawn)
    return data.points


async def test_drawing_switches_to_points_by_hand_and_can_be_undone() -> None:
    async with open_lab(SPIRAL, SMALL) as it:
        await it.press("P")
        assert isinstance(it.workspace.experiment.data, HandDrawn)
        await it.shows("1-9 set")
        await it.press("escape", "u")
        assert it.workspace.experiment == SPIRAL
        assert "draws points" not in it.text


@pytest.mark.parametrize("size", SIZES)
async def test_number_keys_set_points_at_the_cursor(size: tuple[int, int]) -> None:
    async with open_lab(HAND, size=size) as it:
        await it.press("P", "1", "right", "right", "up", "2")
        first, second = points(it)[2:]
        assert first[2] == 0 and second[2] == 1
        assert second[0] > first[0] and second[1] > first[1]
        await it.press("3")
        assert points(it)[-1] == (*second[:2], 2), "another class takes its place"
        assert len(points(it)) == 4
        await it.press("u", "u")
        assert points(it) == (*HAND.data.points, first)  # type: ignore[union-attr]


async def test_enter_sets_another_point_of_the_last_class() -> None:
    async with open_lab(HAND, SMALL) as it:
        await it.press("P", "2", "shift+left", "enter")
        assert [point[2] for point in points(it)[2:]] == [1, 1]


async def test_the_nearest_point_is_removed_and_the_last_one_stays() -> None:
    async with open_lab(HAND, SMALL) as it:
        await it.press("P", *["shift+left"] * 3, "x")
        assert points(it) == ((3.0, -3.0, 1),)
        await it.press("x")
        assert points(it) == ((3.0, -3.0, 1),)
        await it.shows("The last point stays")


async def test_a_click_sets_a_point_and_another_takes_it_away() -> None:
    async with open_lab(HAND) as it:
        board = it.app.main_screen.panes.result.board
        left, columns, rows = board._box()
        spot = (left + columns // 2, rows // 2)
        await it.pilot.click(board, offset=spot)
        await it.pilot.pause()
        [x, y, of] = points(it)[-1]
        assert abs(x) < 0.5 and abs(y) < 0.5 and of == 0
        await it.pilot.click(board, offset=spot)
        await it.pilot.pause()
        assert points(it) == HAND.data.points  # type: ignore[union-attr]


async def test_until_somebody_draws_the_numbers_show_panes() -> None:
    async with open_lab(HAND, SMALL) as it:
        await it.press("4")
        await it.shows("enter draws points")
        await it.press("1")
        assert it.app.main_screen.panes.network.has_focus_within
        await it.press("4", "enter", "2", "escape", "1")
        assert it.app.main_screen.panes.network.has_focus_within and len(points(it)) == 3


async def test_the_network_is_seen_under_the_points_and_a_change_waits_for_a_restart() -> None:
    async with open_lab(HAND) as it:
        run = await it.train(steps=20)
        assert it.link.commands(Start)[-1].experiment == HAND
        await it.play(replace(half_and_half(40, 40), run=run))
        assert it.app.main_screen.panes.result.board.surface is not None
        await it.press("P", "2")
        assert it.workspace.restart_keys == ["data.points"]


@pytest.mark.parametrize("size", [(44, 12), (80, 24), (200, 60)])
async def test_it_survives_any_size(size: tuple[int, int]) -> None:
    async with open_lab(HAND, size=size) as it:
        await it.press("P", "left", "down", "4")
        assert points(it)[-1][2] == 3
        assert all(len(line) <= size[0] for line in it.text.splitlines())
