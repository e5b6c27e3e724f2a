"""A network in evaluation mode for as long as somebody looks at it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def restored(network: nn.Module) -> Iterator[None]:
    """Every module is in its own mode again afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode, and each module's own again after it."""
    with restored(network):
        network.eval()
        yield


@contextmanager
def still(network: nn.Module) -> Iterator[None]:
    """Evaluation mode and no gradients."""
    with evaluating(network), torch.no_grad():
        yield
