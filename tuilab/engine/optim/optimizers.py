"""What the engine builds for each optimizer of the catalogue.

A new optimizer is a struct in `core/catalogue/optimizers.py` and, here, a function or a class that
is marked `@optimizer(…)`. It is called as torch's classes are: with parameter groups, and the
struct's arguments by keyword.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

import torch
from torch import Tensor

from tuilab.core.catalogue import optimizers as catalogue
from tuilab.core.errors import InputError
from tuilab.engine.learner_code.learner_optimizer import LearnerOptimizer
from tuilab.engine.optim.combined import CombinedOptimizer
from tuilab.engine.optim.foreach import ForeachOptimizer
from tuilab.engine.optim.parameter_groups import ParameterGroups, exclude, make_groups
from tuilab.engine.optim.patched import PatchedLBFGS, PatchedSGD
from tuilab.engine.optim.schedule_free import import_schedulefree
from tuilab.engine.registry import Registry

OPTIMIZERS: Registry[type[catalogue.Optimizer], Callable[..., torch.optim.Optimizer]]
OPTIMIZERS = Registry("optimizer")
optimizer = OPTIMIZERS.register

# Fused: one kernel for all parameters, two to four times as fast as a loop over them.
optimizer(catalogue.SGD)(partial(PatchedSGD, fused=True))
optimizer(catalogue.Adam)(partial(torch.optim.Adam, fused=True))
optimizer(catalogue.AdamW)(partial(torch.optim.AdamW, fused=True))
optimizer(catalogue.Adadelta)(partial(torch.optim.Adadelta, foreach=True))
optimizer(catalogue.RMSprop)(partial(torch.optim.RMSprop, foreach=True))
optimizer(catalogue.NAdam)(partial(torch.optim.NAdam, foreach=True))
optimizer(catalogue.RAdam)(partial(torch.optim.RAdam, foreach=True))
optimizer(catalogue.Adamax)(partial(torch.optim.Adamax, foreach=True))
optimizer(catalogue.Adafactor)(partial(torch.optim.Adafactor, foreach=True))
optimizer(catalogue.ASGD)(partial(torch.optim.ASGD, foreach=True))
optimizer(catalogue.Rprop)(partial(torch.optim.Rprop, foreach=True))
optimizer(catalogue.LearnerOptimizer)(LearnerOptimizer)


@optimizer(catalogue.Adagrad)
def build_adagrad(groups: ParameterGroups, **arguments: Any) -> torch.optim.Optimizer:
    """Builds torch's Adagrad, which is fused on the CPU only."""
    is_on_cpu = all(parameter.device.type == "cpu" for parameter in groups.parameters)
    kernel = {"fused" if is_on_cpu else "foreach": True}
    return torch.optim.Adagrad(groups, **arguments, **kernel)


@optimizer(catalogue.LBFGS)
def build_lbfgs(groups: ParameterGroups, **arguments: Any) -> torch.optim.Optimizer:
    """Builds torch's L-BFGS, which has one group, in the network's order."""
    return PatchedLBFGS(groups.parameters, **arguments)


@optimizer(catalogue.Muon)
def build_muon(groups: ParameterGroups, **arguments: Any) -> torch.optim.Optimizer:
    """Builds Muon for the matrices of all layers but the last, and AdamW for all else.

    Raises:
        InputError: there is no such matrix.
    """
    matrices = [weight for layer in groups.layers[:-1] for weight in layer if weight.ndim == 2]
    if not matrices:
        raise InputError(
            "muon updates the matrices of hidden layers, and this network has none; "
            "add a Linear before the last layer, or use adamw",
            "optimizer.name",
        )
    weights = exclude(groups.weights, matrices)
    muon = torch.optim.Muon(make_groups(matrices, []), **arguments)
    adamw = torch.optim.AdamW(make_groups(weights, groups.others), fused=True)
    return CombinedOptimizer([muon, adamw])


@optimizer(catalogue.ScheduleFreeAdamW)
def build_schedule_free_adamw(groups: ParameterGroups, **arguments: Any) -> torch.optim.Optimizer:
    """Builds AdamW of the library `schedulefree`, with the weights that are trained in place.

    Raises:
        InputError: the library is not installed.
    """
    built: Any = import_schedulefree().AdamWScheduleFree(groups, **arguments)
    built.train()
    return cast(torch.optim.Optimizer, built)


@optimizer(catalogue.Lion)
class Lion(ForeachOptimizer):
    """Lion, which PyTorch lacks: steps along the sign of a running average.

    Source: Chen et al. 2023, Symbolic Discovery of Optimization Algorithms, algorithm 2.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": weight_decay})

    def _update(self, parameters: list[Tensor], group: dict[str, Any]) -> None:
        lr, (beta1, beta2) = group["lr"], group["betas"]
        gradients = [p.grad for p in parameters if p.grad is not None]
        averages = [self._average(p) for p in parameters]
        update = torch._foreach_lerp(averages, gradients, 1 - beta1)
        torch._foreach_sign_(update)
        if group["weight_decay"]:
            torch._foreach_mul_(parameters, 1 - lr * group["weight_decay"])
        torch._foreach_add_(parameters, update, alpha=-lr)
        torch._foreach_lerp_(averages, gradients, 1 - beta2)

    def _average(self, parameter: Tensor) -> Tensor:
        """Returns the running average of a parameter's gradient, which starts at zero."""
        state = self.state[parameter]
        if not state:
            state["exp_avg"] = torch.zeros_like(parameter)
        average: Tensor = state["exp_avg"]
        return average
