"""What is shown says whose it is: another experiment, other data, and keys for the run."""

from pathlib import Path

import pytest
from textual.widgets import Static

from tests.support.fake_context import FakeLab, run_coroutine
from tests.support.fake_link import READY, SPIRAL, FakeLink, progressed_event, started_event
from tests.support.lab_pilot import Lab, open_lab
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.commands import Pause, Start, Stop
from tuilab.core.protocol.events import EpochEnded, Finished, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.ui.controllers.files import FileController
from tuilab.ui.workspace import Workspace

XOR = toml_file.read(toml_file.find("xor"))


def preset(name: str) -> Path:
    return toml_file.find_presets()[name].path


async def open_preset(lab: Lab, name: str) -> None:
    lab.app.main_screen.action_dispatch("files.open_preset", preset(name))
    await lab.pilot.pause()


async def finish(lab: Lab) -> str:
    """Plays a run to its end; returns its id."""
    run = await lab.train(steps=130)
    results = {"test": {"loss": 0.1, "accuracy": 0.993}}
    await lab.play(Finished(run, "done", 130, 10, 3.0, results))
    await lab.wait_for_text("✓ finished", "test accuracy 0.993")
    return run


# --- another experiment -------------------------------------------------------------------------


async def test_another_experiment_shows_nothing_of_the_run_before() -> None:
    async with open_lab() as lab:
        await finish(lab)

        await open_preset(lab, "xor")

        await lab.wait_for_text("○ idle", "Press space to start training: the loss appears")
        assert "0.993" not in lab.text and "epoch 10/10" not in lab.text
        assert lab.workspace.run.series == {} and lab.workspace.run.id == ""
        await lab.press("space")
        assert lab.link.commands(Start)[-1].experiment == XOR


async def test_the_same_experiment_keeps_its_run_on_the_screen() -> None:
    async with open_lab(XOR) as lab:
        run = await finish(lab)
        await open_preset(lab, "xor")
        assert lab.workspace.run.id == run and "0.993" in lab.text


async def test_while_one_trains_another_asks_and_may_leave_it_running() -> None:
    second = FakeLink()
    async with open_lab(respawn=lambda: second) as lab:
        run = await lab.train(steps=130)

        await open_preset(lab, "xor")
        await lab.wait_for_text("Open another experiment?", f"{run} is training at step 130",
                                "Leave it training", f"tuilab attach {run}")  # fmt: skip
        await lab.press("l")
        await lab.wait_for_text("○ idle", f"{run} goes on in the background")
        assert lab.workspace.experiment == XOR
        assert lab.link.is_closed and not lab.link.commands(Stop) and not lab.link.commands(Pause)
        await lab.press("space")

        assert second.commands(Start)[-1].experiment == XOR
        assert lab.app.left_runs == [run]


async def test_while_one_trains_another_may_stop_it_and_its_late_news_are_ignored() -> None:
    async with open_lab() as lab:
        run = await lab.train(steps=130)

        await open_preset(lab, "xor")
        await lab.wait_for_text("Stop it")
        await lab.press("s")
        await lab.wait_for_text("○ idle", f"{run} is stopped and saved")
        assert lab.link.sent[-1] == Stop()
        results = {"test": {"loss": 0.1, "accuracy": 0.5}}
        old = Run(id=run, state="finished", experiment=SPIRAL, versions={"torch": "2"})
        await lab.play(
            started_event(run, SPIRAL), progressed_event(run, 140),
            Finished(run, "stopped", 140, 10, 3.0, results), Snapshot(old, "0.1", 7),
        )  # fmt: skip

        assert lab.workspace.run.is_ready and lab.workspace.experiment == XOR
        await lab.wait_for_text("○ idle")
        await lab.press("space")
        await lab.play(started_event(lab.link.run, XOR))
        await lab.wait_for_text("● training")


async def test_while_one_trains_another_may_be_canceled() -> None:
    async with open_lab() as lab:
        run = await lab.train(steps=130)
        await open_preset(lab, "xor")
        await lab.wait_for_text("Cancel")
        await lab.press("c")
        await lab.pilot.pause()
        assert lab.workspace.run.id == run and lab.workspace.experiment == SPIRAL
        assert not lab.link.commands(Stop)


def files_lab(*answers: object, seconds: float = 2) -> FakeLab:
    """Returns a lab with a paused run that has trained for some seconds."""
    lab = FakeLab(Workspace(SPIRAL), *answers)
    (start,) = lab.workspace.start()
    assert isinstance(start, Start)
    for event in (started_event(start.run, SPIRAL), progressed_event(start.run, 3, seconds),
                  Paused(start.run, 3)):  # fmt: skip
        lab.workspace.receive(event)
    return lab


def files_of(lab: FakeLab) -> FileController:
    return FileController(lab.context, lambda: True, on_open=lambda: None)


def test_a_run_that_was_only_looked_at_is_stopped_without_a_question() -> None:
    lab = files_lab()
    assert run_coroutine(files_of(lab).may_replace(XOR))
    assert lab.dialogs == [] and lab.sent == [Stop()]


