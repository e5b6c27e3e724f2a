"""Several optimizers that act as one."""

from collections.abc import Callable, Sequence
from typing import Any

import torch


class CombinedOptimizer(torch.optim.Optimizer):
    """Optimizers of different parameters with one step and one state.

    Groups and state are shared with the optimizers inside, which may also step by themselves.
    """

    def __init__(self, optimizers: Sequence[torch.optim.Optimizer]) -> None:
        self.optimizers = list(optimizers)
        super().__init__([group for part in optimizers for group in part.param_groups], {})
        for part in optimizers:
            self.state.update(part.state)
        self._share()

    def _share(self) -> None:
        """Gives the optimizers inside the groups and the state of this one."""
        start = 0
        for part in self.optimizers:
            stop = start + len(part.param_groups)
            part.param_groups, part.state = self.param_groups[start:stop], self.state
            start = stop
            if isinstance(part, CombinedOptimizer):
                part._share()

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Takes one step of each, all with the same gradients; returns the closure's loss."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self.optimizers:
            part.step()
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Loads the state of another combination of the same optimizers."""
        super().load_state_dict(state_dict)
        self._share()
