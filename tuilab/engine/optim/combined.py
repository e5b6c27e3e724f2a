"""Several optimizers that behave as one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch


class CombinedOptimizer(torch.optim.Optimizer):
    """Holds optimizers of different parameters: one step, one memory, one state to save.

    Groups and memory are shared with the optimizers inside, which may also step by themselves.
    """

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        self.optimizers = list(optimizers)
        super().__init__([group for one in optimizers for group in one.param_groups], {})
        for one in optimizers:
            self.state.update(one.state)
        self._share()

    def _share(self) -> None:
        """Let the optimizers inside work on the groups and the memory of this one."""
        start = 0
        for one in self.optimizers:
            stop = start + len(one.param_groups)
            one.param_groups, one.state = self.param_groups[start:stop], self.state
            start = stop
            if isinstance(one, CombinedOptimizer):
                one._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step of each, all from the same gradients."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for one in self.optimizers:
            one.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what another of the same make remembers."""
        super().load_state_dict(state_dict)
        self._share()
