"""From layer lines to a `torch.nn` network."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers.blocks import Parallel as ParallelLine
from tuilab.core.catalogue.layers.blocks import Repeat
from tuilab.core.experiment.knobs import declared
from tuilab.core.network.layer import Layer, Shape
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import Line
from tuilab.engine.learner_code import learner_layers as own
from tuilab.engine.model.layers import (
    activation,
    attention,
    blocks,
    convolution,
    dropout,
    embedding,
    graph,
    linear,
    normalization,
    sequence,
    torchvision_models,
)
from tuilab.engine.model.layers import shape as shapes
from tuilab.engine.model.layers.blocks import Parallel, Residual, Row
from tuilab.engine.model.layers.named import Builder, named

MODULES: dict[type[Layer], Builder] = (
    activation.BUILDERS
    | attention.BUILDERS
    | convolution.BUILDERS
    | embedding.BUILDERS
    | graph.BUILDERS
    | linear.BUILDERS
    | torchvision_models.BUILDERS
    | normalization.BUILDERS
    | own.BUILDERS
    | dropout.BUILDERS
    | sequence.BUILDERS
    | shapes.BUILDERS
)
"""How to build the layers that need to know what comes in, or that torch does not have.

All others are the torch class of their name.
"""


def build(lines: tuple[Line, ...], shape: Shape) -> Row:
    """Build a network whose plan has no problems."""
    row, _ = _row(lines, shape)
    freeze(row, lines)
    return row


def _row(lines: tuple[Any, ...], shape: Shape, times: int = 1) -> tuple[Row, Shape]:
    modules: list[nn.Module] = []
    for line in lines * times:
        module, shape = _module(line, shape)
        modules.append(module)
    return Row(*modules), shape


def _module(line: Any, shape: Shape) -> tuple[nn.Module, Shape]:
    layer = parse(line if isinstance(line, str) else line[0])
    if isinstance(line, str):
        build_one = MODULES.get(type(layer))
        return (build_one(layer, shape) if build_one else named(layer)), layer.output(shape)
    if isinstance(layer, ParallelLine):
        built = [_module(branch, shape) for branch in line[1:]]
        row, output = Row(*(module for module, _ in built)), layer.join([s for _, s in built])
    else:
        row, output = _row(line[1:], shape, layer.times if isinstance(layer, Repeat) else 1)
    return blocks.block(layer, row), output


def layers(network: nn.Module, lines: tuple[Line, ...]) -> Iterator[tuple[nn.Module, Layer]]:
    """Every module with the layer it was built from, blocks before what stands in them."""
    row = network.inside if isinstance(network, (Residual, Parallel)) else network
    assert isinstance(row, Row), "built here"
    for number, module in enumerate(row):
        line: Any = lines[number % len(lines)]  # a Repeat's row holds its lines several times
        yield module, parse(line if isinstance(line, str) else line[0])
        if not isinstance(line, str):
            yield from layers(module, line[1:])


def freeze(network: nn.Module, lines: tuple[Line, ...]) -> None:
    """Keep the weights of frozen layers, and of all in frozen blocks, as they are.

    They get no gradient and stay in evaluation mode, so that a BatchNorm keeps its statistics.
    """
    learns = network.training
    network.requires_grad_(True)
    for module, layer in layers(network, lines):
        module.is_frozen = layer.frozen  # type: ignore[assignment]
        if layer.frozen:
            module.requires_grad_(False)
            for parameter in module.parameters():
                parameter.grad = None
    network.train(learns)


def set_live(network: nn.Module, lines: tuple[Line, ...]) -> None:
    """Move the knobs of layers that are live: the p of every kind of dropout, and what is frozen.

    A live knob is the attribute of the same name of its module.
    """
    for module, layer in layers(network, lines):
        for name, knob in declared(type(layer)).items():
            if knob.live and name != "frozen":
                setattr(module, name, getattr(layer, name))
    freeze(network, lines)


def connect(network: nn.Module, adjacency: Tensor) -> None:
    """Give the graph, [nodes, nodes] of zeros and ones, to every layer that needs one."""
    matrix = graph.normalized(adjacency)
    for module in network.modules():
        if isinstance(module, graph.GraphConvolution):
            module.adjacency = matrix


def labelled(network: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters of each layer that has any, by names such as `2 Linear`."""
    return {
        f"{number} {_name(module)}": list(module.parameters(recurse=False))
        for number, module in enumerate(_owners(network), 1)
    }


def _name(module: nn.Module) -> str:
    """Its class; the Linear inside torch's attention has a name that says nothing here."""
    name = type(module).__name__
    return "Linear" if name == "NonDynamicallyQuantizableLinear" else name


def copy_unchanged(source: nn.Module, target: nn.Module) -> tuple[int, int]:
    """Copy the weights of layers that both have, in order; (how many were kept, of how many).

    Layers are matched from the front, then from the back, while class and shapes agree.
    """
    old, new = _keepers(source), _keepers(target)
    front = _agreeing(old, new)
    back = min(_agreeing(old[::-1], new[::-1]), min(len(old), len(new)) - front)
    pairs = list(zip(old[:front], new[:front], strict=True))
    if back:
        pairs += zip(old[-back:], new[-back:], strict=True)
    for before, after in pairs:
        after.load_state_dict(_own(before), strict=False)  # what stands inside has its own turn
    return len(pairs), len(new)


def _owners(network: nn.Module) -> list[nn.Module]:
    """The modules with parameters of their own, in order."""
    return [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]


def _keepers(network: nn.Module) -> list[nn.Module]:
    """The modules with parameters or running statistics of their own, in order."""
    return [module for module in network.modules() if _own(module)]


def _own(module: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in module.state_dict().items() if "." not in name}


def _agreeing(old: list[nn.Module], new: list[nn.Module]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if type(before) is not type(after) or _shapes(before) != _shapes(after):
            break
        count += 1
    return count


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in _own(module).items()}


def has_convolution(network: nn.Module) -> bool:
    """Whether channels-last memory pays off."""
    return any(isinstance(module, nn.Conv2d) for module in network.modules())


def has_batch_norm(network: nn.Module) -> bool:
    """Whether a batch of one example cannot be trained on."""
    return any(normalization.needs_two(module) for module in network.modules())
