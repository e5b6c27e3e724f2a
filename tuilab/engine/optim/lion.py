"""Lion, which PyTorch lacks (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms")."""

from typing import Any

import torch
from torch import Tensor

from tuilab.engine.optim.foreach import ForeachOptimizer


class Lion(ForeachOptimizer):
    """Steps of one length along the sign of a running mean; arXiv 2302.06675, algorithm 2."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def _move(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        lr, (now, later) = group["lr"], group["betas"]
        gradients = [p.grad for p in parameters if p.grad is not None]
        means = [self._mean(p) for p in parameters]
        update = torch._foreach_lerp(means, gradients, 1 - now)
        torch._foreach_sign_(update)
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_add_(parameters, update, alpha=-lr)
        torch._foreach_lerp_(means, gradients, 1 - later)

    def _mean(self, parameter: Tensor) -> Tensor:
        """The running mean of one parameter's gradient; it begins at zero."""
        state = self.state[parameter]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
        mean: Tensor = state["exp_avg"]
        return mean
