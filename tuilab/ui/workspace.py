"""The desk: what a person edits, the run in progress, and which commands follow from both.

It knows no widget, so that the rules of what goes live and what needs a restart are tested
without a screen.
"""

from collections import Counter
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    changed_keys,
    name_of,
    split_changes,
    with_value,
)
from tuilab.core.experiment.undo import Undo
from tuilab.core.protocol.commands import AnyCommand, Pause, Resume, Set, Start
from tuilab.core.protocol.events import AnyEvent, Changed, Started
from tuilab.core.run.run import Run, Snapshot, new_id

WORK = 10.0
"""Seconds of training from which on a reset asks first."""


class Workspace:
    """One experiment under the pen and the run that came of it."""

    def __init__(self, experiment: Experiment | None, path: Path | None = None) -> None:
        self.is_blank = experiment is None
        "Nothing was opened: the experiment of the run that is attached to becomes ours."
        self.edits = Undo(experiment or Experiment())
        self.saved = self.edits.value
        self.path = path
        self.run = Run()
        self.sent: Experiment | None = None
        "What the host has been told: the run's experiment with every live change."
        self.locked: tuple[str, ...] = ()
        "Knobs and sections that a lesson keeps as they are."
        self._is_other = False
        "Another experiment was opened since the run began."
        self._asked: Counter[str] = Counter()

    @property
    def experiment(self) -> Experiment:
        """What the next run will be."""
        return self.edits.value

    @property
    def is_edited(self) -> bool:
        """Whether there is something that is in no file."""
        return self.experiment != self.saved

    @property
    def is_apart(self) -> bool:
        """Whether the run is of another task, and nothing that is changed here is meant for it."""
        if self.sent is None or not self.run.is_active:
            return False
        before, after = self.sent, self.experiment
        is_same = all(
            name_of(getattr(before, part)) == name_of(getattr(after, part))
            for part in ("task", "data")
        )
        return self._is_other or not is_same

    @property
    def restart_keys(self) -> list[str]:
        """What was changed and waits for a restart."""
        if self.sent is None or not self.run.is_active:
            return []
        live, restart = split_changes(self.sent, self.experiment)
        return [*restart, *live] if self.is_apart else restart

    @property
    def would_lose_work(self) -> bool:
        """Whether a restart would throw away real training."""
        progress = self.run.progress
        return self.run.is_active and progress is not None and progress.seconds > WORK

    def open(self, experiment: Experiment, path: Path | None) -> list[AnyCommand]:
        """Take another experiment; the run in progress stays."""
        self.edits = Undo(experiment)
        self.saved, self.path, self.is_blank, self.locked = experiment, path, False, ()
        self._is_other = self.run.is_active and experiment != self.sent
        return []

    def edit(self, experiment: Experiment) -> list[AnyCommand]:
        """Change the experiment; what may go live is told to the host at once."""
        self.edits.do(experiment)
        return self._tell()

    def locked_in(self, experiment: Experiment) -> list[str]:
        """What would change and may not."""
        if not self.locked:
            return []
        changed = changed_keys(self.experiment, experiment)
        return [key for key in changed if {key, key.partition(".")[0]} & set(self.locked)]

    def undo(self) -> list[AnyCommand] | None:
        """Take the last change back, live ones too; None if there is none."""
        return self._tell() if self.edits.undo() else None

    def redo(self) -> list[AnyCommand] | None:
        """Do again what was taken back; None if there is nothing."""
        return self._tell() if self.edits.redo() else None

    def _tell(self) -> list[AnyCommand]:
        if self.sent is None or not self.run.is_active or self.is_apart:
            return []
        commands: list[AnyCommand] = []
        for key, value in split_changes(self.sent, self.experiment)[0].items():
            try:
                self.sent = with_value(self.sent, key, value)
            except InputError:
                continue  # it belongs to a part that itself waits for the restart
            commands.append(Set(key, value))
            self._asked[key] += 1
        return commands

    def start(self, *, paused: bool = False, keep: bool = False) -> list[AnyCommand]:
        """Begin a run with what is on the desk."""
        return self._begin(self.experiment, paused=paused, keep=keep)

    def start_again(self) -> list[AnyCommand]:
        """Begin the run that was lost again, from its checkpoint if it had one."""
        checkpoint = self.run.checkpoint
        return self._begin(self.run.experiment or self.experiment, checkpoint=checkpoint)

    def _begin(
        self, experiment: Experiment, paused: bool = False, keep: bool = False, checkpoint: str = ""
    ) -> list[AnyCommand]:
        run = new_id(experiment)
        self.sent, self._is_other = experiment, False
        self._asked.clear()
        self.run.begin(run, experiment)
        return [Start(run, experiment, paused, keep, checkpoint)]

    def toggle(self) -> list[AnyCommand]:
        """What the run key does: begin, pause or go on."""
        match self.run.state:
            case "training":
                return [Pause()]
            case "starting":
                return []
            case "paused":
                return [Resume()]
        if self.run.is_active:
            return [Resume()]
        return self.start()

    def adopt(self, commands: list[AnyCommand]) -> None:
        """Take into the experiment what commands that others have made will do to the run."""
        for command in commands:
            if isinstance(command, Set):
                self.edits.do(with_value(self.experiment, command.key, command.value))
                if self.sent is not None:
                    self.sent = with_value(self.sent, command.key, command.value)
                self._asked[command.key] += 1
            elif isinstance(command, Start):
                self.edits.do(command.experiment)
                self.sent = command.experiment
                self._asked.clear()
                self.run.begin(command.run, command.experiment)

    def receive(self, news: AnyEvent | Snapshot) -> None:
        """Fold in what came from the host."""
        if isinstance(news, Snapshot):
            self._replace(news.run)
            return
        if not self.run.apply(news):
            return
        if isinstance(news, Started):
            self.sent = news.experiment
            self._asked.clear()
        elif isinstance(news, Changed):
            self._learn(news)

    def _replace(self, run: Run) -> None:
        """Take the host's view of the run; ours stands if the host has not heard of it yet."""
        before = self.run
        self.run = run
        if before.state == "starting" and before.experiment and run.id != before.id:
            run.begin(before.id, before.experiment)
            return
        if run.experiment is not None:
            self.sent = run.experiment
            if self.is_blank:
                self.open(run.experiment, None)

    def _learn(self, event: Changed) -> None:
        """A change that another viewer of the run has made is ours too."""
        if self._asked[event.key]:
            self._asked[event.key] -= 1
            return
        if self.sent is not None:
            self.sent = with_value(self.sent, event.key, event.value)
        if not self.is_apart:
            self.edits.do(with_value(self.experiment, event.key, event.value))
