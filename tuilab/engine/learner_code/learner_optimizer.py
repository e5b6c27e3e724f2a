"""The learner's optimizer in a run."""

from typing import Any

from torch import Tensor

from tuilab.engine.learner_code.learner_functions import LearnerCode
from tuilab.engine.optim.foreach import ForeachOptimizer


class LearnerOptimizer(ForeachOptimizer):
    """Updates one parameter after the other by the learner's function."""

    def __init__(self, params: Any, lr: float, step: str) -> None:
        self._code, self._name = LearnerCode("optimizers", "optimizer.name", "optimizer.step"), step
        super().__init__(params, {"lr": lr})

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        for weight in parameters:
            arguments = weight, weight.grad, self.state[weight], group["lr"]
            weight.copy_(self._code.call_single(self._name, *arguments, like=weight))
