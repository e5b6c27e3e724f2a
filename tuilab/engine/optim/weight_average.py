"""A mean of the weights that were passed on the way, measured instead of the last ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.regularization import EMA, SWA, Averaging


class Average:
    """The running mean of a network's parameters and of its floating-point buffers.

    The statistics of batch norm are buffers: they are averaged like the weights, as in
    `torch.optim.swa_utils.AveragedModel` with `use_buffers`, and not measured again.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.count = 0
        "How many weights are in the mean."
        self._mean: list[Tensor] = []

    def step(self, knobs: Averaging) -> None:
        """After a step of the optimizer."""
        if isinstance(knobs, EMA):
            self._add(1 - knobs.decay)

    def end_epoch(self, knobs: Averaging, done: float) -> None:
        """After an epoch; `done` is the part of the run that is over."""
        if isinstance(knobs, SWA) and done > knobs.start:
            self._add(1 / (self.count + 1))

    def _add(self, share: float) -> None:
        present = _averaged(self.network)
        if self.count == 0:
            self._mean = [tensor.clone() for tensor in present]
        else:
            torch._foreach_lerp_(self._mean, present, share)
        self.count += 1

    @contextmanager
    def used(self, knobs: Averaging) -> Iterator[None]:
        """The network with the mean for its weights, where there is one."""
        if not self.count or not isinstance(knobs, (EMA, SWA)):
            yield
            return
        present = _averaged(self.network)
        kept = [tensor.clone() for tensor in present]
        torch._foreach_copy_(present, self._mean)
        try:
            yield
        finally:
            torch._foreach_copy_(present, kept)

    def clear(self) -> None:
        """Forget the mean; the next weights begin another."""
        self.count, self._mean = 0, []

    def copy(self) -> dict[str, Any]:
        """The present state, with tensors of its own."""
        return {"count": self.count, "mean": [tensor.clone() for tensor in self._mean]}

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"count": self.count, "mean": self._mean}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.count = state["count"]
        device = next(self.network.parameters()).device
        self._mean = [tensor.to(device, copy=True) for tensor in state["mean"]]


def _averaged(network: nn.Module) -> list[Tensor]:
    tensors = [*network.parameters(), *network.buffers()]
    return [tensor.detach() for tensor in tensors if tensor.is_floating_point()]
