"""The learner's own optimizer."""

from typing import Any

from torch import Tensor

from tuilab.engine.learner_code.learner_functions import Code
from tuilab.engine.optim.foreach import ForeachOptimizer


class LearnerOptimizer(ForeachOptimizer):
    """Steps by the learner's function, one parameter after the other."""

    def __init__(self, params: Any, lr: float, step: str) -> None:
        self._code, self._name = Code("optimizers", "optimizer.name", "optimizer.step"), step
        super().__init__(params, {"lr": lr})

    def _move(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for weight in parameters:
            given = weight, weight.grad, self.state[weight], group["lr"]
            weight.copy_(self._code.one(self._name, *given, like=weight))
