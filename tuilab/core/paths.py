"""Where things live: presets, a user's runs, the cache, the sockets.

`TUILAB_HOME` moves all of a user's places into one folder.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import platformdirs

SOCKET_PATH_LIMIT = 100
"""Bytes; a Unix socket's path must stay below 104 on macOS, 108 on Linux."""


def presets() -> Path:
    """The shipped presets: inside an installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_presets", package.parent / "presets"):
        if folder.is_dir():
            return folder
    raise FileNotFoundError("tuilab's presets are missing; reinstall tuilab")


def _home() -> Path | None:
    home = os.environ.get("TUILAB_HOME")
    return Path(home).expanduser() if home else None


def data() -> Path:
    """A user's own things: runs, experiments, settings."""
    return home / "data" if (home := _home()) else Path(platformdirs.user_data_dir("tuilab"))


def runs() -> Path:
    """One folder for each run."""
    return data() / "runs"


def experiments() -> Path:
    """A user's own experiments; they shadow shipped ones of the same name."""
    return data() / "experiments"


def cache() -> Path:
    """Downloaded data sets."""
    return home / "cache" if (home := _home()) else Path(platformdirs.user_cache_dir("tuilab"))


def _runtime() -> Path:
    """The session's own folder where the system has one, else one beside other temporary files."""
    folder = os.environ.get("XDG_RUNTIME_DIR")
    if folder:
        return Path(folder) / "tuilab"
    return Path(tempfile.gettempdir()) / f"tuilab-{os.getuid()}"


def sockets() -> Path:
    """The folder of the hosts' sockets, made for this user alone (0700)."""
    folder = home / "run" if (home := _home()) else _runtime()
    if len(os.fsencode(folder)) + 20 > SOCKET_PATH_LIMIT:
        digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"tuilab-{os.getuid()}-{digest}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(
            f"{folder} belongs to another user; set TUILAB_HOME to a folder of yours"
        )
    folder.chmod(0o700)
    return folder
