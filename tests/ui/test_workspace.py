"""The workspace: the edited experiment, the run, and the commands that follow from edits."""

import msgspec
import pytest

from tests.support.fake_link import SPIRAL, started_event
from tuilab.core.experiment.experiment import with_value
from tuilab.core.protocol.commands import Pause, Resume, SetKnob, Start
from tuilab.core.protocol.events import Failed, Finished, KnobChanged, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.ui.workspace import Workspace


@pytest.fixture
def training() -> Workspace:
    """A workspace with a run in progress."""
    workspace = Workspace(SPIRAL)
    (start,) = workspace.start()
    assert isinstance(start, Start)
    workspace.receive(started_event(start.run, SPIRAL))
    return workspace


def test_an_edit_before_any_run_sends_nothing() -> None:
    workspace = Workspace(SPIRAL)

    assert workspace.edit(with_value(SPIRAL, "optimizer.lr", 0.5)) == []
    assert workspace.restart_keys == []


def test_a_live_knob_is_sent_at_once(training: Workspace) -> None:
    assert training.edit(with_value(SPIRAL, "optimizer.lr", 0.5)) == [SetKnob("optimizer.lr", 0.5)]
    assert training.restart_keys == []


def test_another_network_waits_for_a_restart(training: Workspace) -> None:
    edited = msgspec.structs.replace(SPIRAL, network=("Linear 2",))

    assert training.edit(edited) == []
    assert training.restart_keys == ["network"]


def test_a_live_knob_is_sent_while_another_change_waits(training: Workspace) -> None:
    training.edit(msgspec.structs.replace(SPIRAL, network=("Linear 2",)))

    sent = training.edit(with_value(training.experiment, "optimizer.lr", 0.5))

    assert sent == [SetKnob("optimizer.lr", 0.5)]
    assert training.restart_keys == ["network"]


def test_a_run_keeps_its_loss_while_another_task_waits_for_a_restart(training: Workspace) -> None:
    assert training.edit(with_value(SPIRAL, "data.name", "plane")) == []
    assert training.experiment.loss != SPIRAL.loss
    assert set(training.restart_keys) >= {"task.name", "data.name", "loss.name"}

    assert training.edit(with_value(training.experiment, "optimizer.lr", 0.5)) == []
    assert training.undo() == []
    assert training.undo() == [] and training.restart_keys == []


def test_a_run_is_not_shown_for_another_experiment(training: Workspace) -> None:
    before = training.run.id
    other = with_value(SPIRAL, "data.batch_size", 7)
    training.open(other, None)
    training.receive(Paused(before, 3))

    assert (training.run.id, training.run.state) == ("", "idle")
    assert training.edit(with_value(other, "optimizer.lr", 0.5)) == []
    assert training.restart_keys == []
    assert isinstance(training.toggle_run()[0], Start)


def test_a_run_stays_with_its_own_experiment_but_not_in_a_lesson(training: Workspace) -> None:
    before = training.run.id
    training.open(SPIRAL, None)
    assert training.run.id == before and not training.measures_lesson

    training.open(SPIRAL, None, is_of_lesson=True)
    assert training.run.id == "" and not training.measures_lesson
    (start,) = training.start()
    assert isinstance(start, Start) and training.measures_lesson


def test_undoing_a_live_change_is_sent_too(training: Workspace) -> None:
    training.edit(with_value(SPIRAL, "optimizer.lr", 0.5))

    assert training.undo() == [SetKnob("optimizer.lr", 0.001)]
    assert training.redo() == [SetKnob("optimizer.lr", 0.5)]
    assert training.redo() is None


def test_the_echo_of_an_own_change_is_not_an_edit(training: Workspace) -> None:
    training.edit(with_value(SPIRAL, "optimizer.lr", 0.5))
    training.edit(with_value(SPIRAL, "optimizer.lr", 0.2))

    training.receive(KnobChanged(training.run.id, 10, "optimizer.lr", 0.5))

    assert training.experiment.optimizer.lr == 0.2


def test_a_change_by_another_client_is_adopted(training: Workspace) -> None:
    training.receive(KnobChanged(training.run.id, 10, "optimizer.lr", 0.25))

    assert training.experiment.optimizer.lr == 0.25
    assert training.restart_keys == []


def test_the_run_key_starts_pauses_and_resumes() -> None:
    workspace = Workspace(SPIRAL)
    (start,) = workspace.toggle_run()
    assert isinstance(start, Start)
    assert workspace.toggle_run() == [], "while it starts there is nothing to pause"

    workspace.receive(started_event(start.run, SPIRAL))
    assert workspace.toggle_run() == [Pause()]
    workspace.receive(Paused(start.run, 3))
    assert workspace.toggle_run() == [Resume()]


def test_after_a_recoverable_failure_the_run_key_resumes(training: Workspace) -> None:
    training.receive(Failed(training.run.id, "The loss became infinite", recoverable=True))
    assert training.toggle_run() == [Resume()]

    training.receive(Failed(training.run.id, "The data is gone"))
    assert isinstance(training.toggle_run()[0], Start)


def test_after_a_finished_run_a_new_one_starts_with_the_workspace(training: Workspace) -> None:
    before = training.run.id
    training.receive(Finished(before, "done", 100, 10, 3.0, {}))
    edited = msgspec.structs.replace(SPIRAL, network=("Linear 2",))

    assert training.edit(edited) == []
    assert training.restart_keys == [], "nothing runs that would have to be restarted"
    (start,) = training.toggle_run()
    assert isinstance(start, Start) and start.experiment == edited and start.run != before


def test_attaching_takes_the_experiment_of_the_run() -> None:
    workspace = Workspace(None)

    workspace.receive(Snapshot(Run(id="spiral-1", state="training", experiment=SPIRAL), "0.1", 7))

    assert workspace.experiment == SPIRAL and not workspace.is_edited


def test_a_first_snapshot_does_not_undo_a_start_that_was_sent_before_it() -> None:
    workspace = Workspace(SPIRAL)
    (start,) = workspace.start()
    assert isinstance(start, Start)

    workspace.receive(Snapshot(Run(), "0.1", 7))

    assert (workspace.run.id, workspace.run.state) == (start.run, "starting")


def test_a_later_snapshot_keeps_the_edits(training: Workspace) -> None:
    edited = msgspec.structs.replace(SPIRAL, network=("Linear 2",))
    training.edit(edited)

    run = Run(id=training.run.id, state="training", experiment=SPIRAL, step=500)
    training.receive(Snapshot(run, "0.1", 7))

    assert training.run.step == 500 and training.experiment == edited
    assert training.restart_keys == ["network"]
