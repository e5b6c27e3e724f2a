"""Coming back: the lab remembers what was open when it was left, and `tuilab` opens it again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from tests.support.circle_lesson import write_circle_lesson
from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import Lab, open_lab
from tuilab.cli import launch
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import with_value
from tuilab.core.last_opened import LastOpened, load_last_opened, save_last_opened
from tuilab.core.protocol.events import Finished
from tuilab.host import link
from tuilab.ui import app as lab_app
from tuilab.ui.app import remember_opened
from tuilab.ui.terminal import terminal

XOR = toml_file.find_presets()["xor"].path


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Any, ...]]:
    """What `tuilab` opens the lab with, without opening it."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(terminal, "unusable_reason", lambda: "")
    monkeypatch.setattr(link, "spawn_host", lambda: None)

    def run_app(*arguments: Any, is_listing_runs: bool) -> int:
        assert not is_listing_runs
        calls.append(arguments)
        return 0

    monkeypatch.setattr(lab_app, "run_app", run_app)

    def open_lab_with(name: str = "", sets: tuple[str, ...] = ()) -> tuple[Any, ...]:
        assert launch.open_experiment(name, sets) == 0
        return calls[-1][1:]

    return open_lab_with


def last() -> LastOpened:
    last_opened = load_last_opened()
    assert last_opened is not None
    return last_opened


async def open_preset(lab: Lab, path: Path) -> None:
    lab.app.main_screen.action_dispatch("files.open_preset", path)
    await lab.wait_until(lambda: lab.workspace.path == path)


# --- what is remembered -------------------------------------------------------------------------


async def test_a_preset_is_remembered_with_its_run() -> None:
    async with open_lab() as lab:
        await open_preset(lab, XOR)
        run = await lab.train(steps=130)
        await lab.play(Finished(run, "done", 130, 10, 3.0, {}))
        remember_opened(lab.app.main_screen)
        assert last() == LastOpened(name="xor", run=run)


async def test_changes_in_no_file_are_remembered_unless_they_are_discarded() -> None:
    async with open_lab() as lab:
        await open_preset(lab, XOR)
        await lab.press("]")
        remember_opened(lab.app.main_screen)
        assert last() == LastOpened(experiment=lab.workspace.experiment)
        await lab.press("q")
        await lab.wait_for_text("Unsaved changes")
        await lab.press("d")
        await lab.wait_until(lambda: lab.app.return_code == 0)
        remember_opened(lab.app.main_screen)
        assert last() == LastOpened(name="xor")


async def test_a_lesson_is_remembered_until_another_experiment_is_opened() -> None:
    write_circle_lesson()
    async with open_lab(lesson="round") as lab:
        await lab.wait_for_text("Lesson · A circle")
        remember_opened(lab.app.main_screen)
        assert last() == LastOpened(lesson="round")
        await open_preset(lab, XOR)
        remember_opened(lab.app.main_screen)
        assert last() == LastOpened(name="xor")


async def test_the_lab_says_that_it_came_back_until_a_run_starts() -> None:
    async with open_lab(note="From last time: A spiral") as lab:
        await lab.wait_for_text("From last time: A spiral")
        await lab.press("space")
        await lab.pilot.pause()
        assert not lab.app.main_screen.query_one("#note", Static).display


async def test_a_lesson_says_that_it_came_back() -> None:
    write_circle_lesson()
    async with open_lab(lesson="round", note="From last time: the lesson") as lab:
        await lab.wait_for_text("Lesson · A circle", "From last time: the lesson")


# --- what is opened -----------------------------------------------------------------------------


def test_a_new_user_gets_the_spiral_without_a_note(opened: Callable[..., tuple[Any, ...]]) -> None:
    experiment, path, *_ = opened()
    assert path == toml_file.find("spiral") and experiment == toml_file.read(path)
    save_last_opened(LastOpened(name="spiral"))
    assert opened() == (experiment, path, "", "")


def test_a_name_is_opened_whatever_was_open_last(opened: Callable[..., tuple[Any, ...]]) -> None:
    save_last_opened(LastOpened(name="moons"))
    assert opened("xor") == (toml_file.read(XOR), XOR, "", "")


def test_without_a_name_the_last_experiment_is_opened(
    opened: Callable[..., tuple[Any, ...]],
) -> None:
    save_last_opened(LastOpened(name="xor", run="xor-1"))
    experiment, path, lesson, note = opened()
    assert (experiment, path, lesson) == (toml_file.read(XOR), XOR, "")
    assert "From last time" in note and "ctrl+o" in note and "tuilab attach xor-1 " in note[:78]

    edited = with_value(SPIRAL, "optimizer.lr", 0.125)
    save_last_opened(LastOpened(experiment=edited))
    assert opened()[:3] == (edited, None, "")


def test_without_a_name_the_last_lesson_is_opened(opened: Callable[..., tuple[Any, ...]]) -> None:
    folder = write_circle_lesson()
    save_last_opened(LastOpened(lesson="round"))
    experiment, path, lesson, note = opened()
    assert experiment.data.title == "Circle" and path is None and lesson == str(folder)
    assert "A circle" in note


@pytest.mark.parametrize(
    "missing", [LastOpened(name="/nowhere/mine.toml"), LastOpened(lesson="no-such-lesson")]
)
def test_what_is_gone_gives_way_to_the_default(
    missing: LastOpened, opened: Callable[..., tuple[Any, ...]]
) -> None:
    save_last_opened(missing)
    assert opened()[1] == toml_file.find("spiral")
