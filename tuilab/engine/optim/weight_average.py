"""A running average of the weights, which is evaluated instead of the current ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.regularization import Averaging, NoAveraging
from tuilab.engine.optim.schedule_free import averaged_weights


class WeightAverage:
    """The running average of a network's parameters and of its floating-point buffers.

    Batch-norm statistics are buffers: they are averaged like the weights, as in
    `torch.optim.swa_utils.AveragedModel` with `use_buffers`, and not recomputed.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.count = 0
        "How many weights are in the average."
        self._average: list[Tensor] = []
        self.is_of_optimizer = False
        "The optimizer averages by itself; this is its average."

    def step(self, config: Averaging, optimizer: torch.optim.Optimizer) -> None:
        """Updates the average after a step of the optimizer."""
        if averaged := averaged_weights(optimizer):
            parameters = [averaged.get(p, p.detach()) for p in self.network.parameters()]
            self._average = [*parameters, *_float_buffers(self.network)]
            self.count, self.is_of_optimizer = self.count + 1, True
            return
        self._add(config.step_share())

    def end_epoch(self, config: Averaging, done: float) -> None:
        """Updates the average after an epoch; `done` is the fraction of the run that is over."""
        self._add(config.epoch_share(done, self.count))

    def _add(self, share: float | None) -> None:
        if share is None:
            return
        current = _averaged_tensors(self.network)
        if self.count == 0:
            self._average = [tensor.clone() for tensor in current]
        else:
            torch._foreach_lerp_(self._average, current, share)
        self.count += 1

    @contextmanager
    def swapped_in(self, config: Averaging) -> Iterator[None]:
        """Puts the average into the network inside the block, if there is one."""
        is_off = isinstance(config, NoAveraging) and not self.is_of_optimizer
        if not self.count or is_off:
            yield
            return
        current = _averaged_tensors(self.network)
        saved = [tensor.clone() for tensor in current]
        torch._foreach_copy_(current, self._average)
        try:
            yield
        finally:
            torch._foreach_copy_(current, saved)

    def clear(self) -> None:
        """Discards the average; the next weights start a new one."""
        self.count, self._average, self.is_of_optimizer = 0, [], False

    def copy(self) -> dict[str, Any]:
        """Returns a copy of the state, with its own tensors."""
        return self.state_dict() | {"mean": [tensor.clone() for tensor in self._average]}

    def state_dict(self) -> dict[str, Any]:
        """Returns the state that a checkpoint stores."""
        return {
            "count": self.count, "mean": self._average, "is_of_optimizer": self.is_of_optimizer,
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restores the state of a checkpoint."""
        self.count = state["count"]
        self.is_of_optimizer = state.get("is_of_optimizer", False)
        device = next(self.network.parameters()).device
        self._average = [tensor.to(device, copy=True) for tensor in state["mean"]]


def averaged_names(network: nn.Module) -> list[str]:
    """Returns the names of the tensors that are averaged, in order."""
    buffers = [name for name, buffer in network.named_buffers() if buffer.is_floating_point()]
    return [*dict(network.named_parameters()), *buffers]


def _averaged_tensors(network: nn.Module) -> list[Tensor]:
    return [*(p.detach() for p in network.parameters()), *_float_buffers(network)]


def _float_buffers(network: nn.Module) -> list[Tensor]:
    return [buffer.detach() for buffer in network.buffers() if buffer.is_floating_point()]
