"""The states of a stored run that a branch can begin with: its snapshots and its checkpoint."""

from pathlib import Path
from typing import Any

from tuilab.core.errors import InputError
from tuilab.core.format import format_count
from tuilab.core.run import run_files
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.engine import checkpoint_file


def read_state(folder: Path, step: int) -> dict[str, Any]:
    """Returns the state of a run at a step.

    Raises:
        InputError: there is none that is whole; it names the nearest steps.
    """
    snapshots = folder / run_files.SNAPSHOTS
    path = snapshot_path(snapshots, step)
    if path.exists():
        return checkpoint_file.read(path)
    newest = _read_checkpoint(folder)
    if newest is not None and newest["position"][0] == step:
        return newest
    steps = [other for other, _, _ in list_snapshots(snapshots)]
    if newest is not None:
        steps.append(newest["position"][0])
    raise InputError(_describe_missing(step, steps, folder.name), folder.name)


def read_newest_state(folder: Path) -> dict[str, Any]:
    """Returns the newest state of a run: its checkpoint, or a snapshot that is newer or whole.

    Raises:
        InputError: it has none that is whole.
    """
    newest = _read_checkpoint(folder)
    snapshots = folder / run_files.SNAPSHOTS
    for step, _, _ in reversed(list_snapshots(snapshots)):
        if newest is not None and newest["position"][0] >= step:
            break
        try:
            return checkpoint_file.read(snapshot_path(snapshots, step))
        except InputError:  # damaged: the one before it
            continue
    if newest is None:
        raise InputError("it has neither a checkpoint nor a snapshot", folder.name)
    return newest


def _read_checkpoint(folder: Path) -> dict[str, Any] | None:
    try:
        return checkpoint_file.read_newest(folder / run_files.CHECKPOINT).state
    except InputError:
        return None


def _describe_missing(step: int, steps: list[int], run: str) -> str:
    """Returns that there is no state at a step, with the nearest ones."""
    if not steps:
        return "it has neither a checkpoint nor a snapshot to branch from"
    before = max((other for other in steps if other < step), default=None)
    after = min((other for other in steps if other > step), default=None)
    nearest = " and ".join(format_count(other) for other in (before, after) if other is not None)
    return (
        f"there is no snapshot of step {format_count(step)}; the nearest: {nearest}. "
        f"`tuilab snapshots {run}` lists them"
    )
