"""Folders: presets, the user's runs and experiments, the cache, the sockets.

`TUILAB_HOME` moves all folders of the user into one.
"""

import hashlib
import os
import stat
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
    first = folder.parts[0] if folder.parts else ""
    if first == "~":
        raise InputError(NO_HOME, path)
    if first.startswith("~"):
        raise InputError(f'there is no user "{first[1:]}"; write the folder out', path)
    return folder.absolute()


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


def trash_dir() -> Path:
    """Returns the folder of deleted runs, on the same disk as the others."""
    return runs_dir().resolve().parent / "trash"


def queue_dir() -> Path:
    """Returns the folder of the queue of runs."""
    if home := _home_dir():
        return home / "queue"
    return _find_user_folder(platformdirs.user_state_dir) / "queue"


def experiments_dir() -> Path:
    """Returns the folder of the user's experiments, which shadow presets of the same name."""
    return data_dir() / "experiments"


def cache_dir() -> Path:
    """Returns the folder of downloaded data sets."""
    if home := _home_dir():
        return home / "cache"
    return _find_user_folder(platformdirs.user_cache_dir)


def config_file() -> Path:
    """Returns the file of the user's own settings, which they write and tuilab only reads."""
    folder = _home_dir() or _find_user_folder(platformdirs.user_config_dir)
    return folder / "config.toml"


def socket_dirs() -> list[Path]:
    """Returns the folders that may hold the sockets of this user's hosts, the preferred one first.

    The login manager deletes its own folder with the last session, and a run goes on after that;
    so the sockets are beside the user's other files, and elsewhere only where those are read-only.
    """
    if home := _home_dir():
        return _shorten(home / "run")
    folders = _shorten(_find_user_folder(platformdirs.user_state_dir) / "run")[:1]
    if session := os.environ.get("XDG_RUNTIME_DIR", ""):
        folders.append(Path(session) / "tuilab")
    return [*folders, Path(tempfile.gettempdir()) / f"tuilab-{os.getuid()}"]


def _shorten(folder: Path) -> list[Path]:
    """Returns the folder, unless a socket's path in it is too long, and a short one instead."""
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]
    short = f"tuilab-{os.getuid()}-{digest}"
    # Not TMPDIR at first: another shell may have another one.
    folders = (folder, Path("/tmp") / short, Path(tempfile.gettempdir()) / short)
    return [path for path in folders if len(os.fsencode(path)) + 20 <= SOCKET_PATH_LIMIT]


def sockets_dir() -> Path:
    """Creates and returns the folder for new sockets, readable by this user only (0700).

    Raises:
        InputError: what is there is not a folder of this user, or none can be created.
    """
    folders, problem = socket_dirs(), ""
    for folder in folders:
        try:
            make_private(folder)
            _bind_for_a_moment(folder)
        except OSError as error:  # read-only, full, or a file system without sockets
            problem = problem or error.strerror or str(error)
        else:
            return folder
    raise InputError(
        f"no folder for sockets can be used ({problem}); set TUILAB_HOME to a folder of your own",
        str(folders[0]) if folders else "",
    )


def make_private(folder: Path) -> None:
    """Creates a folder that only this user can read, or makes an existing one such a folder.

    Raises:
        InputError: it is a link, a file, or belongs to another user, who could read all.
    """
    try:
        folder.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        if problem := _find_planted(folder):
            advice = "remove it, or set TUILAB_HOME to a folder of your own"
            raise InputError(f"{problem}; {advice}", str(folder)) from None
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fchmod(file, 0o700)  # fails for a folder of another user
    finally:
        os.close(file)


def is_private(folder: Path) -> bool:
    """Returns whether it is a folder of this user, and not a link that another one has planted."""
    try:
        return not _find_planted(folder)
    except OSError:
        return False


def _find_planted(folder: Path) -> str:
    """Returns why what is at this path is not a folder of this user; empty if it is one."""
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        return "this is a link, not a folder"
    if not stat.S_ISDIR(status.st_mode):
        return "this is a file, not a folder"
    if status.st_uid != os.getuid():
        return f"this folder belongs to another user ({_name_of_user(status.st_uid)})"
    return ""


def _name_of_user(number: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _bind_for_a_moment(folder: Path) -> None:
    """Raises OSError where a folder cannot hold a socket."""
    import secrets
    import socket

    path = folder / f".{secrets.token_hex(4)}.part"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    path.unlink(missing_ok=True)
