"""Controllers without a screen: the commands they send, their dialogs and notifications."""

import dataclasses
from collections.abc import Callable
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from textual.actions import parse
from textual.binding import Binding

from tests.support.fake_context import FakeLab, run_coroutine
from tests.support.fake_link import DEVICES, READY, SPIRAL, progressed_event, started_event
from tuilab.core import paths
from tuilab.core.catalogue.data.graphs import Karate
from tuilab.core.catalogue.data.points import HandDrawn
from tuilab.core.diagnosis.finding import Fix
from tuilab.core.errors import InputError
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.lessons.link_targets import ACTIONS, PANES, VIEWS
from tuilab.core.protocol.commands import (
    AnyCommand,
    Cancel,
    CrossValidate,
    Find,
    Pause,
    Resume,
    Rewind,
    SetKnob,
    Start,
    Step,
    Stop,
)
from tuilab.core.protocol.events import Failed, FinderReported, Offer, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.core.run.series import Series
from tuilab.ui import keymap
from tuilab.ui.controllers.alerts import AlertController
from tuilab.ui.controllers.diagnosis import DiagnosisController
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.controllers.files import FileController, parse_toml_path
from tuilab.ui.controllers.lessons import LINKED_ACTIONS, LessonController
from tuilab.ui.controllers.overlay import OverlayController
from tuilab.ui.controllers.pane_layout import PaneLayout
from tuilab.ui.controllers.queue import QueueController
from tuilab.ui.controllers.runs import RunsController
from tuilab.ui.controllers.studies import StudyController
from tuilab.ui.controllers.time_travel import TimeTravelController
from tuilab.ui.controllers.training import TrainingController
from tuilab.ui.panes.inspect import InspectPane
from tuilab.ui.screens.main import MainScreen
from tuilab.ui.views import registry
from tuilab.ui.workspace import Workspace


def training_lab(*answers: Any, seconds: float = 2.0) -> FakeLab:
    """A lab whose run has trained for some seconds."""
    workspace = Workspace(SPIRAL)
    (start,) = workspace.start()
    assert isinstance(start, Start)
    for event in (
        READY,
        started_event(start.run, SPIRAL),
        progressed_event(start.run, 100, seconds),
    ):
        workspace.receive(event)
    return FakeLab(workspace, *answers)


def edits_of(lab: FakeLab) -> EditController:
    return EditController(lab.context, lambda: lab.notes.append("drawing"))


def training_of(lab: FakeLab) -> TrainingController:
    return TrainingController(lab.context, edits_of(lab), lambda: lab.notes.append("at the line"))


# --- training -----------------------------------------------------------------------------------


def test_the_run_key_starts_pauses_and_resumes() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    training = training_of(lab)

    training.run()
    (start,) = lab.sent
    assert isinstance(start, Start) and start.experiment == SPIRAL

    lab.workspace.receive(started_event(start.run, SPIRAL))
    training.run()
    lab.workspace.receive(Paused(start.run, 3))
    training.run()
    assert lab.sent[1:] == [Pause(), Resume()]


def test_an_experiment_with_errors_is_not_started_and_the_error_is_shown() -> None:
    lab = FakeLab(Workspace(Experiment(network=("Linear 16",))))

    training_of(lab).run()

    assert lab.sent == [] and lab.panes == ["network"]
    assert lab.notes[0] == "at the line" and "2 classes" in lab.notes[1]


def test_a_step_without_a_run_starts_a_paused_one() -> None:
    lab = FakeLab(Workspace(SPIRAL))

    training_of(lab).epoch()

    start, step = lab.sent
    assert isinstance(start, Start) and start.paused
    assert step == Step(epochs=1)


def test_the_number_of_steps_is_asked_and_suggested_the_next_time() -> None:
    lab = training_lab(250, None)
    training = training_of(lab)

    run_coroutine(training.steps())
    run_coroutine(training.steps())

    assert lab.sent == [Step(steps=250)]
    assert training._last_steps == "250"


def test_there_is_nothing_to_stop_without_a_run() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    training_of(lab).stop()
    assert lab.sent == [] and lab.notes == ["There is no run to stop."]

    lab = training_lab()
    training_of(lab).stop()
    assert lab.sent == [Stop()]


