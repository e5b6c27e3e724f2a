"""The screen of all runs: what it lists, how it is filtered and sorted, what its keys do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.widgets import Input

from tests.support.lab_pilot import Lab, open_lab
from tests.support.stored_runs import store_run
from tuilab.host.run_library import RunLibrary
from tuilab.ui.screens.runs.run_columns import fit_layout
from tuilab.ui.screens.runs.runs_screen import RunsScreen


@pytest.fixture
def three_runs() -> None:
    """Three runs; the newest is `moons-3`."""
    store_run("spiral-1", [0.5, 0.9], time=1_700_000_000, optimizer__lr=0.03)
    store_run("spiral-2", [0.5, 0.7], time=1_700_000_100, end="stopped")
    store_run("moons-3", [0.6, 0.8], time=1_700_000_200, title="Moons", end="")


@asynccontextmanager
async def open_runs(size: tuple[int, int] = (160, 45)) -> AsyncIterator[tuple[Lab, RunsScreen]]:
    """Opens the lab with the screen of all runs, as soon as they are read."""
    async with open_lab(size=size) as lab:
        await lab.press("R")
        await lab.wait_until(lambda: isinstance(lab.app.screen, RunsScreen))
        screen = lab.app.screen
        assert isinstance(screen, RunsScreen)
        await lab.wait_until(lambda: screen._is_loaded)
        yield lab, screen


def listed(screen: RunsScreen) -> list[str]:
    return [row.key for row in screen._list.lines]


@pytest.mark.parametrize("size", [(160, 45), (120, 40), (80, 24), (50, 14)])
async def test_the_newest_run_comes_first_with_state_and_values(
    three_runs: None, size: tuple[int, int]
) -> None:
    async with open_runs(size) as (lab, screen):
        assert listed(screen) == ["moons-3", "spiral-2", "spiral-1"]
        await lab.wait_for_text("Moons", "3 runs")
        if size[0] > 100:
            await lab.wait_for_text("cut off", "stopped", "done")


async def test_without_runs_it_says_what_makes_one() -> None:
    async with open_runs() as (lab, _):
        await lab.wait_for_text("No run is stored yet", "space trains")


async def test_what_is_typed_filters_and_a_mistake_is_named_with_its_column(
    three_runs: None,
) -> None:
    async with open_runs() as (lab, screen):
        await lab.press("slash", *"lr>0.01")
        assert listed(screen) == ["spiral-1"]
        assert "1 of 3 runs" in lab.text
        screen.query_one(Input).value = "lr>0.01 hue=3"
        await lab.wait_for_text("column 9")
        assert listed(screen) == ["spiral-1"], "the last good filter stays"
        await lab.press("escape")
        assert len(listed(screen)) == 3
        assert screen._list.has_focus


async def test_a_column_sorts_and_can_be_reversed(three_runs: None) -> None:
    async with open_runs() as (lab, screen):
        while screen._sort_key != "best.accuracy":
            await lab.press("s")
        assert listed(screen) == ["spiral-1", "moons-3", "spiral-2"]
        await lab.press("S")
        assert listed(screen) == ["spiral-2", "moons-3", "spiral-1"]


async def test_marked_runs_are_tagged_and_deleted_together_and_come_back(three_runs: None) -> None:
    async with open_runs() as (lab, screen):
        await lab.press("space", "space", "number_sign", *"good", "enter")
        library = RunLibrary()
        await lab.wait_until(lambda: library.summarize("moons-3").tags == ("good",))
        await lab.wait_until(lambda: library.summarize("spiral-2").tags == ("good",))
        assert library.summarize("spiral-1").tags == ()
        await lab.press("delete", "d")
        await lab.wait_until(lambda: listed(screen) == ["spiral-1"])
        await lab.press("u", "1")
        await lab.wait_until(lambda: len(listed(screen)) == 2)


async def test_the_pinned_run_is_what_the_others_differ_from(three_runs: None) -> None:
    async with open_runs() as (lab, screen):
        await lab.press("end", "p")
        await lab.wait_until(lambda: screen._pinned == "spiral-1")
        await lab.wait_for_text("lr 0.03 → 1e-3")
        await lab.press("p")
        await lab.wait_until(lambda: not screen._pinned)


async def test_a_name_and_a_note_are_kept_in_the_folder(three_runs: None) -> None:
    async with open_runs() as (lab, _):
        await lab.press("n", *["delete"] * 10, "home", *"best one ", "enter")
        await lab.wait_until(lambda: RunLibrary().summarize("moons-3").name.startswith("best one"))
        await lab.press("N", *"try wider", "enter")
        await lab.wait_for_text("try wider")


async def test_a_run_without_a_checkpoint_opens_as_its_experiment(three_runs: None) -> None:
    async with open_runs() as (lab, _):
        await lab.press("end", "enter")
        await lab.wait_until(lambda: lab.workspace.experiment.optimizer.lr == 0.03)
        assert not lab.workspace.run.id


@pytest.mark.parametrize("width", range(30, 220, 7))
def test_the_columns_fill_a_width_and_no_more(width: int) -> None:
    layout = fit_layout("accuracy", width)
    columns = sum(column.width + 2 for column in layout.columns)
    used = 2 + layout.state_width + layout.name_width + 2 + columns + layout.changes_width

    assert used <= width
    assert layout.name_width >= 10
