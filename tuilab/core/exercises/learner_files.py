"""The learner's files: one for each exercise, never overwritten."""

import hashlib
import os
import shlex
import shutil
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise
from tuilab.core.files.atomic_write import write_atomically

MAX_FILE_BYTES = 1 << 20
"""Size of the largest file that is read."""


def path_of(name: str) -> Path:
    """Returns the learner's file of an exercise."""
    return paths.data_dir() / "exercises" / f"{name}.py"


def write_stub(name: str) -> Path:
    """Creates the learner's file from the stub, unless it exists already."""
    stub = exercise.find(name).stub
    file = path_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(stub)
    except FileExistsError:
        if not file.is_file():
            raise InputError("this is not a file; move it somewhere else", str(file)) from None
    return file


def reset(name: str) -> Path:
    """Starts again from the stub; the old file is kept as .bak, the next one as .bak2, …."""
    exercise.find(name)
    file = path_of(name)
    if file.exists():
        file.rename(_backup_path(file))
    return write_stub(name)


def _backup_path(file: Path) -> Path:
    number, backup = 1, file.with_name(file.name + ".bak")
    while backup.exists():
        number += 1
        backup = file.with_name(f"{file.name}.bak{number}")
    return backup


def read(file: Path) -> str:
    """Returns the learner's code.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise InputError("this file is larger than 1 MiB; is it the right one?", str(file))
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file yet", str(file)) from None
    except UnicodeDecodeError:
        raise InputError("this file is not UTF-8 text", str(file)) from None
    except OSError as error:
        raise InputError((error.strerror or str(error)).lower(), str(file)) from None


# --- code that has passed -------------------------------------------------------------------


def _mark_path(name: str) -> Path:
    return path_of(name).with_name(f".{name}.passed")


def mark_passed(name: str, source: str) -> None:
    """Records that exactly this text has passed, so that a run may use it."""
    write_atomically(_mark_path(name), _digest(source).encode())


def passed_source(name: str) -> str:
    """Returns the learner's code as it passed.

    Raises:
        InputError: it has not passed, or was changed since.
    """
    source = read(path_of(name))
    mark = _mark_path(name)
    if not mark.is_file() or mark.read_text() != _digest(source):
        raise InputError(
            f"your {name} has not passed its check in its present form; check it first",
            str(path_of(name)),
        )
    return source


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


# --- the editor -----------------------------------------------------------------------------

EDITORS = ("micro", "nano", "hx", "nvim", "vim", "vi", "emacs")
"""Tried in this order where none is set: easy ones first."""


def editor_command() -> list[str]:
    """Returns the command that edits a file; the file's path is to be appended.

    Raises:
        InputError: there is no editor.
    """
    for variable in ("VISUAL", "EDITOR"):
        words = _split_command(os.environ.get(variable, ""))
        if words:
            if shutil.which(words[0]) is None:
                raise InputError(f'there is no program "{words[0]}"', f"${variable}")
            return words
    for name in EDITORS:
        if shutil.which(name):
            return [name]
    raise InputError("no editor was found: set $EDITOR, such as EDITOR=nano, or install nano")


def _split_command(command: str) -> list[str]:
    """Splits a command into words; a program whose path has spaces is one word."""
    if shutil.which(command):
        return [command]
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
