"""Points drawn by hand, by keyboard and by mouse; undone like every other change."""

import pytest

from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import Lab, open_lab
from tests.support.sample_runs import result_response, two_class_surface
from tuilab.core.catalogue.data.points import HandDrawn, Point
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import Start

POINTS: tuple[Point, ...] = ((-3.0, 3.0, 0), (3.0, -3.0, 1))
HAND = Experiment(data=HandDrawn(points=POINTS), network=("Linear 2",))
SMALL = (80, 24)
SIZES = [(160, 45), (120, 40), SMALL]


def points(lab: Lab) -> tuple[Point, ...]:
    data = lab.workspace.experiment.data
    assert isinstance(data, HandDrawn)
    return data.points


async def test_drawing_switches_to_points_by_hand_and_can_be_undone() -> None:
    async with open_lab(SPIRAL, SMALL) as lab:
        await lab.press("P")
        assert isinstance(lab.workspace.experiment.data, HandDrawn)
        await lab.wait_for_text("1-9 set")
        await lab.press("escape", "u")
        assert lab.workspace.experiment == SPIRAL
        assert "draws points" not in lab.text


@pytest.mark.parametrize("size", SIZES)
async def test_number_keys_set_points_at_the_cursor(size: tuple[int, int]) -> None:
    async with open_lab(HAND, size=size) as lab:
        await lab.press("P", "1", "right", "right", "up", "2")
        first, second = points(lab)[2:]
        assert first[2] == 0 and second[2] == 1
        assert second[0] > first[0] and second[1] > first[1]
        await lab.press("3")
        assert points(lab)[-1] == (*second[:2], 2), "another class takes its place"
        assert len(points(lab)) == 4
        await lab.press("u", "u")
        assert points(lab) == (*POINTS, first)


async def test_enter_sets_another_point_of_the_last_class() -> None:
    async with open_lab(HAND, SMALL) as lab:
        await lab.press("P", "2", "shift+left", "enter")
        assert [point[2] for point in points(lab)[2:]] == [1, 1]


async def test_the_nearest_point_is_removed_and_the_last_one_stays() -> None:
    async with open_lab(HAND, SMALL) as lab:
        await lab.press("P", *["shift+left"] * 3, "x")
        assert points(lab) == ((3.0, -3.0, 1),)
        await lab.press("x")
        assert points(lab) == ((3.0, -3.0, 1),)
        await lab.wait_for_text("The last point stays")


async def test_a_click_sets_a_point_and_another_removes_it() -> None:
    async with open_lab(HAND) as lab:
        board = lab.app.main_screen.panes.result.board
        region = board.surface_region()
        spot = (region.x + region.width // 2, region.height // 2)
        await lab.pilot.click(board, offset=spot)
        await lab.pilot.pause()
        [x, y, number] = points(lab)[-1]
        assert abs(x) < 0.5 and abs(y) < 0.5 and number == 0
        await lab.pilot.click(board, offset=spot)
        await lab.pilot.pause()
        assert points(lab) == POINTS


async def test_until_drawing_begins_numbers_show_panes() -> None:
    async with open_lab(HAND, SMALL) as lab:
        await lab.press("4")
        await lab.wait_for_text("enter draws points")
        await lab.press("1")
        assert lab.app.main_screen.panes.network.has_focus_within
        await lab.press("4", "enter", "2", "escape", "1")
        assert lab.app.main_screen.panes.network.has_focus_within and len(points(lab)) == 3


async def test_the_surface_is_under_the_points_and_a_change_waits_for_a_restart() -> None:
    async with open_lab(HAND) as lab:
        run = await lab.train(steps=20)
        assert lab.link.commands(Start)[-1].experiment == HAND
        await lab.play(result_response(two_class_surface(40, 40), run))
        assert lab.app.main_screen.panes.result.board.surface is not None
        await lab.press("P", "2")
        assert lab.workspace.restart_keys == ["data.points"]


@pytest.mark.parametrize("size", [(44, 12), (80, 24), (200, 60)])
async def test_the_editor_survives_any_size(size: tuple[int, int]) -> None:
    async with open_lab(HAND, size=size) as lab:
        await lab.press("P", "left", "down", "4")
        assert points(lab)[-1][2] == 3
        assert all(len(line) <= size[0] for line in lab.text.splitlines())
