"""Building a `torch.nn` network from the lines of an experiment."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.catalogue.layers.blocks import Parallel as ParallelLine
from tuilab.core.catalogue.layers.blocks import Repeat
from tuilab.core.catalogue.layers.save import pair_input
from tuilab.core.discover import import_modules
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, Paired, Shape, without_pair
from tuilab.core.network.layer_labels import make_label
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.read_line import read_line
from tuilab.engine.learner_code import learner_layers  # noqa: F401 (enters its functions, too)
from tuilab.engine.model import layers as layers_package
from tuilab.engine.model.layers import graph, normalization
from tuilab.engine.model.layers.blocks import LayerStack, Parallel, Residual, build_block
from tuilab.engine.model.layers.builders import build_module
from tuilab.engine.model.layers.save import Save, connect
from tuilab.engine.model.module_names import find_roles, name_module

Saved = dict[str, tuple[Save, Shape]]
"""The modules that have saved their input so far, and its shape, by their names."""

import_modules(layers_package)  # each module enters its functions into MODULES


def build(lines: tuple[Line, ...], shape: Shape) -> LayerStack:
    """Builds a network; its plan must have no problems."""
    row, _ = _build_row(lines, shape, {})
    freeze(row, lines)
    return row


def _build_row(
    lines: tuple[Any, ...], shape: Shape, saved: Saved, times: int = 1
) -> tuple[LayerStack, Shape]:
    modules: list[nn.Module] = []
    for line in lines * times:
        module, shape = _build_module(line, shape, saved)
        modules.append(module)
    return LayerStack(*modules), shape


def _build_module(line: Any, shape: Shape, saved: Saved) -> tuple[nn.Module, Shape]:
    if isinstance(line, str):
        return _build_layer(read_line(line, shape, _saved_shapes(saved)).layer, shape, saved)
    layer = parse(line[0])
    if layer.is_separate:
        saved = {}
    if isinstance(layer, ParallelLine):
        built = [_build_module(branch, shape, dict(saved)) for branch in line[1:]]
        row = LayerStack(*(module for module, _ in built))
        output = layer.join([shape for _, shape in built])
    else:
        times = layer.times if isinstance(layer, Repeat) else 1
        row, output = _build_row(line[1:], shape, saved, times)
    return build_block(layer, row), output


def _saved_shapes(saved: Saved) -> dict[str, Shape]:
    return {name: shape for name, (_, shape) in saved.items()}


def _build_layer(layer: Layer, shape: Shape, saved: Saved) -> tuple[nn.Module, Shape]:
    """Returns the module of one line, connected to its second input, and its output shape."""
    inputs = pair_input(layer, shape, _saved_shapes(saved))
    module = build_module(layer, inputs)
    if isinstance(inputs, Paired):
        connect(module, saved[getattr(layer, layer.second_input)][0])
    if isinstance(module, Save):
        saved[module.name] = (module, shape)
    return module, without_pair(layer.output_shape(inputs))


def modules_with_layers(
    network: nn.Module, lines: tuple[Line, ...]
) -> Iterator[tuple[nn.Module, Layer]]:
    """Yields every module with the layer it was built from, blocks before their content."""
    row = network.inside if isinstance(network, (Residual, Parallel)) else network
    assert isinstance(row, LayerStack), "it was not built by `build`"
    for number, module in enumerate(row):
        line: Any = lines[number % len(lines)]  # a Repeat's row holds its lines several times
        yield module, parse(line if isinstance(line, str) else line[0])
        if not isinstance(line, str):
            yield from modules_with_layers(module, line[1:])


def freeze(network: nn.Module, lines: tuple[Line, ...]) -> None:
    """Excludes frozen layers, and all layers of frozen blocks, from training.

    They get no gradient and stay in evaluation mode, so that a BatchNorm keeps its statistics.
    """
    is_training = network.training
    network.requires_grad_(True)
    for module, layer in modules_with_layers(network, lines):
        module.is_frozen = layer.frozen  # type: ignore[assignment]
        if layer.frozen:
            module.requires_grad_(False)
            for parameter in module.parameters():
                parameter.grad = None
    network.train(is_training)


def apply_live_knobs(network: nn.Module, lines: tuple[Line, ...]) -> None:
    """Applies the live knobs of all layers: the p of dropout layers, and what is frozen.

    A live knob is an attribute of the same name of its module.
    """
    for module, layer in modules_with_layers(network, lines):
        for name, knob in default_knobs(type(layer)).items():
            if knob.is_live and name != "frozen":
                setattr(module, name, getattr(layer, name))
    freeze(network, lines)


def set_adjacency(network: nn.Module, adjacency: Tensor) -> None:
    """Passes the graph, [nodes, nodes] of zeros and ones, to every layer that needs one."""
    normalized = graph.normalize_adjacency(adjacency)
    for module in network.modules():
        if isinstance(module, graph.GraphConvolution):
            module.adjacency = normalized


def parameters_by_layer(network: nn.Module) -> dict[str, list[nn.Parameter]]:
    """Returns the parameters of each layer that has any, by labels such as `2 Linear`."""
    roles = dict(find_roles(network))
    return {
        make_label(number, name_module(module), roles.get(module, "")): list(
            module.parameters(recurse=False)
        )
        for number, module in enumerate(_modules_with_parameters(network), 1)
    }


def copy_unchanged(source: nn.Module, target: nn.Module) -> tuple[int, int]:
    """Copies the weights of layers that both networks have.

    Layers are matched from the front, then from the back, as long as class and shapes agree.

    Returns:
        How many layers of the target were copied, and how many it has.
    """
    old, new = _modules_with_state(source), _modules_with_state(target)
    front = _count_matches(old, new)
    back = min(_count_matches(old[::-1], new[::-1]), min(len(old), len(new)) - front)
    pairs = list(zip(old[:front], new[:front], strict=True))
    if back:
        pairs += zip(old[-back:], new[-back:], strict=True)
    for before, after in pairs:
        after.load_state_dict(_own_state(before), strict=False)  # submodules are pairs themselves
    return len(pairs), len(new)


def _modules_with_parameters(network: nn.Module) -> list[nn.Module]:
    """Returns the modules with direct parameters, in order."""
    return [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]


def _modules_with_state(network: nn.Module) -> list[nn.Module]:
    """Returns the modules with direct parameters or running statistics, in order."""
    return [module for module in network.modules() if _own_state(module)]


def _own_state(module: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in module.state_dict().items() if "." not in name}


def _count_matches(old: list[nn.Module], new: list[nn.Module]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if type(before) is not type(after) or _shapes(before) != _shapes(after):
            break
        count += 1
    return count


def _shapes(module: nn.Module) -> dict[str, torch.Size]:
    return {name: value.shape for name, value in _own_state(module).items()}


def has_convolution(network: nn.Module) -> bool:
    """Returns whether channels-last memory is faster."""
    return any(isinstance(module, nn.Conv2d) for module in network.modules())


def has_batch_norm(network: nn.Module) -> bool:
    """Returns whether training needs at least two examples per batch."""
    return any(normalization.needs_two_examples(module) for module in network.modules())
