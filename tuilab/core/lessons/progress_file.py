"""The learner's progress on the disk: never overwritten unread, and merged with other labs'."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored
from tuilab.core.format import format_counted
from tuilab.core.lessons.progress import Progress
from tuilab.core.lessons.progress_merge import has_all_of, merge_progress
from tuilab.core.printable import encode_json

FORMAT = 1
"""The newest version of the file that this tuilab reads."""

DAMAGED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""Errors of a file that is not a progress."""

LOCK_ATTEMPTS = 200
"""Attempts, each after 10 ms, to get a turn while another lab writes its progress."""

OLD_QUESTIONS = {("activation-functions", "centred"): "centered"}  # codespell:ignore
"""Questions that had another name in older versions, by lesson and name."""


def progress_file() -> Path:
    """Returns the path of the progress file."""
    return paths.data_dir() / "progress.json"


def load_progress(file: Path | None = None) -> tuple[Progress, str]:
    """Reads the progress; returns a message with it where that failed.

    A damaged file is moved aside, so that it is not overwritten.
    """
    file = file or progress_file()
    try:
        return _decode(read_stored(file), file), ""
    except FileNotFoundError:
        return Progress(), ""
    except OSError as error:
        return Progress(), f"Your progress cannot be read ({error.strerror}): {file}"
    except InputError as error:
        return Progress(), f"Your progress cannot be read: {error}"
    except DAMAGED:
        try:
            return Progress(), f"Your progress was damaged; the file is kept as {_move_aside(file)}"
        except OSError as error:
            return Progress(), f"Your progress is damaged ({error.strerror}): {file}"


def save_progress(
    progress: Progress, file: Path | None = None, base: Progress | None = None
) -> Progress:
    """Writes the progress, merged with what another lab has written since it was read.

    Args:
        progress: gets what another lab has written.
        base: the progress as it was read or written last; without one, everything in it is new.

    Returns:
        A copy of what was written, the next base.

    Raises:
        OSError: if it cannot be written, or if the stored file cannot be read.
        InputError: if the stored file is of a newer version.
    """
    file = file or progress_file()
    with _lock(file):
        stored = _read_stored(file)
        if stored is not None:
            merged = merge_progress(progress, base or Progress(), stored)
            progress.lessons, progress.deck = merged.lessons, merged.deck
        _write(progress, file)
    return deepcopy(progress)


def export_progress(progress: Progress, file: Path) -> None:
    """Writes the progress to a file of the user's.

    Raises:
        InputError: if the file is another one, or a backup of what this progress does not have.
    """
    try:
        content = read_stored(file) if file.exists() else b""
        if content:
            _check_backup(progress, content, file)
        _write(progress, file)
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", str(file)) from None


def _check_backup(progress: Progress, content: bytes, file: Path) -> None:
    try:
        backup = _decode(content, file)
        is_progress = msgspec.json.decode(content).keys() <= set(Progress.__struct_fields__)
    except DAMAGED:
        is_progress = False
    if not is_progress:
        raise InputError("this file is not a progress; choose another name", str(file))
    if not has_all_of(progress, backup):
        theirs = format_counted(len(backup.lessons), "lesson")
        raise InputError(
            f"this backup has what your progress does not have ({theirs}; yours: "
            f"{len(progress.lessons)}); choose another name, or go back to it: copy it to "
            f"{progress_file()}",
            str(file),
        )


def _write(progress: Progress, file: Path) -> None:
    plain = msgspec.json.format(encode_json(progress), indent=1)
    write_atomically(file, plain + b"\n")


def _read_stored(file: Path) -> Progress | None:
    """Returns what is stored by now; None if there is nothing that can be merged."""
    try:
        return _decode(read_stored(file), file)
    except FileNotFoundError:
        return None
    except DAMAGED:
        _move_aside(file)
        return None


def _decode(content: bytes, file: Path) -> Progress:
    progress = msgspec.json.decode(content, type=Progress)
    if progress.format > FORMAT:
        raise InputError("it is of a newer version of tuilab, and left as it is", str(file))
    for lesson in progress.lessons.values():
        lesson.page = max(0, lesson.page)
    _rename_questions(progress)
    return progress


def _move_aside(file: Path) -> Path:
    """Renames a damaged file; returns its new name, which no other file has."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    names = [stamp, *(f"{stamp}-{number}" for number in range(2, 100))]
    for name in names:
        aside = file.with_name(f"{file.stem}.{name}.broken{file.suffix}")
        if not os.path.lexists(aside):
            file.rename(aside)
            return aside
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(file))


@contextmanager
def _lock(file: Path) -> Iterator[None]:
    """Waits until no other lab writes the file; the kernel ends the lock of a lab that ends."""
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(
        file.with_name(f".{file.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666
    )
    try:
        for _ in range(LOCK_ATTEMPTS):  # a lab that was suspended must not stop this one
            with suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(0.01)
        yield
    finally:
        os.close(lock)


def _rename_questions(progress: Progress) -> None:
    """Moves answers and missed questions of older versions to today's names of the questions."""
    for (lesson, old), new in OLD_QUESTIONS.items():
        questions = progress.lessons[lesson].questions if lesson in progress.lessons else {}
        if old in questions:
            questions.setdefault(new, questions.pop(old))
        is_missed = any((card.lesson, card.question) == (lesson, new) for card in progress.deck)
        for card in [
            card for card in progress.deck if (card.lesson, card.question) == (lesson, old)
        ]:
            if is_missed:
                progress.deck.remove(card)
            else:
                card.question = new
