"""What is in the folder of a run, compared with the same run without faults."""

from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors.torch import load_file

from tests.support.bitwise import find_differences
from tuilab.core.errors import InputError
from tuilab.core.run import run_files
from tuilab.engine import checkpoint_file
from tuilab.host import run_store

SHORT = (
    "train", "moons", "--json", "--set", "training.device=cpu", "--set", "data.samples=200",
    "--set", 'network=["Linear 16","BatchNorm1d","Dropout 0.2","Tanh","Linear 2"]',
)  # fmt: skip
"""A command that trains for a moment, with everything that has a state of its own."""


class Reference(NamedTuple):
    """A run without faults."""

    state: dict[str, Any]
    history: dict[str, list[tuple[float, ...]]]
    "The points of every series."


def find_folder(home: Path) -> Path | None:
    """Returns the folder of the only run, if it has begun."""
    return next(iter((home / "data" / "runs").glob("*")), None)


def read_reference(home: Path) -> Reference:
    """Returns what a run has left that ended as it should."""
    folder = find_folder(home)
    assert folder is not None
    return Reference(checkpoint_file.read(folder / run_files.CHECKPOINT), read_history(folder))


def read_history(folder: Path) -> dict[str, list[tuple[float, ...]]]:
    """Returns the points of every series in the log of a run."""
    series = run_store.read_run(folder).series
    return {name: [tuple(point) for point in curve.points()] for name, curve in series.items()}


def compare_history(folder: Path, reference: Reference) -> str:
    """Returns where the history of a run has a gap, or a point too many; empty if it has none."""
    history = read_history(folder)
    if missing := reference.history.keys() ^ history.keys():
        return f"series: {sorted(missing)}"
    for name, points in history.items():
        expected = reference.history[name]
        if points != expected:
            steps, theirs = [int(p[0]) for p in points], [int(p[0]) for p in expected]
            lost = sorted(set(theirs) - set(steps))
            added = sorted(set(steps) - set(theirs)) + [s for s in set(steps) if steps.count(s) > 1]
            return f"{name}: without {lost[:9]}, with {added[:9]} too many"
    return ""


def is_same(folder: Path, reference: Reference) -> bool:
    """Returns whether the newest checkpoint is bitwise that of the reference, but for its time."""
    try:
        state = checkpoint_file.read(folder / run_files.CHECKPOINT)
    except InputError:
        return False
    ignored = ("seconds", "recorder")  # which measure time
    first, second = (
        {name: value for name, value in one.items() if name not in ignored}
        for one in (state, reference.state)
    )
    return find_differences(first, second) == []


def has_same_weights(folder: Path, reference: Reference) -> bool:
    """Returns whether the weights that were stored alone are those of the reference."""
    path = folder / run_files.WEIGHTS
    if not path.exists():
        return False
    return _are_same(load_file(path), reference)


def has_weights(folder: Path, reference: Reference) -> bool:
    """Returns whether the newest checkpoint that is whole has the weights of the reference."""
    try:
        weights, _ = checkpoint_file.read_weights(folder / run_files.CHECKPOINT)
    except InputError:
        return False
    return _are_same(weights, reference)


def _are_same(weights: dict[str, torch.Tensor], reference: Reference) -> bool:
    expected = reference.state["network"]
    return weights.keys() == expected.keys() and all(
        torch.equal(weights[name], expected[name]) for name in expected
    )
