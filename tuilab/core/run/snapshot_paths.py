"""Where a run keeps its snapshots: one file for each, named by its step."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAME = re.compile(r"(\d{1,18})\.pt")


def snapshot_path(folder: Path, step: int) -> Path:
    """Returns the file of the snapshot at a step.

    Args:
        folder: that of the snapshots, not that of the run.
    """
    return folder / f"{step}.pt"


def list_snapshots(folder: Path) -> list[tuple[int, int, float]]:
    """Returns step, size and time of each snapshot in a folder; the lowest step first.

    What cannot be looked at is left out, and so is what does not have the name of a snapshot.
    """
    return sorted(_iter_snapshots(folder))


def _iter_snapshots(folder: Path) -> Iterator[tuple[int, int, float]]:
    with suppress(OSError):
        for path in folder.iterdir():
            match = _NAME.fullmatch(path.name)
            if match is not None and str(int(match[1])) == match[1] and path.is_file():
                with suppress(OSError):  # deleted in the meantime
                    status = path.stat()
                    yield int(match[1]), status.st_size, status.st_mtime
