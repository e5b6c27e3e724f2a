"""The pinned baseline: the one run that all others are compared with."""

from contextlib import suppress
from pathlib import Path

from tuilab.core import paths
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import read_stored


def load_baseline() -> str:
    """Returns the id of the pinned run; empty if none is pinned."""
    with suppress(OSError, ValueError):
        return read_stored(_file()).decode().strip()[:100]
    return ""


def save_baseline(run: str) -> None:
    """Pins a run; an empty id pins none."""
    if run:
        write_atomically(_file(), f"{run}\n".encode())
    else:
        _file().unlink(missing_ok=True)


def _file() -> Path:
    return paths.data_dir() / "baseline.txt"
