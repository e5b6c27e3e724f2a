"""The log of a run: writes its events into its folder; a full disk never stops the run.

A checkpoint is written after `flush`: the log is never behind it, so that a run that is killed at
any moment goes on from its checkpoint with its whole history.
"""

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from pathlib import Path

from msgspec.structs import replace

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.merge_toml import merge_toml
from tuilab.core.files.atomic_write import (
    put_aside,
    remove_dead_parts,
    write_all,
    write_atomically,
)
from tuilab.core.files.stored_file import read_stored
from tuilab.core.protocol.events import (
    AlertsChanged,
    AnyEvent,
    Checking,
    EpochEnded,
    Finished,
    LayerStatsReported,
    Loading,
    Logged,
    Progressed,
    Ready,
    SeedsReported,
    SnapshotsListed,
    Started,
    Traveled,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.host import branches, run_store

PASSING = (
    Loading, Ready, Checking, AlertsChanged, InspectResponse, SeedsReported, SnapshotsListed,
    Traveled,
)  # fmt: skip
"""Events that say nothing of the run that would matter later; seeds are runs of their own."""

MIN_GAP = 0.1
"""Minimum of seconds between two stored reports; a later one brings the points of both."""

GAPS_PER_RUN = 2000
"""The gap is the run's age over this: that many are stored while the age grows e-fold."""

RETRY_SECONDS = 5.0
"""Seconds until a write that failed is tried again."""

LAST_DELAYS = (0.02, 0.1, 0.3)
"""Seconds between the attempts to write the end of a run."""

MAX_WAITING_LINES = 10_000
"""Lines that wait while the disk cannot be written; then the oldest are dropped."""


class RunLog:
    """Writes the events of the current run into its folder, from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._mutex = threading.Lock()
        self._started: Started | None = None
        self._log = -1
        self._started_at = self._retry_at = self._reported_at = 0.0
        self._report: Progressed | None = None
        "The newest report, if it came too soon to be stored."
        self._lines: deque[bytes] = deque(maxlen=MAX_WAITING_LINES)
        self._error = ""

    def record(self, event: AnyEvent) -> list[Logged]:
        """Stores an event; returns notes if writing starts to fail or to work again."""
        with self._mutex:
            return self._record(event)

    def flush(self) -> list[Logged]:
        """Writes all that was recorded, to last through a loss of power; returns notes."""
        with self._mutex:
            if self._started is None:
                return []
            self._store_report()
            return self._write((), is_synced=True)

    def close(self) -> None:
        """Writes all that was recorded, if the disk allows it, and closes the file."""
        with self._mutex:
            self._close()

    def _record(self, event: AnyEvent) -> list[Logged]:
        notes: list[Logged] = []
        if isinstance(event, Started):
            self._close()
            notes = self._start(event)
        if self._started is None or isinstance(event, PASSING):
            return []
        if isinstance(event, Progressed):
            self._add_report(event)
        else:
            if not isinstance(event, (LayerStatsReported, EpochEnded)):
                self._store_report()
            self._lines.append(run_store.encode_event(event))
        if isinstance(event, Finished):
            return notes + self._write(LAST_DELAYS, is_synced=True)
        return notes + (self._write(()) if self._clock() >= self._retry_at else [])

    def _close(self) -> None:
        if self._started is not None:
            self._store_report()
            self._write(LAST_DELAYS, is_synced=True)
        self._close_file()
        self._started = None

    def _start(self, event: Started) -> list[Logged]:
        """Begins with another run; returns a note if the history of its parent cannot be copied."""
        self._started, self._started_at = event, self._clock()
        self._error, self._retry_at = "", 0.0
        self._report, self._reported_at = None, -inf
        self._lines.clear()
        with suppress(OSError):
            for folder in Path(event.folder).parent.iterdir():
                remove_dead_parts(folder)
        return branches.copy_history(event) if event.parent else []

    def _add_report(self, event: Progressed) -> None:
        """Stores a report, or keeps it back if it follows the last one too soon."""
        now, before = self._clock(), self._report
        if before is not None and before.points is not None and event.points is not None:
            event = replace(event, points=before.points + event.points)
        self._report = event
        if now - self._reported_at >= max(MIN_GAP, (now - self._started_at) / GAPS_PER_RUN):
            self._reported_at = now
            self._store_report()

    def _store_report(self) -> None:
        if self._report is not None:
            self._lines.append(run_store.encode_event(self._report))
            self._report = None

    def _write(self, delays: Sequence[float], *, is_synced: bool = False) -> list[Logged]:
        """Writes the waiting lines, again after each of these delays while it fails."""
        if not self._lines:
            return []
        try:
            notes = self._write_lines(delays, is_synced=is_synced)
        except Exception as error:  # whatever is in the folder, the run goes on
            return self._report_error(error)
        if self._error:
            self._error, self._retry_at = "", 0.0
            notes.append(Logged("The log of the run can be written again."))
        return notes

    def _write_lines(self, delays: Sequence[float], *, is_synced: bool) -> list[Logged]:
        notes: list[Logged] = []
        for delay in (*delays, None):
            try:
                notes += self._open()
                while self._lines:
                    write_all(self._log, self._lines[0])
                    self._lines.popleft()
                if is_synced:
                    os.fsync(self._log)
                return notes
            except OSError:
                self._close_file()
                if delay is None:
                    raise
                time.sleep(delay)
        return notes

    def _close_file(self) -> None:
        """Closes the file; it is opened again for the next line, which begins a new one."""
        if self._log >= 0:
            file, self._log = self._log, -1
            with suppress(OSError):
                os.close(file)

    def _open(self) -> list[Logged]:
        """Opens the file, unless it is open; returns notes on what is in the folder."""
        assert self._started is not None
        path = Path(self._started.folder)
        if self._log >= 0 and _is_at(self._log, path / run_store.LOG):
            return []
        self._close_file()
        path.mkdir(parents=True, exist_ok=True)
        notes = write_experiment(path / run_store.EXPERIMENT, self._started.experiment)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._log = os.open(path / run_store.LOG, flags, 0o644)
        start = run_store.encode_event(self._started)
        if os.fstat(self._log).st_size:
            write_all(self._log, b"\n")  # ends a line that was written incompletely
        elif self._lines[0] != start:  # without it, nothing that follows can be read
            write_all(self._log, start)
            text = f"The log of the run was deleted; it is written again from here on: {path}"
            notes.append(Logged(text))
        return notes

    def _report_error(self, error: Exception) -> list[Logged]:
        """Returns a note about a new error."""
        self._retry_at = self._clock() + RETRY_SECONDS
        self._close_file()
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if reason == self._error:
            return []
        self._error = reason
        folder = self._started.folder if self._started else ""
        return [
            Logged(f"Training continues, but the log cannot be written ({reason}): {folder}. "
                   "Free some space; it is tried again every few seconds.")
        ]  # fmt: skip


def _is_at(file: int, path: Path) -> bool:
    """Returns whether an open file is still at its path; people clean folders up."""
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except OSError:
        return False


def write_experiment(path: Path, experiment: Experiment) -> list[Logged]:
    """Writes the experiment of a run; what is there and cannot be read is put aside."""
    notes = []
    try:
        previous_text = read_stored(path).decode("utf-8") if os.path.lexists(path) else ""
        text = merge_toml(experiment, previous_text, path.parent, is_complete=True)
    except Exception as error:  # it is not text, not TOML, not a file, or the reader's error
        is_unread = isinstance(error, OSError) and not isinstance(error, PermissionError)
        if is_unread and path.is_file():  # the disk fails; it may be whole
            raise
        text = merge_toml(experiment, "", path.parent, is_complete=True)
        aside = put_aside(path)
        notes = [Logged(f"{path} was damaged and is written again; it is now {aside.name}.")]
    write_atomically(path, text.encode())
    return notes
