"""The strip of runs: when it is shown, what a line says, and how one goes from run to run."""

from functools import partial
from typing import Any

import pytest
from rich.cells import cell_len

from tests.support.fake_link import SPIRAL, FakeLink
from tests.support.lab_pilot import open_lab
from tuilab.core.errors import InputError
from tuilab.host import active_runs, run_queue
from tuilab.host.active_runs import ActiveRun
from tuilab.host.run_library import RunLibrary
from tuilab.ui.panes.run_strip import draw_run

TRAINING = ActiveRun(
    "spiral-1", "Spiral", "training", True, 1, tuple(1 / n for n in range(1, 200)),
    "validation accuracy", 0.973, 3.5, 20,
)  # fmt: skip
OTHER = ActiveRun("moons-2", "Moons", "paused", True, 0, (0.5, 0.25), "", 0.0, 1, 4)
WAITING = ActiveRun("xor-3", "XOR", "waiting", False, 2, epochs=7)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[ActiveRun]:
    """What the other hosts report; a test may change it."""
    reported: list[ActiveRun] = []
    monkeypatch.setattr(active_runs.ActiveRuns, "refresh", lambda self: list(reported))
    return reported


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that the lab has connected to."""
    names: list[str] = []

    def connect(self: RunLibrary, run: str) -> FakeLink:
        names.append(run)
        return FakeLink()

    monkeypatch.setattr(RunLibrary, "open", connect)
    return names


@pytest.fixture
def is_runner_started(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Keeps the lab from starting a process."""
    starts: list[bool] = []
    monkeypatch.setattr(run_queue, "start_runner", lambda jobs=None: starts.append(True))
    return starts


@pytest.mark.parametrize("width", [158, 118, 78, 48])
@pytest.mark.parametrize("run", [TRAINING, OTHER, WAITING], ids=lambda run: run.run)
def test_a_line_fits_and_names_the_run(run: ActiveRun, width: int) -> None:
    line = draw_run(run, width, is_current=True).plain
    assert cell_len(line) <= width and run.run in line
    if width >= 78:
        assert f"{int(run.epoch)}/{run.epochs}" in line
    if run is TRAINING and width >= 78:
        assert "█" in line and "▁" in line and "loss 0.005" in line and "accuracy 0.973" in line


def test_a_falling_loss_falls_in_the_small_chart() -> None:
    line = draw_run(TRAINING, 158, is_current=False).plain
    bars = [character for character in line if character in "▁▂▃▄▅▆▇█"]
    assert bars == sorted(bars, reverse=True) and len(set(bars)) > 4


async def test_one_run_needs_no_strip_and_two_have_a_line_each(runs: list[ActiveRun]) -> None:
    async with open_lab() as lab:
        strip = lab.app.main_screen.run_strip
        runs[:] = [TRAINING]
        await lab.press("f", "f")
        lab.app.main_screen.queue.refresh()
        await lab.pilot.pause(0.1)
        assert not strip.display
        runs[:] = [TRAINING, OTHER, WAITING]
        lab.app.main_screen.queue.refresh()
        await lab.wait_for_text("spiral-1", "moons-2", "xor-3", "waiting")
        assert strip.size.height == 3
        await lab.press("H")
        await lab.wait_until(lambda: not strip.display)
        await lab.press("H")
        await lab.wait_for_text("moons-2")
        runs.clear()
        lab.app.main_screen.queue.refresh()
        await lab.wait_until(lambda: not strip.display)


@pytest.mark.parametrize(("size", "lines"), [((160, 45), 5), ((80, 24), 3), ((50, 14), 2)])
async def test_many_runs_take_a_part_of_the_screen_and_are_counted(
    runs: list[ActiveRun], size: tuple[int, int], lines: int
) -> None:
    async with open_lab(size=size) as lab:
        runs[:] = [ActiveRun(f"run-{n}", "Run", "training", True, n) for n in range(1, 13)]
        lab.app.main_screen.queue.refresh()
        await lab.wait_for_text("run-1", f"{13 - lines} more")
        assert lab.app.main_screen.run_strip.size.height == lines


async def test_a_key_goes_from_run_to_run_in_a_circle(
    runs: list[ActiveRun], opened: list[str]
) -> None:
    async with open_lab() as lab:
        await lab.press("ctrl+t")
        await lab.wait_for_text("No other run is in progress")
        runs[:] = [TRAINING, OTHER, WAITING]
        lab.app.main_screen.queue.refresh()
        await lab.wait_for_text("moons-2")
        for expected in (
            ["spiral-1"],
            ["spiral-1", "moons-2"],
            ["spiral-1", "moons-2", "spiral-1"],
        ):
            await lab.press("ctrl+t")
            await lab.wait_until(partial(opened.__eq__, expected))
            lab.workspace.run.id = opened[-1]


async def test_a_click_on_a_line_shows_its_run(runs: list[ActiveRun], opened: list[str]) -> None:
    async with open_lab() as lab:
        runs[:] = [TRAINING, OTHER, WAITING]
        lab.app.main_screen.queue.refresh()
        await lab.wait_for_text("moons-2")
        await lab.pilot.click(lab.app.main_screen.run_strip, offset=(10, 2))
        await lab.pilot.click(lab.app.main_screen.run_strip, offset=(10, 1))
        await lab.wait_until(lambda: opened == ["moons-2"])


async def test_a_key_adds_the_edited_experiment_to_the_queue(
    runs: list[ActiveRun], is_runner_started: list[bool]
) -> None:
    async with open_lab() as lab:
        await lab.press("Q")
        await lab.wait_for_text("Added to the queue", "at position 1")
        [entry] = run_queue.list_entries()
        assert entry.experiment == lab.workspace.experiment == SPIRAL
        assert is_runner_started == [True] and not lab.link.sent


async def test_what_cannot_be_added_is_said(
    runs: list[ActiveRun], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(starts: Any) -> Any:
        raise InputError("the queue cannot be written: No space left on device")

    monkeypatch.setattr(run_queue, "add_runs", refuse)
    async with open_lab() as lab:
        await lab.press("Q")
        await lab.wait_for_text("Not added", "No space left")
