"""The weights of earlier steps: copies that were made anyway, limited in number and memory."""

from typing import Any

from torch import Tensor

MAX_SNAPSHOTS = 64
"""Of more snapshots, every second one is dropped."""

MAX_BYTES = 64 << 20
"""Memory that all snapshots together may take."""

MIN_SNAPSHOTS = 4
"""Fewer snapshots than this do not make a path."""

WeightSnapshot = tuple[int, dict[str, Tensor]]
"""A step, and the tensors of the network's state in their shapes, by name."""


class WeightSnapshots:
    """Snapshots of one run, evenly spaced over its training time."""

    def __init__(self) -> None:
        self.snapshots: list[WeightSnapshot] = []
        self.is_too_large = False
        "The network is too large for a path of snapshots."
        self._offered = 0
        self._stride = 1

    def add(self, state: dict[str, Any] | None) -> None:
        """Keeps the weights of a captured state, or skips it if snapshots are farther apart."""
        if state is None:
            return
        step, tensors = state["position"][0], state["network"]
        self._drop_from(step)
        size = sum(tensor.nbytes for tensor in tensors.values())
        max_count = min(MAX_SNAPSHOTS, MAX_BYTES // max(1, size))
        self.is_too_large = max_count < MIN_SNAPSHOTS
        self._offered += 1
        if self.is_too_large or (self._offered - 1) % self._stride:
            return
        self.snapshots.append((step, dict(tensors)))
        while len(self.snapshots) > max_count:
            self.snapshots = self.snapshots[::2]
            self._stride *= 2

    def _drop_from(self, step: int) -> None:
        """Drops later snapshots, from before the run went back to an earlier state."""
        self.snapshots = [snapshot for snapshot in self.snapshots if snapshot[0] < step]
