"""Files and folders of the user, with what shows whether they have changed."""

import os
from dataclasses import dataclass
from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError
from tuilab.core.files.typed_path import clean_path


@dataclass(frozen=True, slots=True)
class FileState:
    """A path with its time of change and size; if either differs, the content has changed."""

    path: Path
    modified_ns: int
    "Time of the last change in nanoseconds."
    size: int
    "In bytes."


def stat_file(path: str, what: str) -> FileState:
    """Returns the state of a file that is not empty; InputError says why it cannot be used."""
    file, stat = _stat(path, what)
    if file.is_dir():
        raise InputError("it is a folder; name a file in it", str(file))
    if not stat.st_size:
        raise InputError("it is empty", str(file))
    return FileState(file, stat.st_mtime_ns, stat.st_size)


def stat_folder(path: str, what: str) -> FileState:
    """Returns the state of a folder; InputError says why it cannot be used."""
    folder, stat = _stat(path, what)
    if not folder.is_dir():
        raise InputError("it is a file; name its folder", str(folder))
    return FileState(folder, stat.st_mtime_ns, stat.st_size)


def _stat(path: str, what: str) -> tuple[Path, os.stat_result]:
    if not path:
        raise InputError(f"it is not set; set it to {what}", "data.path")
    try:
        location = Path(clean_path(path)).expanduser()
        if not location.is_absolute() and not os.path.exists(location):
            shipped = paths.presets_dir() / "data" / path
            location = shipped if os.path.exists(shipped) else location
        return location, location.stat()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        problem = f"it cannot be read: {error.strerror}"
        problem = "there is no such file or folder" if missing else problem
        raise InputError(problem, path) from None
    except (ValueError, RuntimeError):  # a zero byte in the name; an unknown home folder
        raise InputError("no file can have this name", path) from None
