"""The learner's own optimizer: a function of their exercise, after it has passed its check.

It is the one place where a run executes what a user wrote: only their own file, from their own
folder, in the very text that the check has passed, and only where an experiment asks for it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tuilab.engine.exercises.outcome import Fault, Unloadable, fault, load
from tuilab.exercises import folder
from tuilab.lab.errors import InputError

EXERCISE = "optimizers"

Step = Callable[[Tensor, Tensor, dict[str, Any], float], Tensor]


class Own(torch.optim.Optimizer):
    """Steps by the learner's function, one parameter after the other."""

    def __init__(self, params: Any, lr: float, step: str) -> None:
        self._path = str(folder.path(EXERCISE))
        self._name, self._function = step, self._load(step)
        super().__init__(params, {"lr": lr})

    def _load(self, name: str) -> Step:
        """The function as it passed; InputError where there is none."""
        try:
            source = folder.passed_source(EXERCISE)
            found: Step = load(source, self._path)[name]
        except InputError as error:
            raise InputError(error.problem, "optimizer.name", *error.where) from None
        except Unloadable as error:
            raise self._failed(error.fault) from None
        return found

    def _failed(self, found: Fault) -> InputError:
        return InputError(f"your {self._name} failed: {found.says}", "optimizer.step", self._path)

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
                    self._move(parameter, group["lr"])
        return loss

    def _move(self, parameter: Tensor, lr: float) -> None:
        """Give the function copies, so that whatever it does in place stays its own affair."""
        w, g, state = parameter.clone(), parameter.grad, self.state[parameter]
        assert g is not None
        try:
            after = self._function(w, g.clone(), state, lr)
        except Exception as error:
            raise self._failed(fault(error, self._path)) from error
        if not isinstance(after, Tensor) or after.shape != parameter.shape:
            found = tuple(after.shape) if isinstance(after, Tensor) else type(after).__name__
            says = f"it returned {found} for a parameter of shape {tuple(parameter.shape)}"
            raise self._failed(Fault("shape", says))
        parameter.copy_(after)
