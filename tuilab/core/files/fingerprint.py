"""What identifies the files that a run was trained on: their path, their size and their hash."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path

from msgspec import Struct

from tuilab.core.files.natural_order import natural_key
from tuilab.core.format import format_bytes

CHUNK_BYTES = 1 << 20

MAX_HASHED_BYTES = 4_000_000_000
"""Up to this size the content is hashed; of more, the names and sizes of the files are."""


class DataFile(Struct, frozen=True):
    """A file or a folder of data, as it was when a run began."""

    path: str
    "Absolute."
    size: int
    "In bytes; of a folder, of all files in it."
    hash: str
    "BLAKE2 of the content, and of the names of the files in a folder."
    files: int = 1


def fingerprint(path: Path) -> DataFile:
    """Returns what identifies a file or a folder; OSError if it cannot be read."""
    path = path.absolute()
    return _fingerprint(path, tuple(_list_states(path)))


def _list_states(path: Path) -> list[tuple[str, int, int]]:
    """Returns name, size and time of change of each file, in order."""
    if not path.is_dir():
        stat = path.stat()
        return [("", stat.st_size, stat.st_mtime_ns)]
    states = []
    for folder, _, names in os.walk(path):
        for name in names:
            file = os.path.join(folder, name)
            try:
                stat = os.stat(file)
            except OSError:  # a link that leads nowhere
                continue
            states.append((os.path.relpath(file, path), stat.st_size, stat.st_mtime_ns))
    return sorted(states, key=lambda state: natural_key(state[0]))


@lru_cache(maxsize=16)
def _fingerprint(path: Path, states: tuple[tuple[str, int, int], ...]) -> DataFile:
    size = sum(size for _, size, _ in states)
    digest = hashlib.blake2b(digest_size=16)
    for name, file_size, _ in states:
        if name:
            digest.update(f"{name}\0{file_size}\0".encode("utf-8", "surrogateescape"))
        elif size > MAX_HASHED_BYTES:
            digest.update(str(file_size).encode())
        if size <= MAX_HASHED_BYTES:
            with (path / name if name else path).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    digest.update(chunk)
    return DataFile(str(path), size, digest.hexdigest(), len(states))


def describe_change(before: DataFile) -> str:
    """Returns how data differs from what a run was trained on; empty if it is the same."""
    path = Path(before.path)
    try:
        now = fingerprint(path)
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        return "it is gone" if missing else f"it cannot be read: {error.strerror}"
    if now.hash == before.hash:
        return ""
    if now.files != before.files:
        return f"it has {now.files} files, and had {before.files}"
    if now.size != before.size:
        return f"it has {format_bytes(now.size)} ({now.size} bytes), and had {before.size} bytes"
    return "its content is another, of the same size"
