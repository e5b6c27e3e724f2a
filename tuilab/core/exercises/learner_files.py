"""The learner's own files: one for each exercise, never overwritten."""

import hashlib
import os
import shlex
import shutil
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise
from tuilab.core.experiment.toml_file import write_atomically

LARGEST = 1 << 20
"""Bytes of a learner's file at most."""


def path(name: str) -> Path:
    """Where the learner writes this exercise."""
    return paths.data() / "exercises" / f"{name}.py"


def write_stub(name: str) -> Path:
    """Put the stub where it belongs; what the learner wrote there stays."""
    stub = exercise.find(name).stub
    file = path(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(stub)
    except FileExistsError:
        if not file.is_file():
            raise InputError("this is not a file; move it away", str(file)) from None
    return file


def reset(name: str) -> Path:
    """Begin anew from the stub; the old file stays beside it as .bak, older ones as .bak2, …."""
    exercise.find(name)
    file = path(name)
    if file.exists():
        file.rename(_free(file))
    return write_stub(name)


def _free(file: Path) -> Path:
    number, kept = 1, file.with_name(file.name + ".bak")
    while kept.exists():
        number += 1
        kept = file.with_name(f"{file.name}.bak{number}")
    return kept


def read(file: Path) -> str:
    """The learner's code; InputError where it cannot be read."""
    try:
        if file.stat().st_size > LARGEST:
            raise InputError("this file is larger than 1 MiB; is it the right one?", str(file))
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("there is no such file yet", str(file)) from None
    except UnicodeDecodeError:
        raise InputError("this file is not UTF-8 text", str(file)) from None
    except OSError as error:
        raise InputError((error.strerror or str(error)).lower(), str(file)) from None


# --- what has passed ------------------------------------------------------------------------


def _mark(name: str) -> Path:
    return path(name).with_name(f".{name}.passed")


def remember(name: str, source: str) -> None:
    """Keep that this very text has passed, so that a run may use it."""
    write_atomically(_mark(name), _digest(source).encode())


def passed_source(name: str) -> str:
    """The learner's code as it passed; InputError where it has not, or was changed since."""
    source = read(path(name))
    mark = _mark(name)
    if not mark.is_file() or mark.read_text() != _digest(source):
        raise InputError(
            f"your {name} has not passed its check as it stands now; check it first",
            str(path(name)),
        )
    return source


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


# --- the editor -----------------------------------------------------------------------------

EDITORS = ("micro", "nano", "hx", "nvim", "vim", "vi", "emacs")
"""Tried in this order where nothing is set: easy ones first."""


def editor() -> list[str]:
    """The command that edits a file, to be followed by its path; InputError where there is none."""
    for variable in ("VISUAL", "EDITOR"):
        words = _words(os.environ.get(variable, ""))
        if words:
            if shutil.which(words[0]) is None:
                raise InputError(f'there is no program "{words[0]}"', f"${variable}")
            return words
    for name in EDITORS:
        if shutil.which(name):
            return [name]
    raise InputError("no editor was found: set $EDITOR, such as EDITOR=nano, or install nano")


def _words(command: str) -> list[str]:
    """A command's words; a path that holds spaces is one."""
    if shutil.which(command):
        return [command]
    try:
        return shlex.split(command)
    except ValueError:
        return command.split()
