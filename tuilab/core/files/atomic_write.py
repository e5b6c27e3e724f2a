"""Files that are written whole or not at all, and the remains of writers that were killed."""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path

PART_NAME = r"\.{}\.\d+(-[0-9a-f]+)?\.part"
"""The name of an incomplete file: whose it is, and the process that writes it."""

CHUNK_SIZE = 1 << 20
"""Bytes that are read back at a time."""

MAX_NAME = 50
"""Letters of a file's name in the name of its part, which must not become too long."""


def write_atomically(
    path: Path, content: bytes, *, previous: Path | None = None, is_durable: bool = True
) -> None:
    """Writes a file completely or not at all: a full disk leaves the old one unchanged.

    What was written is read back before it takes the place of the old file. A link to a file stays
    a link, and a file keeps its permissions.

    Args:
        previous: where the file that is replaced is kept.
        is_durable: whether it lasts through a loss of power, and is read back; the disk is waited
            for.

    Raises:
        OSError: if it cannot be written, or reads back differently.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() and path.is_file():
        path = path.resolve()
    with _locked_part(path) as (file, part):
        write_all(file, content)
        if path.exists():
            os.fchmod(file, path.stat().st_mode & 0o7777)
        if is_durable:
            os.fsync(file)
            if not _reads_back(part, content):
                raise OSError(errno.EIO, "what was written reads back differently")
        if previous is not None and path.exists():
            _keep(path, previous)
        os.replace(part, path)
    if is_durable:
        _sync_folder(path.parent)
        remove_dead_parts(path.parent, path.name)


def put_aside(path: Path) -> Path:
    """Renames what is at a path and in the way of a file; returns its new path."""
    names = (path.with_name(f"damaged-{number}-{path.name}") for number in count(1))
    aside = next(name for name in names if not os.path.lexists(name))
    path.replace(aside)
    return aside


def _reads_back(part: Path, content: bytes) -> bool:
    """Returns whether a file has this content; reads it piece by piece."""
    rest = memoryview(content)
    with part.open("rb", buffering=0) as file:
        while piece := file.read(CHUNK_SIZE):
            if rest[: len(piece)] != piece:
                return False
            rest = rest[len(piece) :]
    return not rest


def write_all(file: int, content: bytes) -> None:
    """Writes all bytes; on an almost full disk, os.write writes a part before it fails."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(file, rest) :]


def remove_dead_parts(folder: Path, name: str = "") -> None:
    """Removes the incomplete files of processes that were killed while they wrote.

    The kernel releases the lock of a process that has ended, whichever machine it was on.

    Args:
        name: only those of this file.
    """
    is_part = re.compile(PART_NAME.format(re.escape(name[:MAX_NAME]) if name else ".+")).fullmatch
    with suppress(OSError), os.scandir(folder) as entries:
        for part in [entry.path for entry in entries if is_part(entry.name)]:
            with suppress(OSError):
                _remove_if_unlocked(part)


def _remove_if_unlocked(part: str) -> None:
    file = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.unlink(part)
    finally:
        os.close(file)


@contextmanager
def _locked_part(path: Path) -> Iterator[tuple[int, Path]]:
    """Creates an incomplete file, which is removed unless it was renamed by then."""
    file, part = _create_part(path)
    try:
        yield file, part
    finally:
        with suppress(OSError):  # that it could not be written matters more
            part.unlink(missing_ok=True)
        os.close(file)


def _create_part(path: Path) -> tuple[int, Path]:
    while True:
        part = _name_part(path)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.lexists(part):
            return file, part
        os.close(file)  # removed as the part of a dead process, just before it was locked


def _name_part(path: Path) -> Path:
    return path.with_name(f".{path.name[:MAX_NAME]}.{os.getpid()}-{secrets.token_hex(4)}.part")


def _keep(path: Path, previous: Path) -> None:
    """Gives a file a second name, so that it is never without one; else renames it."""
    link = _name_part(previous)
    try:
        os.link(path, link)
        os.replace(link, previous)
    except OSError:  # a file system without links
        os.replace(path, previous)
    finally:
        with suppress(OSError):  # it is still there where both were the same file
            link.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Makes a new name last through a loss of power, where the file system can."""
    with suppress(OSError):
        file = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(file)
        finally:
            os.close(file)
