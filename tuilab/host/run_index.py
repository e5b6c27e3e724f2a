"""The index of the stored runs: their summaries in one file, so that a list of thousands is fast.

The folders are the truth: each summary is kept with what its folder looked like, and read again
where that has changed. Where the index is missing, damaged or of another version, all are read.
"""

import os
import stat
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.printable import encode_msgpack
from tuilab.core.run import run_files
from tuilab.core.run.run_summary import RunSummary
from tuilab.core.version import installed_version
from tuilab.host.summarize_run import LogDigest, summarize_log

INDEX = ".index.msgpack"
"""The file in the folder of the runs."""

FORMAT = 1
"""To be increased where a summary is made in another way."""

UNSURE_SECONDS = 0.05
"""A change so shortly before a look may be followed by one with the same time of change."""

STAMPED = ("", run_files.LOG, run_files.LABELS)
"""What is looked at of a run: its folder, in which files are replaced, and files in place."""

Stamp = tuple[int, ...]
"""Time of change, size and number of each file of STAMPED; zeros where there is none."""


class Entry(Struct, array_like=True):
    """A summary, and what its folder looked like when it was read."""

    stamp: Stamp
    read_at: float
    summary: RunSummary


class _Index(Struct, array_like=True):
    format: int
    version: str
    entries: dict[str, Entry] = field(default_factory=dict)


_decoder = msgspec.msgpack.Decoder(_Index)


class RunIndex:
    """The summaries of the runs in a folder, kept in a file and as current as its last look."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[str, Entry] = {}
        self._digests: dict[str, LogDigest] = {}
        "What was read of the logs of runs in progress."
        self._is_loaded = False

    @property
    def summaries(self) -> list[RunSummary]:
        """The summaries as they were read last."""
        return [entry.summary for entry in list(self._entries.values())]

    def refresh(self) -> Iterator[tuple[int, int]]:
        """Reads what has changed; yields how many of the changed runs are read, and their number.

        Nothing is yielded where nothing has changed. What is there may be shown meanwhile.
        """
        if not self._is_loaded:
            self._entries, self._is_loaded = _load(self._folder / INDEX), True
        stamps = dict(_scan(self._folder))
        is_changed = bool(self._entries.keys() - stamps.keys())
        for run in self._entries.keys() - stamps.keys():
            del self._entries[run]
            self._digests.pop(run, None)
        stale = [run for run, stamp in stamps.items() if not self._is_current(run, stamp)]
        for number, run in enumerate(stale, 1):
            is_changed |= not self._read(run, stamps[run]).is_active
            yield number, len(stale)
        if is_changed:
            self._save()

    def refresh_run(self, run: str) -> None:
        """Reads one run again if it has changed; nothing before the first `refresh`."""
        if not self._is_loaded:
            return
        try:
            stamp = _stamp(str(self._folder / run))
        except OSError:
            self._entries.pop(run, None)
            return
        if not self._is_current(run, stamp):
            self._read(run, stamp)

    def _is_current(self, run: str, stamp: Stamp) -> bool:
        entry = self._entries.get(run)
        if entry is None or entry.stamp != stamp:
            return False
        changed = max(stamp[::3]) / 1e9
        return abs(entry.read_at - changed) > UNSURE_SECONDS

    def _read(self, run: str, stamp: Stamp) -> RunSummary:
        read_at, before = time.time(), self._entries.get(run)
        digest = self._digests.pop(run, None)
        if digest is None or before is None or not _has_grown(before.stamp, stamp):
            digest = LogDigest()
        summary = summarize_log(self._folder / run, digest)
        if summary.is_active:
            self._digests[run] = digest
        self._entries[run] = Entry(stamp, read_at, summary)
        return summary

    def _save(self) -> None:
        """Writes the file; where that is impossible, the next process reads the folders."""
        body = encode_msgpack(_Index(FORMAT, installed_version(), self._entries))
        with suppress(OSError):
            write_atomically(self._folder / INDEX, zlib.crc32(body).to_bytes(4, "big") + body)


def _load(path: Path) -> dict[str, Entry]:
    """Reads an index; empty where it is missing, damaged or of another version."""
    try:
        content = read_stored(path)
        if zlib.crc32(memoryview(content)[4:]).to_bytes(4, "big") != content[:4]:
            return {}
        index = _decoder.decode(memoryview(content)[4:])
    except (OSError, ValueError, RecursionError):  # msgspec's errors are ValueErrors
        return {}
    is_ours = (index.format, index.version) == (FORMAT, installed_version())
    return index.entries if is_ours else {}


def _scan(folder: Path) -> Iterator[tuple[str, Stamp]]:
    """Yields the folders of runs, with a log or a checkpoint, and what they look like."""
    with suppress(FileNotFoundError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            with suppress(OSError):  # deleted in the meantime
                stamp = _stamp(entry.path)
                if stamp[5] or run_files.find_checkpoint(Path(entry.path)):
                    yield entry.name, stamp


def _stamp(folder: str) -> Stamp:
    """Returns what a folder looks like; OSError if it is not a folder."""
    stamp: list[int] = []
    for name in STAMPED:
        try:
            status = os.stat(f"{folder}/{name}")
        except OSError:
            if not name:
                raise
            stamp += (0, 0, 0)
            continue
        if not name and not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(folder)
        stamp += (status.st_mtime_ns, status.st_size, status.st_ino)
    return tuple(stamp)


def _has_grown(before: Stamp, after: Stamp) -> bool:
    """Returns whether the log is the same file with more at its end."""
    return before[5] == after[5] and before[4] < after[4]
