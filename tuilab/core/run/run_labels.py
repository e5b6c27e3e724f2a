"""What the user says of a run: its name, its tags and its note, in a file of its folder."""

import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.printable import encode_json
from tuilab.core.run.run_files import LABELS

LOCK = ".labels.lock"
"""The file of a run's folder that is locked while its labels change or the folder moves."""

MAX_NAME, MAX_TAG, MAX_NOTE = 100, 40, 4000
"""Maximum lengths, in letters."""


class RunLabels(Struct, frozen=True):
    """The labels of a run."""

    name: str = ""
    "Empty where the title serves."
    tags: tuple[str, ...] = ()
    "In alphabetical order."
    note: str = ""


def read_labels(folder: Path) -> RunLabels:
    """Returns the labels of a run; empty ones where there are none or they cannot be read."""
    try:
        return msgspec.json.decode(read_stored(folder / LABELS), type=RunLabels)
    except (OSError, ValueError, RecursionError):
        return RunLabels()


def edit_labels(folder: Path, change: Callable[[RunLabels], RunLabels]) -> RunLabels:
    """Changes the labels of a run and returns them; what others change at once is not lost.

    Raises:
        InputError: there is no such run, or nothing can be written into its folder.
    """
    try:
        with lock_labels(folder):
            before = read_labels(folder)
            labels = change(before)
            if labels != before:
                fields = _read_fields(folder) | msgspec.to_builtins(labels)
                write_atomically(folder / LABELS, encode_json(fields) + b"\n")
            return labels
    except FileNotFoundError:
        raise InputError("this run is not stored any more", folder.name) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"its labels cannot be written ({reason}): {folder}", folder.name
        ) from None


def _read_fields(folder: Path) -> dict[str, Any]:
    """Returns all that is in the file, fields of newer versions included.

    A file that cannot be read is put aside, so that nothing of it is lost.
    """
    path = folder / LABELS
    try:
        content = read_stored(path)
    except FileNotFoundError:
        return {}
    try:
        msgspec.json.decode(content, type=RunLabels)
        fields: dict[str, Any] = msgspec.json.decode(content, type=dict[str, Any])
        return fields
    except (ValueError, RecursionError):
        path.replace(path.with_name(f"damaged-{LABELS}"))
        return {}


@contextmanager
def lock_labels(folder: Path) -> Iterator[None]:
    """Locks the labels of a run; FileNotFoundError if its folder is gone by then."""
    path = folder / LOCK
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_EX)
        if not os.path.samestat(os.fstat(file), path.lstat()):  # the folder has moved meanwhile
            raise FileNotFoundError(path)
        yield
    finally:
        os.close(file)


def rename(folder: Path, name: str) -> RunLabels:
    """Names a run; an empty name gives it its title again."""
    text = " ".join(name.split())
    if len(text) > MAX_NAME:
        raise InputError(f"a name has at most {MAX_NAME} letters; a note can be longer", text[:40])
    return edit_labels(folder, lambda labels: replace(labels, name=text))


def tag(folder: Path, add: Iterable[str] = (), remove: Iterable[str] = ()) -> RunLabels:
    """Adds tags to a run and removes others."""
    new, old = {check_tag(word) for word in add}, set(remove)
    return edit_labels(
        folder, lambda labels: replace(labels, tags=tuple(sorted({*labels.tags, *new} - old)))
    )


def annotate(folder: Path, note: str) -> RunLabels:
    """Writes the note on a run; an empty one removes it."""
    text = note.strip()
    if len(text) > MAX_NOTE:
        raise InputError(f"a note has at most {MAX_NOTE:,} letters; this one has {len(text):,}")
    return edit_labels(folder, lambda labels: replace(labels, note=text))


def check_tag(word: str) -> str:
    """Returns a tag; InputError if it cannot be one."""
    if not word or len(word) > MAX_TAG or word[0] in "+-" or not word.isprintable():
        raise InputError(f"a tag is a word of at most {MAX_TAG} letters", word[:60])
    if any(mark.isspace() or mark in ",\"'()" for mark in word):
        raise InputError("a tag is one word, without spaces, commas and quotes", word)
    return word