@pytest.mark.parametrize(("answer", "restarts"), [(True, 1), (False, 0), (None, 0)])
def test_a_restart_asks_only_where_training_would_be_lost(
    answer: bool | None, restarts: int
) -> None:
    lab = training_lab(answer, seconds=75)
    run_coroutine(training_of(lab).restart())
    assert lab.dialogs == ["Ask"] and len(lab.sent) == restarts

    lab = training_lab(seconds=2)
    run_coroutine(training_of(lab).restart())
    assert lab.dialogs == [] and len(lab.sent) == 1


def test_restarts_take_the_next_seed_or_keep_the_weights() -> None:
    lab = training_lab()
    training = training_of(lab)

    run_coroutine(training.restart_reseeded())
    training.restart_keeping_weights()

    reseeded, keeping = lab.sent
    assert isinstance(reseeded, Start) and reseeded.experiment.seed == SPIRAL.seed + 1
    assert isinstance(keeping, Start) and keeping.keep


def test_a_paused_run_is_paused_after_a_restart() -> None:
    lab = training_lab()
    lab.workspace.receive(Paused(lab.workspace.run.id, 100))

    run_coroutine(training_of(lab).restart())

    assert [command.paused for command in lab.sent if isinstance(command, Start)] == [True]


def test_the_learning_rate_is_sent_to_the_run() -> None:
    lab = training_lab()

    training_of(lab).change_rate(1)

    assert lab.sent == [SetKnob("optimizer.lr", pytest.approx(2e-3))]


def test_the_pace_is_changed_while_the_run_goes_on() -> None:
    lab = training_lab()
    training = training_of(lab)

    training.change_pace(1)
    training.change_pace(-1)
    first = lab.workspace.experiment.training.pace
    training.change_pace(-1)
    training.toggle_pace()
    training.toggle_pace()
    for _ in range(20):
        training.change_pace(1)

    paces = [command.value for command in lab.sent if isinstance(command, SetKnob)]
    assert lab.notes[0] == "It trains as fast as possible."
    assert first > 0 and paces[:4] == [first, paces[1], 0.0, paces[1]] and paces[1] < first
    assert paces[4:] == [*sorted(paces[4:-1]), 0.0], "the last step up is full speed"
    assert lab.workspace.run.marks == []


def test_a_device_is_chosen_once_they_are_known() -> None:
    lab = FakeLab(Workspace(SPIRAL), DEVICES[1].name)
    training = training_of(lab)
    run_coroutine(training.choose_device())
    assert lab.dialogs == [] and "still loading" in lab.notes[0]

    lab.workspace.receive(READY)
    run_coroutine(training.choose_device())
    assert lab.workspace.experiment.training.device == DEVICES[1].name


def test_an_offer_of_a_failure_changes_the_run_and_the_workspace() -> None:
    commands: list[AnyCommand] = [Rewind(), SetKnob("optimizer.lr", 5e-4)]
    lab = training_lab(commands)
    failure = Failed(lab.workspace.run.id, "NaN", offers=[Offer("Lower it", commands)])

    run_coroutine(training_of(lab).explain(failure))

    assert lab.sent == commands
    assert lab.workspace.experiment.optimizer.lr == 5e-4


def test_an_offer_to_resume_keeps_the_history_of_the_run() -> None:
    lab = training_lab()
    run, experiment = lab.workspace.run, lab.workspace.experiment
    run.series["loss/train"] = Series()
    resume = Start(run.id, experiment, checkpoint="/runs/a/checkpoint.pt")
    offers = [Offer("Resume with the changed data", [resume])]
    failure = Failed(run.id, "The data of the run has changed", offers=offers)
    run.apply(failure)
    lab.answers = [[resume]]

    run_coroutine(training_of(lab).explain(failure))

    assert lab.sent == [resume]
    assert lab.workspace.run is run and run.series and run.state == "starting"


@pytest.mark.parametrize("checkpoint", ["", "/runs/a/checkpoint.pt"])
def test_after_a_lost_host_the_run_is_trained_again(checkpoint: str) -> None:
    """From its checkpoint it is the same run with its history; without one, a new run."""
    lab = training_lab("again")
    run = lab.workspace.run
    run.checkpoint, before = checkpoint, run.id
    run.series["loss/train"] = Series()
    run.series["loss/train"].append(1, 0.5)

    run_coroutine(training_of(lab).report_lost_host("It was killed."))
    lab.workspace.receive(Snapshot(Run(), "0.1.0", 7))  # of the new host, which knows no run yet

    (start,) = lab.sent
    assert isinstance(start, Start) and start.checkpoint == checkpoint
    run = lab.workspace.run
    assert run.id == start.run and (start.run == before) == bool(checkpoint)
    assert (run.state, bool(run.series)) == ("starting", bool(checkpoint))
    assert not lab.is_closed


