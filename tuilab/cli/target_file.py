"""Files that a command writes: whether their path can be one."""

from pathlib import Path

from tuilab.core import paths
from tuilab.core.errors import InputError


def expand_target(file: Path) -> Path:
    """Returns the path of a file to write, with `~` as the home folder.

    Raises:
        InputError: nothing can be written there, or what is there is not a file: a folder, a
            device, a pipe.
    """
    path = paths.expand_user(str(file))
    problem = ""
    if str(path).startswith("~"):
        problem = "there is no user of this name"
    elif path.is_dir():
        problem = "this is a folder; name a file in it"
    elif path.exists() and not path.is_file():
        problem = "this is not a file that can be replaced"
    elif not path.parent.is_dir():  # most often a mistyped one
        problem = f"there is no folder {path.parent}; create it, or choose another"
    if problem:
        raise InputError(problem, str(file))
    return path
