"""A file or folder of the user's: where it is, and which state of it was looked at."""

import os
from dataclasses import dataclass
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Found:
    """A path as it was when it was looked at: another change or size, another content."""

    path: Path
    changed: int
    "In nanoseconds."
    size: int
    "Bytes."


def file(path: str, what: str) -> Found:
    """A file that has something in it; InputError says why it cannot be taken."""
    here, stat = _found(path, what)
    if here.is_dir():
        raise InputError("it is a folder; name a file in it", str(here))
    if not stat.st_size:
        raise InputError("it is empty", str(here))
    return Found(here, stat.st_mtime_ns, stat.st_size)


def folder(path: str, what: str) -> Found:
    """A folder; InputError says why it cannot be taken."""
    here, stat = _found(path, what)
    if not here.is_dir():
        raise InputError("it is a file; name the folder that it is in", str(here))
    return Found(here, stat.st_mtime_ns, stat.st_size)


def _found(path: str, what: str) -> tuple[Path, os.stat_result]:
    if not path:
        raise InputError(f"nothing is named yet; set it to {what}", "data.path")
    try:
        here = Path(path).expanduser()
        if not here.is_absolute() and not os.path.exists(here):
            shipped = paths.presets() / "data" / path
            here = shipped if os.path.exists(shipped) else here
        return here, here.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = f"it cannot be read: {error.strerror}"
        problem = "there is no such file or folder" if missing else problem
        raise InputError(problem, path) from None
    except (ValueError, RuntimeError):  # a zero byte in the name; a home that there is not
        raise InputError("no file can have this name", path) from None
