"""The Linear layers of a network that follow one another, unit by unit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from tuilab.engine.model.layers.activation import Step
from tuilab.engine.model.layers.blocks import LayerStack, Residual

UNITWISE = (
    nn.Identity, nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Hardswish, nn.Softplus, nn.Tanh, nn.Sigmoid, Step, nn.Softmax, nn.LogSoftmax, nn.ReLU6,
    nn.CELU, nn.Hardtanh, nn.Hardsigmoid, nn.Softsign, nn.LogSigmoid,
    nn.Dropout, nn.AlphaDropout, nn.BatchNorm1d, nn.LayerNorm, nn.RMSNorm, nn.Flatten,
)  # fmt: skip
"""Layers whose output units correspond to their input units."""

IDENTITY_IN_EVAL = (nn.Identity, nn.Dropout, nn.AlphaDropout, nn.Flatten)
"""Those of them that change nothing in evaluation mode."""


@dataclass(slots=True)
class Stage:
    """One Linear layer, or a GraphConvolution, and what follows it before the next one."""

    linear: nn.Linear
    last_module: nn.Module
    activations: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Chain:
    """Consecutive Linear layers and graph convolutions.

    Args:
        source: the layer that computes their inputs; empty: they are the network's inputs.
        reaches_output: whether their outputs are the network's.
    """

    source: str
    stages: list[Stage] = field(default_factory=list)
    reaches_output: bool = False


def find_longest_chain(network: nn.Module, names: dict[nn.Module, str]) -> Chain | None:
    """Returns the longest chain, the last of several; None if there is none.

    Args:
        names: names of the layers in the experiment.
    """
    chains = [chain for chain in _iterate_chains(network, names) if chain.stages]
    return max(reversed(chains), key=lambda chain: len(chain.stages), default=None)


def _iterate_chains(network: nn.Module, names: dict[nn.Module, str]) -> Iterator[Chain]:
    chain = Chain("")
    for module in _iterate_modules(network):
        if isinstance(module, nn.Linear):  # a GraphConvolution is one
            chain.stages.append(Stage(module, module))
        elif isinstance(module, (*UNITWISE, Residual)):
            if chain.stages:
                stage = chain.stages[-1]
                # At the end of a block, the block's output is what the next layer gets.
                stage.last_module = module
                if not isinstance(module, IDENTITY_IN_EVAL):
                    stage.activations.append(type(module).__name__)
        else:
            yield chain
            chain = Chain(names.get(module, type(module).__name__))
    chain.reaches_output = True
    yield chain


def _iterate_modules(module: nn.Module) -> Iterator[nn.Module]:
    """Yields modules in the order of the forward pass; a residual block after its inside."""
    if isinstance(module, LayerStack):
        for inner in module:
            yield from _iterate_modules(inner)
    elif isinstance(module, Residual):
        yield from _iterate_modules(module.inside)
        yield module
    else:
        yield module
