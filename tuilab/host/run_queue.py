"""The queue of runs: one file that the shells, the lab and the runner of this user change.

It is changed under a lock and replaced as a whole, so that no one's change is lost and a process
that is killed leaves the file as it was before or after its change.
"""

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.format import format_duration
from tuilab.core.protocol.commands import Start
from tuilab.core.run.run import make_run_id
from tuilab.host import run_lock, run_store
from tuilab.host.run_lock import Holder, RunLock

FILE, LOCK, LOG = "queue.msgpack", "queue.lock", "runner.log"
"""The queue, what is locked while it changes, and what the runner prints."""

MAX_FINISHED = 100
"""Entries that are over and still listed; the oldest are dropped."""

STOP_SECONDS = 60.0
"""Seconds for the runner to save its runs and end."""

EntryState = Literal["waiting", "training", "done", "stopped", "failed", "cut off"]


class QueueEntry(Struct, frozen=True, kw_only=True):
    """A run in the queue."""

    start: Start
    "What starts it; without a checkpoint where it was added as a new run."
    state: EntryState = "waiting"
    problem: str = ""
    "Why it failed or was cut off."
    added: float = 0.0
    "When, in seconds since the epoch."
    device: str = ""
    "Where it trains or has trained; empty until that is decided."

    @property
    def run(self) -> str:
        """The id of the run, which names its folder once it has started."""
        return self.start.run

    @property
    def experiment(self) -> Experiment:
        """What it trains."""
        return self.start.experiment

    @property
    def title(self) -> str:
        """The title of its experiment, else of its data."""
        return self.experiment.title or self.experiment.data.title

    @property
    def is_over(self) -> bool:
        """Whether nothing more is done for it; one that was cut off goes on with the next start."""
        return self.state in ("done", "stopped", "failed")


class QueueFile(Struct, frozen=True):
    """What the file of the queue holds."""

    entries: tuple[QueueEntry, ...] = ()
    jobs: int = 1
    "How many runs are trained at a time on each device."

    @property
    def unfinished(self) -> list[QueueEntry]:
        """The entries that have a position, in their order."""
        return [entry for entry in self.entries if not entry.is_over]

    def with_entry(self, changed: QueueEntry) -> "QueueFile":
        """Returns the queue with another state of one of its runs."""
        entries = [changed if entry.run == changed.run else entry for entry in self.entries]
        return replace(self, entries=tuple(entries))


Change = Callable[[QueueFile], QueueFile]


# --- the file -----------------------------------------------------------------------------------


def load_queue() -> QueueFile:
    """Returns the queue as it is stored; InputError if it cannot be read."""
    path = paths.queue_dir() / FILE
    try:
        return msgspec.msgpack.decode(read_stored(path), type=QueueFile)
    except FileNotFoundError:
        return QueueFile()
    except OSError as error:
        raise InputError(f"the queue cannot be read: {error.strerror}", str(path)) from None
    except (ValueError, RecursionError) as error:  # msgspec's are ValueErrors
        raise InputError(
            f"the queue is damaged or of another version of tuilab ({error}); "
            "move this file away to begin a new one",
            str(path),
        ) from None


def edit_queue(change: Change) -> QueueFile:
    """Changes the queue and returns it; what others change at once is not lost.

    Raises:
        InputError: what is asked for is impossible, or the queue cannot be read or written.
    """
    with lock_queue():
        before = load_queue()
        queue = change(before)
        if queue != before:
            path = paths.queue_dir() / FILE
            try:
                write_atomically(path, msgspec.msgpack.encode(queue))
            except OSError as error:
                reason = error.strerror or str(error)
                raise InputError(f"the queue cannot be written: {reason}", str(path)) from None
        return queue


@contextmanager
def lock_queue() -> Iterator[None]:
    """Waits until no other process changes the queue, and keeps others out meanwhile."""
    folder = paths.queue_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        file = os.open(folder / LOCK, flags, 0o600)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the queue cannot be changed: {reason}", str(folder)) from None
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


