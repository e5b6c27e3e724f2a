"""A network in evaluation mode for as long as somebody looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode; every module is in its own mode again after it."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def still(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients."""
    with evaluating(network), torch.no_grad():
        yield
