"""Layer-sequential unit-variance initialization (Mishkin, Matas 2015, arXiv 1511.06422)."""

from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from tuilab.core.catalogue.initializations import LSUV


@torch.no_grad()
def scale_to_unit_variance(
    network: nn.Module, layers: list[nn.Module], config: LSUV, inputs: Tensor
) -> list[nn.Module]:
    """Scales the weights of each layer until its output has standard deviation 1.

    Layers are scaled in the order in which the network calls them, each when its input arrives, so
    that one forward pass is enough.

    Args:
        inputs: prepared examples [batch, *shape].

    Returns:
        The layers whose output could not be scaled.
    """
    is_training = network.training
    network.eval()  # dropout would add variance
    scaler = _Scaler(config)
    # torch's attention never calls this one, it only uses its weights.
    scalable = [m for m in layers if not isinstance(m, NonDynamicallyQuantizableLinear)]
    try:
        with ExitStack() as hooks:
            for module in scalable:
                hooks.enter_context(module.register_forward_hook(scaler))
            network(inputs)
    finally:
        network.train(is_training)
    return [module for module in scalable if module not in scaler.scaled]


class _Scaler:
    """A forward hook that scales a layer when it is called for the first time."""

    def __init__(self, config: LSUV) -> None:
        self.config = config
        self.scaled: set[nn.Module] = set()
        self.visited: set[nn.Module] = set()

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        if module in self.visited:  # a shared layer keeps the scale of its first call
            return output
        self.visited.add(module)
        for _ in range(self.config.max_iterations):
            std = output.std().item()
            if abs(std - 1) <= self.config.tolerance:
                self.scaled.add(module)
                break
            if not 0 < std < float("inf"):
                break
            module.weight.div_(std)  # type: ignore[operator]
            output = module.forward(*inputs)
        return output