@pytest.mark.parametrize(
    ("answer", "goes_on", "left"), [("leave", True, 1), ("stop", True, 0), (None, False, 0)]
)
def test_a_paused_run_with_much_training_is_asked_about(
    answer: str | None, goes_on: bool, left: int
) -> None:
    lab = files_lab(answer, seconds=75)
    assert run_coroutine(files_of(lab).may_replace(XOR)) is goes_on
    assert lab.dialogs == ["Ask"] and len(lab.left_runs) == left
    assert bool(lab.sent) is (answer == "stop")


# --- other data or another task -----------------------------------------------------------------


def note_of(lab: Lab) -> str:
    note = lab.app.main_screen.query_one("#note", Static)
    return str(note.content) if note.display else ""


@pytest.mark.parametrize("size", [(160, 45), (100, 30), (80, 24)])
async def test_what_is_shown_is_named_while_other_data_is_edited(size: tuple[int, int]) -> None:
    async with open_lab(size=size) as lab:
        run = await finish(lab)
        assert note_of(lab) == ""

        lab.app.main_screen.edits.change("data.name", "rings")
        await lab.wait_for_text(f"Charts and result: run {run}.", f"{run} finished")
        assert lab.app.main_screen.panes.has_class("-unrelated")
        await lab.press("u")
        await lab.pilot.pause()
        assert note_of(lab) == "" and not lab.app.main_screen.panes.has_class("-unrelated")

        lab.app.main_screen.edits.change("data.name", "moons")
        await lab.press("r")
        await lab.wait_until(lambda: len(lab.link.commands(Start)) == 2)
        assert note_of(lab) == "", "now it is a run of what is edited"


async def test_a_key_for_a_run_of_other_data_says_which_run_it_is_for() -> None:
    async with open_lab() as lab:
        run = await lab.train(steps=130)
        lab.app.main_screen.edits.change("data.name", "moons")
        await lab.press("space")
        await lab.wait_for_text(f"This is the run {run}.")
        assert lab.link.sent[-1] == Pause()


def test_a_run_of_another_task_is_unrelated_also_when_it_is_over() -> None:
    workspace = Workspace(SPIRAL)
    (start,) = workspace.start()
    assert isinstance(start, Start)
    workspace.receive(started_event(start.run, SPIRAL))
    workspace.receive(Finished(start.run, "done", 130, 10, 3.0, {}))
    workspace.edit(with_value(SPIRAL, "task.name", "gan"))
    assert workspace.is_run_unrelated and workspace.restart_keys == []
    workspace.undo()
    assert not workspace.is_run_unrelated


# --- unsaved changes ----------------------------------------------------------------------------


async def test_a_run_whose_folder_has_the_experiment_needs_no_saving() -> None:
    async with open_lab() as lab:
        await lab.press("]")
        assert lab.workspace.is_edited
        await finish(lab)
        assert not lab.workspace.is_edited
        await lab.press("q")
        await lab.wait_until(lambda: lab.app.return_code == 0)


async def test_changes_after_the_run_are_asked_for() -> None:
    async with open_lab() as lab:
        await finish(lab)
        await lab.press("]", "q")
        await lab.wait_for_text("Unsaved changes")


# --- a small screen, and the learning rate ------------------------------------------------------


@pytest.mark.parametrize(
    ("experiment", "pane"),
    [(SPIRAL, "result"), (toml_file.read(toml_file.find("sine")), "result"),
     (toml_file.read(toml_file.find("glyphs")), "charts")],
)  # fmt: skip
@pytest.mark.parametrize(
    "key", ["space", *(pytest.param(key, marks=pytest.mark.slow) for key in "sr")]
)
async def test_on_a_small_screen_a_run_that_starts_is_seen(
    experiment: Experiment, pane: str, key: str
) -> None:
    async with open_lab(experiment, size=(80, 24)) as lab:
        await lab.press(key)
        await lab.wait_until(lambda: lab.link.commands(Start))
        assert lab.app.main_screen.pane_layout.current == pane
        await lab.press("1")
        await lab.play(READY, started_event(lab.link.run, experiment))
        await lab.press("space")
        assert lab.app.main_screen.pane_layout.current == "network", "only the start turns"


async def test_a_pane_that_shows_the_run_stays() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("3", "space")
        assert lab.app.main_screen.pane_layout.current == "charts"
    async with open_lab(size=(160, 45)) as lab:
        await lab.press("space")
        assert lab.app.main_screen.pane_layout.current == "network", "all panes are shown"


async def test_the_learning_rate_is_said_where_no_chart_shows_it() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("]")
        await lab.wait_for_text("Learning rate: 2e-3")
        await lab.train(steps=130)
        await lab.play(EpochEnded(lab.link.run, 143, 11, {}, {"loss": 0.1}))
        await lab.press("4", "]")
        await lab.wait_for_text("Learning rate: 5e-3")
        await lab.press("3", "]")
        assert "Learning rate: 0.01" not in lab.text
