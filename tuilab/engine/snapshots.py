"""Weights on the way: copies that were made anyway, kept in bounded number and memory."""

from typing import Any

from torch import Tensor

MOST = 64
"""Moments kept; when there are more, every second one is let go."""

ROOM = 64 << 20
"""Bytes that all of them may take."""

LEAST = 4
"""Fewer moments than this are no path."""

Moment = tuple[int, dict[str, Tensor]]
"""A step, and the network's tensors by their names in its state."""


class WeightSnapshots:
    """Moments of one run, evenly spread over its training time."""

    def __init__(self) -> None:
        self.moments: list[Moment] = []
        self.is_too_large = False
        "The network is too large for a path to be kept."
        self._offered = 0
        self._every = 1

    def add(self, captured: dict[str, Any] | None) -> None:
        """Keep the weights of a state that was captured, if it is the turn of one."""
        if captured is None:
            return
        step, tensors = captured["position"][0], captured["network"]
        self._turn_back(step)
        most = min(MOST, ROOM // max(1, sum(tensor.nbytes for tensor in tensors.values())))
        self.is_too_large = most < LEAST
        self._offered += 1
        if self.is_too_large or (self._offered - 1) % self._every:
            return
        self.moments.append((step, dict(tensors)))
        while len(self.moments) > most:
            self.moments = self.moments[::2]
            self._every *= 2

    def _turn_back(self, step: int) -> None:
        """Forget what comes after a state that the run has gone back to."""
        self.moments = [moment for moment in self.moments if moment[0] < step]
