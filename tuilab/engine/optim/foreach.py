"""What optimizers that are not torch's have in common."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class ForeachOptimizer(torch.optim.Optimizer):
    """Moves, group by group, the parameters that have a gradient."""

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if moving:
                self._move(moving, group)
        return loss

    def _move(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        raise NotImplementedError(type(self).__name__)
