"""The runs in progress and those of the queue, with their losses so far, for a strip of charts."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tuilab.core.errors import InputError
from tuilab.core.files.stored_file import open_stored
from tuilab.core.run.run import Run
from tuilab.core.run.series import average_groups
from tuilab.host import discovery, run_lock, run_queue, run_store
from tuilab.host.run_queue import QueueEntry

MAX_LOSSES = 240
"""Losses of a run that are passed on, evenly over all of it."""

CHUNK_BYTES = 1 << 22
"""Bytes of a log that are in memory at a time."""

IGNORED = tuple(
    f'{{"event":"{name}"'.encode()
    for name in ("logged", "layer_stats_reported", "diagnosis_changed", "checks_reported")
)
"""How the lines of a log begin that say nothing of what is shown."""


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run in progress, or one that waits in the queue."""

    run: str
    title: str
    state: str
    "`training`, `paused`, `starting`, `failed`, `waiting` or `cut off`."
    is_in_progress: bool = False
    "Whether a process trains it or holds it in memory."
    position: int = 0
    "In the queue, from 1; 0 if it is not there."
    losses: tuple[float, ...] = ()
    "Of training, evenly over the run."
    metric: str = ""
    "The name of the headline metric, such as `validation accuracy`."
    value: float = 0.0
    epoch: float = 0.0
    epochs: int = 0


class ActiveRuns:
    """Follows the runs in progress. `refresh` may be called in any thread, one call at a time."""

    def __init__(self) -> None:
        self._followers: dict[str, _LogFollower] = {}

    def refresh(self) -> list[ActiveRun]:
        """Returns the runs in progress, those of the queue in its order, then what waits there.

        With one host and an empty queue, it only counts the hosts.
        """
        entries = _list_unfinished()
        if not entries and len(discovery.find_sockets()) < 2:
            self._followers.clear()
            return []
        positions = {entry.run: number for number, entry in enumerate(entries, 1)}
        held = {run for run, _ in run_lock.living_holders()}
        others = sorted(held - set(positions))
        names = [entry.run for entry in entries if entry.run in held] + others
        self._followers = {
            run: self._followers.get(run) or _LogFollower(run_store.run_dir(run)) for run in names
        }
        active = [self._followers[run].describe(positions.get(run, 0)) for run in names]
        waiting = [_describe_waiting(entry, positions[entry.run])
                   for entry in entries if entry.run not in held]  # fmt: skip
        return [run for run in active if run is not None] + waiting


def _list_unfinished() -> list[QueueEntry]:
    with suppress(InputError):  # what is wrong with the queue is said where it is changed
        return [entry for entry in run_queue.list_entries() if not entry.is_over]
    return []


def _describe_waiting(entry: QueueEntry, position: int) -> ActiveRun:
    state = "starting" if entry.state == "training" else entry.state
    epochs = entry.experiment.training.epochs
    return ActiveRun(entry.run, entry.title, state, position=position, epochs=epochs)


class _LogFollower:
    """Reads a log as far as it is written, and goes on from there the next time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run = Run()
        self._offset = 0
        self._rest = b""
        "The beginning of a line that is not written to its end."

    def describe(self, position: int) -> ActiveRun | None:
        """Returns how far the run is; None if it has ended and only its host is still there."""
        with suppress(OSError):  # it has not begun to be written
            self._read()
        run = self._run
        if run.experiment is None:
            return ActiveRun(self._folder.name, self._folder.name, "starting", True, position)
        if not run.is_active:
            return None
        series = run.series.get("loss/train")
        metric, value = _find_headline(run)
        return ActiveRun(
            run=self._folder.name,
            title=run.experiment.title or run.experiment.data.title,
            state=run.state,
            is_in_progress=True,
            position=position,
            losses=tuple(average_groups([point[1] for point in series.points()], MAX_LOSSES))
            if series is not None
            else (),
            metric=metric,
            value=value,
            epoch=run.progress.epoch if run.progress is not None else 0.0,
            epochs=run.experiment.training.epochs,
        )

    def _read(self) -> None:
        with open_stored(self._folder / run_store.LOG) as log:
            log.seek(self._offset)
            while piece := log.read(CHUNK_BYTES):
                self._offset += len(piece)
                *lines, self._rest = (self._rest + piece).split(b"\n")
                for event in run_store.decode_events(_without_ignored(lines)):
                    with suppress(Exception):  # a line that is damaged, and still a line
                        self._run.apply(event)


def _without_ignored(lines: Iterable[bytes]) -> Iterator[bytes]:
    return (line for line in lines if line and not line.startswith(IGNORED))


def _find_headline(run: Run) -> tuple[str, float]:
    """Returns the newest metric of held-out examples, else of training, that is not the loss."""
    if run.epoch is not None:
        for split, values in (("validation", run.epoch.validation), ("train", run.epoch.train)):
            for name, value in values.items():
                if name != "loss":
                    return f"{split} {name}", value
    return "", 0.0
