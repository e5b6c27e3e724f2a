"""From layer lines to a `torch.nn` network."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.lab import layers as lab
from tuilab.lab.activations import Softmax
from tuilab.lab.layer import Layer, Shape
from tuilab.lab.network import Line, parse


class Residual(nn.Module):
    """A block whose input is added to its output."""

    def __init__(self, inside: nn.Sequential) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Inside(x) + x."""
        out: Tensor = self.inside(x) + x
        return out


def _like_torch(layer: Layer, shape: Shape, *first: int) -> nn.Module:
    """The torch class of the same name, with its inferred sizes first."""
    arguments = {name: getattr(layer, name) for name in layer.__struct_fields__}
    module: nn.Module = getattr(nn, type(layer).__name__)(*first, **arguments)
    return module


MODULES: dict[type[Layer], Callable[[Any, Shape], nn.Module]] = {
    lab.Linear: lambda layer, shape: _like_torch(layer, shape, shape[-1]),
    lab.Conv2d: lambda layer, shape: _like_torch(layer, shape, shape[0]),
    lab.BatchNorm1d: lambda layer, shape: _like_torch(layer, shape, shape[0]),
    lab.BatchNorm2d: lambda layer, shape: _like_torch(layer, shape, shape[0]),
    lab.LayerNorm: lambda layer, shape: nn.LayerNorm(
        shape, eps=layer.eps, elementwise_affine=layer.elementwise_affine
    ),
    Softmax: lambda layer, shape: nn.Softmax(dim=1),
}
"""How to build the layers that need to know what comes in; all others are `_like_torch`."""


def build(lines: tuple[Line, ...], shape: Shape) -> nn.Sequential:
    """Build a network whose plan has no problems."""
    modules, _ = _modules(lines, shape)
    return nn.Sequential(*modules)


def _modules(lines: tuple[Line, ...], shape: Shape) -> tuple[list[nn.Module], Shape]:
    modules: list[nn.Module] = []
    for line in lines:
        if isinstance(line, str):
            layer = parse(line)
            modules.append(MODULES.get(type(layer), _like_torch)(layer, shape))
            shape = layer.output(shape)
        else:
            block, shape = _block(line, shape)
            modules.append(block)
    return modules, shape


def _block(lines: tuple[Any, ...], shape: Shape) -> tuple[nn.Module, Shape]:
    block, inside = parse(lines[0]), lines[1:]
    modules: list[nn.Module] = []
    for _ in range(block.times if isinstance(block, lab.Repeat) else 1):
        added, shape = _modules(inside, shape)
        modules.extend(added)
    row = nn.Sequential(*modules)
    return (Residual(row) if isinstance(block, lab.Residual) else row), shape


def labelled(network: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The parameters of each layer that has any, by names such as `2 Linear`."""
    return {
        f"{number} {type(module).__name__}": list(module.parameters(recurse=False))
        for number, module in enumerate(_owners(network), 1)
    }


def set_live(network: nn.Module, lines: tuple[Line, ...]) -> None:
    """Move the knobs of layers that are live: the p of each Dropout."""
    drops = [module for module in network.modules() if isinstance(module, nn.Dropout)]
    for module, p in zip(drops, _dropouts(lines), strict=True):
        module.p = p


def _dropouts(lines: tuple[Any, ...]) -> Iterator[float]:
    for line in lines:
        if isinstance(line, str):
            layer = parse(line)
            if isinstance(layer, lab.Dropout):
                yield layer.p
        else:
            block = parse(line[0])
            for _ in range(block.times if isinstance(block, lab.Repeat) else 1):
                yield from _dropouts(line[1:])


def copy_unchanged(source: nn.Module, target: nn.Module) -> tuple[int, int]:
    """Copy the weights of layers that both have, in order; (how many were kept, of how many).

    Layers are matched from the front, then from the back, while class and shapes agree.
    """
    old, new = _owners(source), _owners(target)
    front = _agreeing(old, new)
    back = min(_agreeing(old[::-1], new[::-1]), min(len(old), len(new)) - front)
    pairs = list(zip(old[:front], new[:front], strict=True))
    if back:
        pairs += zip(old[-back:], new[-back:], strict=True)
    for before, after in pairs:
        after.load_state_dict(before.state_dict())
    return len(pairs), len(new)


def _owners(network: nn.Module) -> list[nn.Module]:
    """The modules with parameters of their own, in order."""
    return [m for m in network.modules() if any(True for _ in m.parameters(recurse=False))]


def _agreeing(old: list[nn.Module], new: list[nn.Module]) -> int:
    count = 0
    for before, after in zip(old, new, strict=False):
        if type(before) is not type(after) or _shapes(before) != _shapes(after):
            break
        count += 1
    return count


def _shapes(module: nn.Module) -> list[torch.Size]:
    return [parameter.shape for parameter in module.parameters(recurse=False)]


def has_convolution(network: nn.Module) -> bool:
    """Whether channels-last memory pays off."""
    return any(isinstance(module, nn.Conv2d) for module in network.modules())


def has_batch_norm(network: nn.Module) -> bool:
    """Whether a batch of one example cannot be trained on."""
    return any(isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)) for m in network.modules())