def test_after_a_lost_host_the_lab_can_be_closed() -> None:
    lab = training_lab("quit")
    run_coroutine(training_of(lab).report_lost_host("It was killed."))
    assert lab.is_closed and lab.sent == []
    assert lab.workspace.run.failure is not None


# --- edits --------------------------------------------------------------------------------------


def test_what_a_lesson_locks_cannot_be_changed() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    lab.workspace.locked_keys = ("optimizer",)

    edits_of(lab).change("optimizer.lr", 0.5)

    assert lab.workspace.experiment == SPIRAL and lab.repaints == 1
    assert lab.notes == ["This lesson locks optimizer.lr."]


def test_an_invalid_value_is_refused() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    edits_of(lab).change("training.epochs", "many")
    assert lab.workspace.experiment == SPIRAL and len(lab.notes) == 1


def test_undo_and_redo_report_that_there_is_nothing() -> None:
    lab = training_lab()
    edits = edits_of(lab)
    edits.undo()
    edits.redo()
    assert lab.notes == ["There is nothing to undo.", "There is nothing to redo."]

    edits.change("optimizer.lr", 0.5)
    edits.undo()
    edits.redo()
    assert [command.value for command in lab.sent if isinstance(command, SetKnob)] == [
        0.5, 0.001, 0.5,
    ]  # fmt: skip


def test_drawing_points_replaces_other_data() -> None:
    lab = FakeLab(Workspace(SPIRAL))

    edits_of(lab).draw_points()

    assert isinstance(lab.workspace.experiment.data, HandDrawn)
    assert lab.panes == ["result"] and lab.notes == ["drawing"]


# --- studies ------------------------------------------------------------------------------------


def studies_of(lab: FakeLab) -> StudyController:
    return StudyController(lab.context, training_of(lab), edits_of(lab))


def test_a_search_without_a_run_starts_a_paused_one_and_its_result_is_set() -> None:
    lab = FakeLab(Workspace(SPIRAL), 0.012)

    run_coroutine(studies_of(lab).find("lr"))

    start, find, cancel, change = lab.sent
    assert isinstance(start, Start) and start.paused
    assert (find, cancel) == (Find("lr"), Cancel()), "the host had reported nothing yet"
    assert change == SetKnob("optimizer.lr", 0.012)
    assert lab.workspace.experiment.optimizer.lr == 0.012


def test_a_search_that_is_over_is_not_canceled() -> None:
    lab = training_lab()

    async def ask(dialog: object) -> None:
        run = lab.workspace.run
        run.finder_report = FinderReported(run.id, "lr", [], None)

    context = dataclasses.replace(lab.context, ask=ask)
    run_coroutine(StudyController(context, training_of(lab), edits_of(lab)).find("lr"))

    assert lab.sent == [Find("lr")]


def test_a_single_example_has_no_batch_size() -> None:
    lab = FakeLab(Workspace(Experiment(data=Karate(), network=("Linear 2",))))
    run_coroutine(studies_of(lab).find("batch_size"))
    assert lab.sent == [] and "single example" in lab.notes[0]


def test_a_cross_validation_closed_early_is_canceled() -> None:
    lab = FakeLab(Workspace(SPIRAL), 3, False)
    run_coroutine(studies_of(lab).validate())
    assert lab.sent == [CrossValidate(SPIRAL, 3), Cancel()]
    assert lab.dialogs == ["Prompt", "CrossValidation"]


# --- files --------------------------------------------------------------------------------------


def files_of(lab: FakeLab, *, can_leave_run: bool = True) -> FileController:
    return FileController(
        lab.context, lambda: can_leave_run, on_open=lambda: lab.notes.append("opened")
    )


def edited_lab(*answers: Any) -> FakeLab:
    lab = FakeLab(Workspace(SPIRAL), *answers)
    lab.workspace.edit(with_value(SPIRAL, "optimizer.lr", 0.5))
    return lab


@pytest.mark.parametrize(
    ("answer", "goes_on"), [("discard", True), ("cancel", False), (None, False)]
)
def test_unsaved_edits_are_asked_for(answer: str | None, goes_on: bool) -> None:
    lab = edited_lab(answer)
    assert run_coroutine(files_of(lab).settle_edits()) is goes_on


