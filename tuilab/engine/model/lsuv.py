"""Layer-sequential unit-variance initialisation (Mishkin, Matas 2015, arXiv 1511.06422)."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from tuilab.core.catalogue.initializations import LSUV


@torch.no_grad()
def scale(
    network: nn.Module, layers: list[nn.Module], knobs: LSUV, inputs: Tensor
) -> list[nn.Module]:
    """Scale the weights of each layer until its output has spread 1; those where it has not.

    The layers are taken in the order in which the network calls them: each is scaled while its
    input arrives, and hands on what it then gives, so that one pass sees them all.
    """
    is_training = network.training
    network.eval()  # dropout would add a spread of its own
    scaler = _Scaler(knobs)
    # Inside torch's attention this one is never called, only its weights are used.
    wanted = [m for m in layers if not isinstance(m, NonDynamicallyQuantizableLinear)]
    hooks = [module.register_forward_hook(scaler) for module in wanted]
    try:
        network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
        network.train(is_training)
    return [module for module in wanted if module not in scaler.done]


class _Scaler:
    """Scales a layer when it is called for the first time."""

    def __init__(self, knobs: LSUV) -> None:
        self.knobs = knobs
        self.done: set[nn.Module] = set()
        self.seen: set[nn.Module] = set()

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        if module in self.seen:  # it is used twice: the second time it is what it is
            return output
        self.seen.add(module)
        for _ in range(self.knobs.max_iterations):
            spread = output.std().item()
            if abs(spread - 1) <= self.knobs.tolerance:
                self.done.add(module)
                break
            if not 0 < spread < float("inf"):
                break
            module.weight.div_(spread)  # type: ignore[operator]
            output = module.forward(*inputs)
        return output
