"""The lock of a run folder: one process at a time trains a run, and says here which one.

The kernel releases the lock with the process, however that ends.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.printable import encode_json
from tuilab.core.version import installed_version
from tuilab.host.process_identity import ProcessIdentity, is_suspended, this_process

LOCK = "host.json"
"""The file of a run folder that is locked; it names the process that trains."""

LOCK_SECONDS = 1.0
"""Seconds to wait for a lock: a process that has just been killed still ends."""

MAX_LOCK_BYTES = 8192


class Holder(Struct, frozen=True):
    """The process that holds the lock of a run, as its file names it."""

    process: ProcessIdentity = ProcessIdentity()
    socket: str = ""
    "Where it can be connected to; empty if it cannot."
    version: str = ""
    "Of its tuilab."

    def describe(self, run: str) -> str:
        """Returns who trains a run, and what can be done, as one sentence."""
        process = self.process
        if not process.pid:
            return "another process trains it"
        if not process.is_here:
            return f"{process} trains it; end that one first"
        if is_suspended(process.pid):
            return (
                f"{process} trains it and is suspended; `kill -CONT {process.pid}` lets it go on, "
                f"`kill -9 {process.pid}` ends it"
            )
        join = f"join it with: tuilab attach {run}; " if self.socket else ""
        return f"{process} trains it; {join}`kill {process.pid}` ends it with a checkpoint"


class RunLock:
    """An exclusive lock on a run folder, held until it is closed or this process ends."""

    def __init__(self, folder: Path, file: int, socket: Path | None) -> None:
        self.folder, self._file, self._socket = folder, file, socket
        self._mutex = threading.Lock()
        self._is_lost = False
        self._name_holder()

    @classmethod
    def acquire(cls, folder: Path, socket: Path | None = None) -> "RunLock":
        """Locks a run folder and writes into it who trains it.

        Raises:
            InputError: another process holds it.
            OSError: the folder cannot be created, or its file system knows no locks.
        """
        deadline = time.monotonic() + LOCK_SECONDS
        while (file := _try_lock(folder / LOCK)) is None:
            if time.monotonic() >= deadline:
                raise InputError(read_holder(folder).describe(folder.name), folder.name)
            time.sleep(0.02)
        return cls(folder, file, socket)

    def _name_holder(self) -> None:
        holder = Holder(this_process(), str(self._socket or ""), installed_version())
        with suppress(OSError):  # a full disk: it is locked, and does not say by whom
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, encode_json(holder), 0)

    def keep(self, socket: Path | None) -> str:
        """Writes the file again where it was deleted or names another socket, from any thread.

        Returns:
            What to do if another process trains the run by now, once; else nothing.

        Raises:
            OSError: it cannot be written.
        """
        with self._mutex:
            is_there = self._file < 0 or _is_at(self._file, self.folder / LOCK)
            if self._is_lost or (is_there and socket == self._socket):
                return ""
            if not is_there:
                file = _try_lock(self.folder / LOCK)
                if file is None:
                    self._is_lost = True
                    other = read_holder(self.folder).describe(self.folder.name)
                    return f"{LOCK} of this run was deleted while it trains. Now {other}"
                os.close(self._file)
                self._file = file
            self._socket = socket
            self._name_holder()
            return ""

    def close(self) -> None:
        """Unlocks the folder, and removes it if nothing was stored in it."""
        with self._mutex:
            self._close()

    def _close(self) -> None:
        if self._file < 0:
            return
        with suppress(OSError):  # removed while it is locked, so no one else has this file
            if _is_at(self._file, self.folder / LOCK):
                (self.folder / LOCK).unlink()
        os.close(self._file)
        self._file = -1
        with suppress(OSError):  # it is not empty
            self.folder.rmdir()


def _try_lock(path: Path) -> int | None:
    """Opens and locks a file; returns None if another process has locked it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        file = os.open(path, flags, 0o600)
    except FileNotFoundError:  # the folder was removed by who has released it
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(file, path):  # else removed by who has released it
            return file
    except BlockingIOError:
        pass
    except BaseException:
        os.close(file)
        raise
    os.close(file)
    return None


def _is_at(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.lstat())
    except FileNotFoundError:
        return False


def find_holder(folder: Path) -> Holder | None:
    """Returns the process that holds the lock of a run; None if none does."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return read_holder(folder)
    except OSError:  # of a file system without locks
        holder = read_holder(folder)
        return holder if holder.process.is_alive else None
    finally:
        os.close(file)
    return None


def read_holder(folder: Path) -> Holder:
    """Returns the holder that a lock names, who may be dead; empty if it names none."""
    try:
        file = os.open(folder / LOCK, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return Holder()
    try:
        return msgspec.json.decode(os.read(file, MAX_LOCK_BYTES), type=Holder)
    except (OSError, ValueError, RecursionError):
        return Holder()
    finally:
        os.close(file)


def living_holders() -> Iterator[tuple[str, Holder]]:
    """Yields the run and the holder of each run that a process of this machine trains."""
    for path in paths.runs_dir().glob(f"*/{LOCK}"):
        holder = read_holder(path.parent)
        if holder.process.is_alive:
            yield path.parent.name, holder
