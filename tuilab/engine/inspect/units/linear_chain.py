"""The Linear layers of a network that follow one another, unit for unit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

from tuilab.engine.model.layers.activation import Step
from tuilab.engine.model.layers.blocks import Residual, Row
from tuilab.engine.model.layers.graph import GraphConvolution

PASSING = (
    nn.Identity, nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish,
    nn.Hardswish, nn.Softplus, nn.Tanh, nn.Sigmoid, Step, nn.Softmax, nn.LogSoftmax,
    nn.Dropout, nn.AlphaDropout, nn.BatchNorm1d, nn.LayerNorm, nn.RMSNorm, nn.Flatten,
)  # fmt: skip
"""What gives every unit on as one unit."""

SILENT = (nn.Identity, nn.Dropout, nn.AlphaDropout, nn.Flatten)
"""Those of them that change nothing outside of training."""


@dataclass(slots=True)
class Stage:
    """One Linear layer with what its outputs pass before the next one."""

    linear: nn.Linear
    last: nn.Module
    after: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Chain:
    """Linear layers in a row.

    Args:
        source: what makes their inputs; empty: they are those of the network.
        ends: their outputs are those of the network.
    """

    source: str
    stages: list[Stage] = field(default_factory=list)
    ends: bool = False


def chain(network: nn.Module, names: dict[nn.Module, str]) -> Chain | None:
    """The longest chain, the last one of several; None where there is no Linear layer at all.

    Args:
        names: what layers are called in the experiment.
    """
    found = [each for each in _chains(network, names) if each.stages]
    return max(reversed(found), key=lambda each: len(each.stages), default=None)


def _chains(network: nn.Module, names: dict[nn.Module, str]) -> Iterator[Chain]:
    present = Chain("")
    for module in _walk(network):
        if _is_linear(module):
            assert isinstance(module, nn.Linear)
            present.stages.append(Stage(module, module))
        elif isinstance(module, (*PASSING, Residual)):
            if present.stages:
                stage = present.stages[-1]
                # Where a block ends, what comes out of the block is what the next layer sees.
                stage.last = module
                if not isinstance(module, SILENT):
                    stage.after.append(type(module).__name__)
        else:
            yield present
            present = Chain(names.get(module, type(module).__name__))
    present.ends = True
    yield present


def _walk(module: nn.Module) -> Iterator[nn.Module]:
    """Modules in the order in which numbers pass them; a residual block after its inside."""
    if isinstance(module, Row):
        for inner in module:
            yield from _walk(inner)
    elif isinstance(module, Residual):
        yield from _walk(module.inside)
        yield module
    else:
        yield module


def _is_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and not isinstance(module, GraphConvolution)
