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
    scaled: set[nn.Module] = set()
    visited: set[nn.Module] = set()

    def scale(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
        if module in visited:  # a shared layer keeps the scale of its first call
            return output
        visited.add(module)
        for _ in range(config.max_iterations):
            std = output.std().item()
            if abs(std - 1) <= config.tolerance:
                scaled.add(module)
                break
            if not 0 < std < float("inf"):
                break
            module.weight.div_(std)  # type: ignore[operator]
            output = module.forward(*inputs)
        return output

    # torch's attention never calls this one, it only uses its weights.
    scalable = [m for m in layers if not isinstance(m, NonDynamicallyQuantizableLinear)]
    try:
        with ExitStack() as hooks:
            for module in scalable:
                hooks.enter_context(module.register_forward_hook(scale))
            network(inputs)
    finally:
        network.train(is_training)
    return [module for module in scalable if module not in scaled]
