"""The workspace: the experiment that is edited, the run in progress, and the commands between them.

It knows no widget, so that the rules of what goes live and what needs a restart are tested
without a screen.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    is_of_data,
    iter_changed_keys,
    name_of,
    split_changes,
    with_value,
)
from tuilab.core.experiment.undo import UndoStack
from tuilab.core.protocol.commands import AnyCommand, Pause, Resume, SetKnob, Start
from tuilab.core.protocol.events import AnyEvent, KnobChanged, Started
from tuilab.core.run.run import Run, Snapshot, make_run_id
from tuilab.ui.run_overlay import RunOverlay

MIN_TRAINING_SECONDS = 10.0
"""Seconds of training from which on a restart asks first."""


def _read_content(path: Path | None) -> bytes | None:
    """Returns what a file holds; None if it cannot be read."""
    try:
        return None if path is None else path.read_bytes()
    except OSError:
        return None


class Workspace:
    """One experiment that is edited, and the run that was started from it."""

    def __init__(self, experiment: Experiment | None, path: Path | None = None) -> None:
        """Initializes the workspace.

        Args:
            experiment: None to take over the experiment of the run that is attached to.
            path: the file of the experiment.
        """
        self.is_blank = experiment is None
        self.edits = UndoStack(experiment or Experiment())
        self.saved = self.edits.value
        self.path = path
        self.run = Run()
        self.overlay = RunOverlay()
        "Other runs that the charts show as well."
        self.run_experiment: Experiment | None = None
        "The experiment of the run, with every live change that was sent."
        self.locked_keys: tuple[str, ...] = ()
        "Knobs and sections that a lesson keeps as they are."
        self.is_of_lesson = False
        "The experiment belongs to a lesson: edits that were never saved may be lost unasked."
        self.note = ""
        "A line about the experiment that is open, shown until a run starts."
        self._file_content = _read_content(path)
        "What the file held when it was opened or saved; None if it could not be read."
        self._closed_runs: set[str] = set()
        "Runs of experiments that were open before; what is still reported of them is ignored."
        self._unconfirmed: Counter[str] = Counter()
        "Live changes by key that were sent and that the host has not reported yet."

    @property
    def experiment(self) -> Experiment:
        """What the next run will be."""
        return self.edits.value

    @property
    def is_edited(self) -> bool:
        """Whether the experiment has changes that are in no file and in no run's folder."""
        is_in_folder = self.run.started is not None and self.run_experiment == self.experiment
        return self.experiment != self.saved and not is_in_folder

    @property
    def is_run_unrelated(self) -> bool:
        """Whether the run is of other data or of another task: changes are not meant for it."""
        before, after = self.run_experiment, self.experiment
        return before is not None and any(
            name_of(getattr(before, part)) != name_of(getattr(after, part))
            for part in ("task", "data")
        )

    @property
    def measures_lesson(self) -> bool:
        """Whether the results of the run say something about the lesson as it is set up now.

        The run was started for the lesson's experiment, and the data and the task are still those.
        """
        before = self.run_experiment
        return (
            self.is_of_lesson
            and before is not None
            and not any(map(is_of_data, iter_changed_keys(before, self.experiment)))
        )

    @property
    def restart_keys(self) -> list[str]:
        """The keys of changes that wait for a restart."""
        if self.run_experiment is None or not self.run.is_active:
            return []
        live, restart = split_changes(self.run_experiment, self.experiment)
        return [*restart, *live] if self.is_run_unrelated else restart

    @property
    def would_lose_training(self) -> bool:
        """Whether a restart would lose more than a few seconds of training."""
        progress = self.run.progress
        seconds = progress.seconds if progress is not None else 0.0
        return self.run.is_active and seconds > MIN_TRAINING_SECONDS

    def open(
        self, experiment: Experiment, path: Path | None, *, is_of_lesson: bool = False
    ) -> None:
        """Replaces the experiment; a run of another one is no longer shown.

        Args:
            is_of_lesson: whether a lesson opens it; its goals are judged on runs from now on.
        """
        if is_of_lesson or experiment != self.run_experiment:
            self._close_run()
        self.edits = UndoStack(experiment)
        self.saved, self.path, self.is_blank, self.locked_keys = experiment, path, False, ()
        self.is_of_lesson, self.note = is_of_lesson, ""
        self.remember_file()

    def remember_file(self) -> None:
        """Remembers what the file of the experiment holds now."""
        self._file_content = _read_content(self.path)

    def is_changed_on_disk(self, path: Path) -> bool:
        """Returns whether a file is that of the experiment and holds something else by now."""
        if self.path is None or self._file_content is None or path.resolve() != self.path.resolve():
            return False
        return _read_content(path) != self._file_content

    def _close_run(self) -> None:
        """Forgets the run: it is of an experiment that is no longer open."""
        if self.run.id:
            self._closed_runs.add(self.run.id)
            self.run, self.run_experiment = _without_run(self.run), None
            self._unconfirmed.clear()

    def expect_run(self, run: str) -> None:
        """Forgets the run and the experiment; those of another run are reported soon."""
        self._close_run()
        self._closed_runs.discard(run)
        self.is_blank = True

    def discard_edits(self) -> None:
        """Goes back to the experiment as it was opened or saved."""
        self.edits = UndoStack(self.saved)

    def edit(self, experiment: Experiment) -> list[AnyCommand]:
        """Changes the experiment; returns the commands of what goes live at once."""
        self.edits.push(experiment)
        return self._live_commands()

    def locked_changes(self, experiment: Experiment) -> list[str]:
        """Returns the keys that would change although a lesson has locked them."""
        if not self.locked_keys:
            return []
        changed = iter_changed_keys(self.experiment, experiment)
        return [key for key in changed if {key, key.partition(".")[0]} & set(self.locked_keys)]

    def undo(self) -> list[AnyCommand] | None:
        """Takes the last change back, also in the run; returns None if there is none."""
        return self._live_commands() if self.edits.undo() else None

    def redo(self) -> list[AnyCommand] | None:
        """Makes a change again that was taken back; returns None if there is none."""
        return self._live_commands() if self.edits.redo() else None

    def _live_commands(self) -> list[AnyCommand]:
        if self.run_experiment is None or not self.run.is_active or self.is_run_unrelated:
            return []
        commands: list[AnyCommand] = []
        for key, value in split_changes(self.run_experiment, self.experiment)[0].items():
            try:
                self.run_experiment = with_value(self.run_experiment, key, value)
            except InputError:
                continue  # it belongs to a part that itself waits for the restart
            commands.append(SetKnob(key, value))
            self._unconfirmed[key] += 1
        return commands

    def start(self, *, paused: bool = False, keep: bool = False) -> list[AnyCommand]:
        """Returns the commands that start a run of the experiment."""
        return self._start(self.experiment, paused=paused, keep=keep)

    def restart_lost_run(self) -> list[AnyCommand]:
        """Returns the commands that go on with a lost run, or start it again without a checkpoint.

        From its checkpoint it is the same run: it keeps its id, its folder and its history.
        """
        run, experiment = self.run, self.run.experiment or self.experiment
        if not run.checkpoint:
            return self._start(experiment)
        self._enter_run(experiment)
        run.resume_stored()
        return [Start(run.id, experiment, checkpoint=run.checkpoint, is_paced=True)]

    def branch(self, parent: str, step: int, experiment: Experiment) -> list[AnyCommand]:
        """Returns the commands that start a run from a state of another one; it waits there."""
        run = make_run_id(experiment)
        self.edits.push(experiment)
        self._begin_run(run, experiment)
        return [Start(run, experiment, paused=True, is_paced=True, parent=parent, parent_step=step)]

    def _start(
        self, experiment: Experiment, paused: bool = False, keep: bool = False
    ) -> list[AnyCommand]:
        run = make_run_id(experiment)
        self._begin_run(run, experiment)
        return [Start(run, experiment, paused, keep, is_paced=True)]

    def _begin_run(self, run: str, experiment: Experiment) -> None:
        self._enter_run(experiment)
        self.run.begin(run, experiment)

    def _enter_run(self, experiment: Experiment) -> None:
        self.run_experiment, self.note = experiment, ""
        self._unconfirmed.clear()

    def toggle_run(self) -> list[AnyCommand]:
        """Returns the commands that start, pause or resume a run."""
        match self.run.state:
            case "training":
                return [Pause()]
            case "starting":
                return []
        return [Resume()] if self.run.is_active else self.start()

    def apply_commands(self, commands: list[AnyCommand]) -> None:
        """Makes the changes in the experiment that commands will make in the run."""
        for command in commands:
            if isinstance(command, SetKnob):
                self.edits.push(with_value(self.experiment, command.key, command.value))
                self._set_in_run(command.key, command.value)
                self._unconfirmed[command.key] += 1
            elif isinstance(command, Start):
                self.edits.push(command.experiment)
                if command.checkpoint and command.run == self.run.id:
                    self._enter_run(command.experiment)
                    self.run.resume_stored()
                else:
                    self._begin_run(command.run, command.experiment)

    def _set_in_run(self, key: str, value: Any) -> None:
        if self.run_experiment is not None:
            self.run_experiment = with_value(self.run_experiment, key, value)

    def receive(self, event: AnyEvent | Snapshot) -> None:
        """Takes in what the host has reported."""
        if isinstance(event, Snapshot):
            self._replace_run(event.run)
        elif getattr(event, "run", "") not in self._closed_runs and self.run.apply(event):
            if isinstance(event, Started):
                self.run_experiment = event.experiment
                self._unconfirmed.clear()
            elif isinstance(event, KnobChanged):
                self._take_over(event)

    def _replace_run(self, run: Run) -> None:
        """Takes the host's state of the run, unless the host has not heard of our start yet."""
        if run.id in self._closed_runs:
            run = _without_run(run)
        before, self.run = self.run, run
        if not run.is_ready:  # of a worker in this process
            run.take_host(before)
        if before.state == "starting" and run.id != before.id:
            self.run = before
            before.take_host(run)
        elif run.experiment is not None:
            self.run_experiment = run.experiment
            if self.is_blank:
                self.open(run.experiment, None)

    def _take_over(self, event: KnobChanged) -> None:
        """Takes over a change that another client of the run has made."""
        if self._unconfirmed[event.key]:
            self._unconfirmed[event.key] -= 1
            return
        self._set_in_run(event.key, event.value)
        if not self.is_run_unrelated:
            self.edits.push(with_value(self.experiment, event.key, event.value))


def _without_run(run: Run) -> Run:
    """Returns the state of a host without its run."""
    return Run(
        devices=run.devices, versions=run.versions, loading=run.loading, log=run.log,
        version=run.version + 1,
    )  # fmt: skip
