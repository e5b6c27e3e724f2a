"""The snapshots of a run as files: written by a thread of their own, so that training goes on."""

import errno
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from tuilab.core.files.atomic_write import remove_dead_parts, write_atomically
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.engine import checkpoint_file

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a disk without space."""

IDLE_SECONDS = 5.0
"""Seconds after which the thread ends if there is nothing to write."""


@dataclass(slots=True, eq=False)
class Snapshot:
    """The state of a run at a step: in memory, in a file, or both."""

    step: int
    size: int
    "Bytes of its tensors, or of its file."
    state: dict[str, Any] | None = None
    is_stored: bool = False
    "Whether its file has been written."
    is_removed: bool = False


class SnapshotFiles:
    """One file for each snapshot in a folder, with the checksum of checkpoints."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue: SimpleQueue[Snapshot] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting = 0
        "Snapshots that are not written yet."
        self._cost = 0.0
        self._problem = self._last_problem = ""
        remove_dead_parts(folder)

    def list(self) -> list[Snapshot]:
        """Returns the snapshots in the folder, without their states, the oldest first."""
        return [Snapshot(step, size, None, is_stored=True)
                for step, size, _ in list_snapshots(self._folder)]  # fmt: skip

    def read(self, step: int) -> dict[str, Any]:
        """Reads the state of a snapshot; InputError if the file is gone or damaged."""
        return checkpoint_file.read(snapshot_path(self._folder, step))

    def remove(self, step: int) -> None:
        """Deletes the file of a snapshot, if there is one."""
        with suppress(OSError):
            snapshot_path(self._folder, step).unlink(missing_ok=True)

    # --- writing --------------------------------------------------------------------------------

    def write(self, entry: Snapshot) -> None:
        """Has a snapshot written in a moment."""
        with self._lock:
            self._waiting += 1
            self._queue.put(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="snapshots", daemon=True)
                self._thread.start()

    def wait(self, timeout: float) -> None:
        """Waits until everything is written, at most this many seconds."""
        deadline = time.monotonic() + timeout
        while self._waiting and time.monotonic() < deadline:
            time.sleep(0.002)

    def take_cost(self) -> float:
        """Returns the seconds of the processor that writing took since the last call."""
        with self._lock:
            cost, self._cost = self._cost, 0.0
        return cost

    def take_problem(self) -> str:
        """Returns why they cannot be written, once for each reason; else nothing."""
        problem, self._problem = self._problem, ""
        return problem

    def _work(self) -> None:
        """Writes what is queued until there has been nothing for a while."""
        while True:
            try:
                entry = self._queue.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if self._queue.empty():
                        self._thread = None
                        return
                continue
            before = time.thread_time()
            try:
                self._write(entry)
            except Exception as error:  # most often a full disk, or a folder that is read-only
                self._report(error)
            with self._lock:
                self._cost += time.thread_time() - before
                self._waiting -= 1

    def _write(self, entry: Snapshot) -> None:
        state = entry.state
        if state is None or entry.is_removed:
            return
        content = checkpoint_file.encode(state)
        write_atomically(snapshot_path(self._folder, entry.step), content, is_durable=False)
        entry.size, entry.is_stored = len(content), True
        self._last_problem = ""
        if entry.is_removed:  # in the meantime
            self.remove(entry.step)

    def _report(self, error: Exception) -> None:
        """Keeps a new problem to be said; on a full disk, makes room for the checkpoint."""
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        if getattr(error, "errno", None) in FULL:
            remove_every_second(self._folder)
        if reason != self._last_problem:
            self._last_problem = reason
            self._problem = (
                f"Snapshots cannot be written ({reason}): {self._folder}. The newest are kept in "
                "memory."
            )


def remove_every_second(folder: Path) -> bool:
    """Makes room on a full disk: deletes every second snapshot of a run; returns whether any."""
    remove_dead_parts(folder)
    steps = [step for step, _, _ in list_snapshots(folder)]
    is_any_deleted = False
    for step in steps[-2::-2] or steps:
        with suppress(OSError):
            snapshot_path(folder, step).unlink()
            is_any_deleted = True
    return is_any_deleted
