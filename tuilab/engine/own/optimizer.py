"""The learner's own optimizer."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tuilab.engine.own.code import Code


class Own(torch.optim.Optimizer):
    """Steps by the learner's function, one parameter after the other."""

    def __init__(self, params: Any, lr: float, step: str) -> None:
        self._code, self._name = Code("optimizers", "optimizer.name", "optimizer.step"), step
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Move every parameter that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"])
        return loss

    def _move(self, parameter: Tensor, gradient: Tensor, lr: float) -> None:
        state = self.state[parameter]
        parameter.copy_(self._code.one(self._name, parameter, gradient, state, lr, like=parameter))