# --- what the user does -------------------------------------------------------------------------


def list_entries() -> list[QueueEntry]:
    """Returns all entries; one whose run no process trains any more is cut off."""
    return [
        resolve_end(entry) if entry.state == "training" and not _is_in_progress(entry) else entry
        for entry in load_queue().entries
    ]


def _is_in_progress(entry: QueueEntry) -> bool:
    """Returns whether a runner waits for the end of a run, or a process trains it without one."""
    if entry.state != "training":
        return False
    holder = find_runner() or run_lock.find_holder(run_store.run_dir(entry.run))
    return holder is not None


def add_runs(starts: Iterable[Start]) -> list[QueueEntry]:
    """Adds runs to the end of the queue and returns their entries.

    Raises:
        InputError: a run that is to go on is in the queue already.
    """
    added: list[QueueEntry] = []

    def add(queue: QueueFile) -> QueueFile:
        entries = list(queue.entries)
        for start in starts:
            same = next((entry for entry in entries if entry.run == start.run), None)
            if same is not None and start.checkpoint:
                if not same.is_over:
                    raise InputError("this run is in the queue already", start.run)
                entries.remove(same)
            known_ids = {entry.run for entry in entries}
            while start.run in known_ids:  # by another process that has just added it
                start = replace(start, run=make_run_id(start.experiment))
            entry = QueueEntry(start=start, added=time.time())
            entries.append(entry)
            added.append(entry)
        return replace(queue, entries=tuple(_without_oldest(entries)))

    edit_queue(add)
    return added


def _without_oldest(entries: list[QueueEntry]) -> Iterator[QueueEntry]:
    surplus = sum(entry.is_over for entry in entries) - MAX_FINISHED
    for entry in entries:
        if entry.is_over and surplus > 0:
            surplus -= 1
        else:
            yield entry


def move_entry(name: str, position: int) -> QueueEntry:
    """Moves an entry to another position, from 1, and returns it.

    Args:
        name: its position, or a unique part of its run's id.
    """
    moved_entries: list[QueueEntry] = []

    def move(queue: QueueFile) -> QueueFile:
        entry = find_entry(queue.unfinished, name)
        others = [other for other in queue.unfinished if other is not entry]
        if not 1 <= position <= len(others) + 1:
            raise InputError(f"the positions are 1 to {len(others) + 1}", str(position))
        moved_entries.append(entry)
        others.insert(position - 1, entry)
        over = [other for other in queue.entries if other.is_over]
        return replace(queue, entries=(*over, *others))

    edit_queue(move)
    return moved_entries[0]


def remove_entries(names: Sequence[str]) -> list[QueueEntry]:
    """Removes entries and returns them; InputError if one of them is in progress."""
    removed: list[QueueEntry] = []

    def remove(queue: QueueFile) -> QueueFile:
        over = [entry for entry in queue.entries if entry.is_over]
        for name in names:
            entry = find_entry([*queue.unfinished, *over], name)
            if _is_in_progress(entry):
                stop = f"it is in progress; stop it with: tuilab stop {entry.run}"
                raise InputError(stop, entry.run)
            removed.append(entry)
        runs = {entry.run for entry in removed}
        remaining = [entry for entry in queue.entries if entry.run not in runs]
        return replace(queue, entries=tuple(remaining))

    edit_queue(remove)
    return removed


def clear_finished() -> int:
    """Removes the entries that are over and returns their number; their runs stay stored."""
    count = 0

    def clear(queue: QueueFile) -> QueueFile:
        nonlocal count
        count = len(queue.entries) - len(queue.unfinished)
        return replace(queue, entries=tuple(queue.unfinished))

    edit_queue(clear)
    return count


