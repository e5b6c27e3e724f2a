"""Folders: presets, the user's runs and experiments, the cache, the sockets.

`TUILAB_HOME` moves all folders of the user into one.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import platformdirs

from tuilab.core.errors import InputError

SOCKET_PATH_LIMIT = 100
"""Bytes of a Unix socket's path; the limit is 104 on macOS and 108 on Linux."""

NO_HOME = "your home folder is not known; set HOME, or set TUILAB_HOME to a folder of your own"


def presets_dir() -> Path:
    """Returns the folder of the shipped presets: in the installed package, or in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_presets", package.parent / "presets"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("tuilab's presets are missing; reinstall tuilab")


def expand_user(path: str) -> Path:
    """Returns a path with `~` as the home folder; unchanged where that is not known."""
    return Path(os.path.expanduser(path))


def _home_dir() -> Path | None:
    home = os.environ.get("TUILAB_HOME")
    return _require_home(home) if home else None


def _require_home(path: str) -> Path:
    """Returns a folder of the user; InputError if it is in a home folder that is not known."""
    folder = expand_user(path)
    if str(folder).startswith("~"):
        raise InputError(NO_HOME, path)
    return folder


def _find_user_folder(find: Callable[[str], str]) -> Path:
    try:
        return _require_home(find("tuilab"))
    except RuntimeError:  # of newer versions of platformdirs
        raise InputError(NO_HOME) from None


def data_dir() -> Path:
    """Returns the folder of the user's own data: runs, experiments, lessons."""
    if home := _home_dir():
        return home / "data"
    return _find_user_folder(platformdirs.user_data_dir)


def runs_dir() -> Path:
    """Returns the folder that holds one folder for each run."""
    return data_dir() / "runs"


def experiments_dir() -> Path:
    """Returns the folder of the user's experiments, which shadow presets of the same name."""
    return data_dir() / "experiments"


def cache_dir() -> Path:
    """Returns the folder of downloaded data sets."""
    if home := _home_dir():
        return home / "cache"
    return _find_user_folder(platformdirs.user_cache_dir)


def _runtime_dir() -> Path:
    """Returns the folder of the login session if there is one, else a temporary folder."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    if folder and os.access(folder, os.W_OK):
        return Path(folder) / "tuilab"
    return Path(tempfile.gettempdir()) / f"tuilab-{os.getuid()}"


def _shorten(folder: Path) -> Path:
    """Returns a folder whose sockets have a path that is short enough; the same one each time."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = f"tuilab-{os.getuid()}-{digest}"
    folders = (folder, Path(tempfile.gettempdir()) / short, Path("/tmp") / short)
    return next(path for path in folders if len(os.fsencode(path)) + 20 <= SOCKET_PATH_LIMIT)


def sockets_dir() -> Path:
    """Creates and returns the folder of the hosts' sockets, readable by this user only (0700)."""
    folder = _shorten(home / "run" if (home := _home_dir()) else _runtime_dir())
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(
            f"{folder} belongs to another user; set TUILAB_HOME to a folder of your own"
        )
    folder.chmod(0o700)
    return folder