def test_unsaved_edits_can_be_saved(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    lab = edited_lab("save", path)

    assert run_coroutine(files_of(lab).settle_edits())

    assert toml_file.read(path) == lab.workspace.experiment
    assert not lab.workspace.is_edited and lab.workspace.path == path


def test_edits_in_a_lesson_are_discarded_without_asking() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    files = files_of(lab)
    files.replace(SPIRAL, None, is_of_lesson=True)
    lab.workspace.edit(with_value(SPIRAL, "optimizer.lr", 0.5))

    assert run_coroutine(files.settle_edits())
    assert lab.dialogs == [] and lab.notes == ["opened"]


def test_a_file_is_not_overwritten_without_asking(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("seed = 3\n")
    lab = edited_lab(path, False)

    assert not run_coroutine(files_of(lab).save())

    assert path.read_text() == "seed = 3\n" and lab.workspace.is_edited


@pytest.mark.parametrize(
    ("answer", "is_saved", "rate"),
    [("overwrite", True, 0.5), ("cancel", False, 0.25), ("open", False, 0.25)],
)
def test_a_file_that_another_program_has_changed_is_asked_for(
    tmp_path: Path, answer: str, is_saved: bool, rate: float
) -> None:
    path = tmp_path / "mine.toml"
    toml_file.write(path, SPIRAL)
    lab = FakeLab(Workspace(SPIRAL, path), path, answer)
    lab.workspace.edit(with_value(SPIRAL, "optimizer.lr", 0.5))
    assert not lab.workspace.is_changed_on_disk(path)
    toml_file.write(path, with_value(SPIRAL, "optimizer.lr", 0.25))
    assert lab.workspace.is_changed_on_disk(path)

    assert run_coroutine(files_of(lab).save()) is is_saved

    assert toml_file.read(path).optimizer.lr == rate
    assert lab.workspace.is_edited is (answer == "cancel")
    assert lab.workspace.is_changed_on_disk(path) is (answer == "cancel")


def test_a_preset_is_saved_among_the_files_of_the_user() -> None:
    preset = toml_file.find_presets()["xor"].path
    lab = FakeLab(Workspace(SPIRAL, preset))
    assert files_of(lab)._suggest_path() == paths.experiments_dir() / preset.name


def test_a_path_gets_a_suffix_and_must_name_a_file(tmp_path: Path) -> None:
    assert parse_toml_path("mine") == Path("mine.toml")
    for text in ("", str(tmp_path)):
        with pytest.raises(InputError, match="a file name"):
            parse_toml_path(text)


def test_leaving_asks_what_becomes_of_the_run() -> None:
    lab = training_lab(None)
    files = files_of(lab)
    run_coroutine(files.leave())
    assert not lab.is_closed and not files.is_stopping

    lab.answers = ["leave"]
    run_coroutine(files.leave())
    assert lab.is_closed and not files.is_stopping and lab.sent == []

    lab.answers = ["stop"]
    run_coroutine(files.leave())
    assert files.is_stopping and lab.sent == [Stop()]


def test_what_is_copied_is_also_in_a_file() -> None:
    lab = FakeLab(Workspace(SPIRAL), "Linear 2\n")
    run_coroutine(files_of(lab).copy())
    assert lab.copied == ["Linear 2\n"]
    assert (paths.data_dir() / "copied.txt").read_text() == "Linear 2\n"


# --- panes --------------------------------------------------------------------------------------


class Panes:
    """Records what a layout does."""

    def __init__(self, width: int) -> None:
        self.visible: list[str] = []
        self.moves: list[str] = []
        self.changes = 0
        self.layout = PaneLayout(
            self._change,
            self.visible.append,
            focus_next=lambda: self.moves.append("next"),
            focus_previous=lambda: self.moves.append("previous"),
        )
        self.layout.width = width

    def _change(self) -> None:
        self.changes += 1

    @property
    def classes(self) -> set[str]:
        return {name for name, is_set in self.layout.classes.items() if is_set}


def test_a_pane_that_is_shown_is_the_current_one() -> None:
    panes = Panes(160)
    assert panes.classes == {"-on-network"}

    panes.layout.show("inside")
    assert panes.classes == {"-on-inside", "-inside", "-beside"}
    panes.layout.show("network")
    assert panes.classes == {"-on-network", "-inside"}, "the view stays beside it"
    panes.layout.show("charts")
    assert panes.classes == {"-on-charts", "-beside"}
    panes.layout.show("lesson")
    panes.layout.show("knobs")
    assert panes.classes == {"-on-knobs", "-lesson"}, "the lesson stays open"
    assert panes.visible == ["inside", "network", "charts", "lesson", "knobs"]


def test_the_key_of_the_log_hides_it_again_beside_other_panes() -> None:
    panes = Panes(160)
    panes.layout.show("log")
    assert "-log" in panes.classes
    panes.layout.show("log")
    assert "-log" not in panes.classes
    assert panes.visible == ["log"] and panes.layout.current == "log"

    narrow = Panes(80)
    narrow.layout.show("log")
    narrow.layout.show("log")
    assert narrow.visible == ["log", "log"]


def test_the_next_pane_is_another_widget_or_another_screenful() -> None:
    panes = Panes(160)
    panes.layout.go_to_next(1)
    panes.layout.go_to_next(-1)
    assert panes.moves == ["next", "previous"] and panes.visible == []

    panes.layout.zoom()
    panes.layout.go_to_next(-1)
    panes.layout.go_to_next(1)
    assert panes.visible == [PANES[-1], PANES[0]]


def test_the_focus_is_followed_without_moving_it() -> None:
    panes = Panes(80)
    panes.layout.follow_focus("result")
    assert panes.layout.current == "result" and panes.visible == [] and panes.changes == 1


# --- diagnosis ----------------------------------------------------------------------------------


def diagnosis_of(lab: FakeLab) -> DiagnosisController:
    """Returns a controller whose pane has no open view."""
    return DiagnosisController(lab.context, edits_of(lab), InspectPane())


@pytest.mark.parametrize(
    ("key", "value", "is_live", "notes"),
    [("optimizer.lr", 0.5, True, ["Applied; u undoes it."]),
     ("optimizer.lr", 0.5, False, ["r restarts with it; u undoes it.", "r restarts with it."]),
     ("seed", 77, False, ["r restarts with it; u undoes it.", "r restarts with it."])],
)  # fmt: skip
def test_a_fix_is_applied_at_once_or_with_a_restart(
    key: str, value: object, is_live: bool, notes: list[str]
) -> None:
    lab = training_lab()
    diagnosis = diagnosis_of(lab)

    diagnosis.apply(Fix("Do it", key, value, is_live=is_live))
    diagnosis.apply(Fix("Do it", key, value, is_live=is_live))

    assert lab.notes == notes, "the second time nothing changes"
    assert with_value(SPIRAL, key, value) == lab.workspace.experiment


def test_findings_are_counted_while_no_view_shows_them() -> None:
    lab = FakeLab(Workspace(SPIRAL))
    assert diagnosis_of(lab).count_new_findings() == 0


# --- keys ---------------------------------------------------------------------------------------


CONTROLLERS: dict[str, type] = {
    "training": TrainingController,
    "edits": EditController,
    "studies": StudyController,
    "files": FileController,
    "time_travel": TimeTravelController,
    "pane_layout": PaneLayout,
    "lessons": LessonController,
    "diagnosis": DiagnosisController,
    "alerts": AlertController,
    "runs": RunsController,
    "queue": QueueController,
    "overlay": OverlayController,
}
"""By the names that the main screen has for them."""


def method_of(action: str) -> Callable[..., object]:
    controller, _, name = action.partition(".")
    method: Callable[..., object] = getattr(CONTROLLERS[controller], name)
    return method


def test_every_binding_calls_a_method_that_takes_its_arguments() -> None:
    calls = 0
    for binding in MainScreen.BINDINGS:
        assert isinstance(binding, Binding)
        _, name, arguments = parse(binding.action)
        if name == "dispatch":
            action, *rest = arguments
            signature(method_of(str(action))).bind(object(), *rest)
            calls += 1
    assert calls > 30


def test_every_binding_has_an_id_of_its_own() -> None:
    ids = [binding.id for binding in MainScreen.BINDINGS if isinstance(binding, Binding)]
    assert len(set(ids)) == len(ids) and None not in ids


def test_links_of_lessons_name_what_the_lab_has() -> None:
    assert set(LINKED_ACTIONS) == set(ACTIONS)
    for action in LINKED_ACTIONS.values():
        assert callable(method_of(action))
    assert tuple(registry.VIEWS) == VIEWS
    names = {binding.action for binding in PaneLayout.BINDINGS}
    assert {f"dispatch('pane_layout.show', '{pane}')" for pane in PANES} <= names


def test_a_binding_is_built_of_its_place_and_its_action() -> None:
    binding = keymap.bind("View", "z", "pane_layout.show('log')", "the log, at once", "Show it")
    assert binding.action == "dispatch('pane_layout.show', 'log')"
    assert binding.id == "view.the_log_at_once"