def find_entry(entries: Sequence[QueueEntry], name: str) -> QueueEntry:
    """Returns the entry at a position, from 1, or with this in the id of its run."""
    if not entries:
        raise InputError("the queue is empty", name)
    if name.isdecimal() and len(name) < 5:
        unfinished = [entry for entry in entries if not entry.is_over]
        if 1 <= int(name) <= len(unfinished):
            return unfinished[int(name) - 1]
        raise InputError("no run of the queue is at this position; `tuilab queue` lists them", name)
    exact = [entry for entry in entries if entry.run == name]
    matches = exact or [entry for entry in entries if name and name in entry.run]
    if len(matches) == 1:
        return matches[0]
    if not matches:
        raise InputError("no run of the queue has this in its id; `tuilab queue` lists them", name)
    raise InputError(f"several runs match: {', '.join(each.run for each in matches[:8])}", name)


def find_position(run: str) -> int:
    """Returns the position of a run, from 1; 1 for one that is over by now."""
    runs = [entry.run for entry in load_queue().unfinished]
    return runs.index(run) + 1 if run in runs else 1


def resolve_end(entry: QueueEntry, problem: str = "its process ended") -> QueueEntry:
    """Returns the entry of a run that no process trains any more, as its folder says it ended.

    Args:
        problem: why there is no end, where there is none.
    """
    try:
        run = run_store.read_run(run_store.run_dir(entry.run), ends_only=True)
    except InputError:
        return replace(entry, state="cut off", problem=f"{problem} before the first step")
    if run.failure is not None:
        return replace(entry, state="failed", problem=run.failure.title)
    if run.finished is None or run.finished.reason == "interrupted":
        return replace(entry, state="cut off", problem="" if run.finished else problem)
    if run.finished.lost:
        return replace(entry, state="failed", problem=run.finished.lost)
    return replace(entry, state=run.finished.reason, problem="")


# --- the runner ---------------------------------------------------------------------------------


def acquire_runner() -> RunLock:
    """Makes this process the runner of the queue; InputError if another one is."""
    folder = paths.queue_dir()
    try:
        return RunLock.acquire(folder)
    except InputError:
        raise InputError(_describe_runner(run_lock.read_holder(folder))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the queue cannot be locked: {reason}", str(folder)) from None


def _describe_runner(holder: Holder) -> str:
    who = str(holder.process) if holder.process.pid else "another process"
    return f"{who} works the queue off already; `tuilab queue stop` ends it"


def find_runner() -> Holder | None:
    """Returns the process that works the queue off; None if none does."""
    return run_lock.find_holder(paths.queue_dir())


def start_runner(jobs: int | None = None) -> bool:
    """Starts a process that works the queue off and outlives this one, unless there is one.

    Args:
        jobs: how many runs are trained at a time on each device; None: as many as before. It
            also holds for the process that is there already.

    Returns:
        Whether one was started.
    """
    if jobs:
        set_jobs(jobs)
    if find_runner() is not None:
        return False
    folder = paths.queue_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOG).open("ab") as output:
        process = subprocess.Popen(
            # -P: a torch.py in the current folder must not be imported.
            [sys.executable, "-P", "-m", "tuilab.host.queue_runner"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    # So that it does not become a zombie where it ends before this process.
    threading.Thread(target=process.wait, name="queue runner", daemon=True).start()
    return True


def set_jobs(jobs: int) -> None:
    """Sets how many runs are trained at a time on each device."""
    edit_queue(lambda queue: replace(queue, jobs=jobs))


def stop_runner() -> bool:
    """Ends the runner: its runs are saved and wait in the queue; returns whether there was one.

    Raises:
        InputError: it is on another machine, or does not end.
    """
    holder = find_runner()
    if holder is None:
        return False
    process = holder.process
    if not process.is_alive:
        raise InputError(_describe_runner(holder) + "; end it there")
    with suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while find_runner() is not None:
        if time.monotonic() > deadline:
            raise InputError(
                f"it (pid {process.pid}) has not ended within {format_duration(STOP_SECONDS)}; "
                "its runs still save their checkpoints, or do not answer: see `tuilab ps`"
            )
        time.sleep(0.05)
    return True
