"""Layers of several networks at once: parameters are [nets, *shape], inputs [nets, batch, *shape].

A layer has a stacked form if it is a row of the table at the end of this file; other layers of
`torch.nn` without randomness and without state are mapped over the networks by `torch.func.vmap`.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from tuilab.core.errors import InputError
from tuilab.engine.model.layers.activation import Step
from tuilab.engine.model.layers.blocks import LayerStack, Parallel, Residual
from tuilab.engine.model.module_names import name_module

ELEMENTWISE = (
    nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU,
    nn.Mish, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Softplus, nn.Tanh, nn.Softsign,
    nn.Sigmoid, nn.LogSigmoid, Step,
)  # fmt: skip
"""Modules that treat every number alike, so that further dimensions do not matter."""

RANDOM = (nn.RReLU, nn.AlphaDropout, nn.modules.dropout._DropoutNd)


class Stacker:
    """Builds the stacked form of networks that have the same layers.

    The parameters and buffers of the networks become views of the stacked ones, so that each
    network has the weights of the stack at any time.

    Args:
        generators: the random generator of each network.
    """

    def __init__(self, generators: Sequence[Generator]) -> None:
        self.generators = tuple(generators)
        self.parameters: dict[nn.Parameter, nn.Parameter] = {}
        "The stacked parameters by those of the first network."
        self.modules: dict[nn.Module, nn.Module] = {}
        "The stacked modules by those of the first network."

    def build(self, modules: Sequence[nn.Module]) -> nn.Module:
        """Returns one module for the same module of all networks.

        Raises:
            InputError: it cannot be stacked.
        """
        first = modules[0]
        builder = STACKED.get(type(first))
        if builder is not None:
            built = builder(self, modules)
        elif isinstance(first, ELEMENTWISE):
            built = copy.deepcopy(first)
        elif _can_be_mapped(first):
            built = MappedLayer(self, modules)
        else:
            raise InputError(f"{name_module(first)} has no form for several networks at once")
        built.train(first.training)
        self.modules[first] = built
        return built

    def parameter(self, modules: Sequence[nn.Module], name: str) -> nn.Parameter | None:
        """Returns a parameter of all networks, [nets, *shape]; None if the layer has none."""
        parts = [module.get_parameter(name) for module in modules if _has(module, name)]
        if not parts:
            return None
        if parts[0] not in self.parameters:
            stacked = nn.Parameter(torch.stack([part.detach() for part in parts]))
            for part, view in zip(parts, stacked.detach(), strict=True):
                part.data = view
            self.parameters[parts[0]] = stacked
        return self.parameters[parts[0]]

    def buffer(self, modules: Sequence[nn.Module], name: str) -> Tensor | None:
        """Returns a buffer of all networks, [nets, *shape]; None if the layer has none."""
        parts = [getattr(module, name) for module in modules]
        if parts[0] is None:
            return None
        stacked = torch.stack(parts)
        for module, view in zip(modules, stacked, strict=True):
            setattr(module, name, view)
        return stacked


def _has(module: nn.Module, name: str) -> bool:
    return getattr(module, name, None) is not None


def _can_be_mapped(module: nn.Module) -> bool:
    """Returns whether a layer is a function of its input and its parameters alone."""
    is_of_torch = type(module).__module__.startswith("torch.nn.modules.")
    has_parts = any(True for _ in (*module.children(), *module.buffers()))
    return is_of_torch and not has_parts and not isinstance(module, (nn.RNNBase, *RANDOM))


class StackedRow(nn.Sequential):
    """The stacked form of a row of layers."""


class StackedResidual(nn.Module):
    """The stacked form of `Residual`."""

    def __init__(self, inside: nn.Module) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Returns inside(x) + x, [nets, batch, *shape]."""
        out: Tensor = self.inside(x) + x
        return out


class StackedParallel(nn.Module):
    """The stacked form of `Parallel`."""

    def __init__(self, inside: nn.Sequential) -> None:
        super().__init__()
        self.inside = inside

    def forward(self, x: Tensor) -> Tensor:
        """Concatenates along the last dimension, or along the channels of images.

        Images are [nets, batch, channels, height, width].
        """
        outputs = [branch(x) for branch in self.inside]
        return torch.cat(outputs, dim=2 if outputs[0].dim() >= 5 else -1)


class StackedLinear(nn.Module):
    """The stacked form of `Linear`: one batched product."""

    def __init__(self, stacker: Stacker, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        self.weight = stacker.parameter(modules, "weight")
        self.bias = stacker.parameter(modules, "bias")

    def forward(self, x: Tensor) -> Tensor:
        """Maps [nets, batch, …, in_features] to [nets, batch, …, out_features]."""
        assert self.weight is not None
        rows = x if x.dim() == 3 else x.flatten(1, -2)
        weight = self.weight.transpose(1, 2)
        bias = None if self.bias is None else self.bias[:, None]
        out = rows @ weight if bias is None else torch.baddbmm(bias, rows, weight)
        return out if x.dim() == 3 else out.view(*x.shape[:-1], out.shape[-1])


class StackedFlatten(nn.Module):
    """The stacked form of `Flatten`."""

    def forward(self, x: Tensor) -> Tensor:
        """Maps [nets, batch, *shape] to [nets, batch, values]."""
        return x.flatten(2)


class StackedNorm(nn.Module):
    """The stacked form of `LayerNorm` and `RMSNorm`."""

    def __init__(self, stacker: Stacker, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        first: Any = modules[0]
        self.shape, self.eps = first.normalized_shape, first.eps
        self.is_rms = isinstance(first, nn.RMSNorm)
        self.weight = stacker.parameter(modules, "weight")
        self.bias = stacker.parameter(modules, "bias")

    def forward(self, x: Tensor) -> Tensor:
        """Normalizes the last dimensions of [nets, batch, *shape]."""
        if self.is_rms:
            out = F.rms_norm(x, self.shape, None, self.eps)
        else:
            out = F.layer_norm(x, self.shape, None, None, self.eps)
        ones = (1,) * (x.dim() - 1 - len(self.shape))
        if self.weight is None:
            return out
        weight = self.weight.view(len(x), *ones, *self.shape)
        if self.bias is None:
            return out * weight
        return torch.addcmul(self.bias.view(len(x), *ones, *self.shape), out, weight)


class StackedBatchNorm(nn.Module):
    """The stacked form of batch norms: one norm over the channels of all networks."""

    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(self, stacker: Stacker, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        first: Any = modules[0]
        self.eps, self.momentum = first.eps, first.momentum
        self.weight = stacker.parameter(modules, "weight")
        self.bias = stacker.parameter(modules, "bias")
        for name in ("running_mean", "running_var", "num_batches_tracked"):
            self.register_buffer(name, stacker.buffer(modules, name))

    def forward(self, x: Tensor) -> Tensor:
        """Standardizes each channel of [nets, batch, channels, *positions]."""
        is_of_batch = self.training or self.running_mean is None
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        merged = x.transpose(0, 1).flatten(1, 2)
        statistics = (self.running_mean, self.running_var)
        mean, variance = (None if one is None else one.view(-1) for one in statistics)
        weight = None if self.weight is None else self.weight.view(-1)
        bias = None if self.bias is None else self.bias.view(-1)
        out = F.batch_norm(
            merged, mean, variance, weight, bias, is_of_batch, self.momentum, self.eps
        )
        return out.view(x.shape[1], x.shape[0], *x.shape[2:]).transpose(0, 1)


class StackedDropout(nn.Module):
    """The stacked form of `Dropout`.

    Every network draws from its own generator, in the shape and the order in which it draws when
    it is trained alone on the CPU, so that both have the same masks.
    """

    def __init__(self, stacker: Stacker, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        first: Any = modules[0]
        self.p, self.generators = float(first.p), stacker.generators
        self._masks: dict[torch.Size, tuple[Tensor, tuple[Tensor, ...]]] = {}
        "A mask for each shape, with the part of each network; drawn anew in every step."

    def forward(self, x: Tensor) -> Tensor:
        """Drops values of [nets, batch, *shape] in training."""
        if not self.training or self.p == 0:
            return x
        if x.shape not in self._masks:
            mask = torch.empty(x.shape, dtype=x.dtype, device=x.device)
            self._masks[x.shape] = mask, mask.unbind()
        mask, parts = self._masks[x.shape]
        share = 1 - self.p
        for part, generator in zip(parts, self.generators, strict=True):
            part.bernoulli_(share, generator=generator)
        return x * mask.div_(share)


class MappedLayer(nn.Module):
    """Any other layer of torch, mapped over the networks."""

    def __init__(self, stacker: Stacker, modules: Sequence[nn.Module]) -> None:
        super().__init__()
        names = [name for name, _ in modules[0].named_parameters()]
        self.stacked = nn.ParameterDict({name: stacker.parameter(modules, name) for name in names})
        template = copy.deepcopy(modules[0])

        def call(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
            out: Tensor = torch.func.functional_call(template, parameters, (x,))
            return out

        self._call = torch.func.vmap(call, in_dims=(0, 0), randomness="error")

    def forward(self, x: Tensor) -> Tensor:
        """Maps [nets, batch, *inputs] to [nets, batch, *outputs]."""
        out: Tensor = self._call(dict(self.stacked.items()), x)
        return out


Builder = Callable[[Stacker, Sequence[Any]], nn.Module]
"""Builds one module from the same module of all networks."""


def _build_row(stacker: Stacker, rows: Sequence[nn.Sequential]) -> nn.Module:
    return StackedRow(*(stacker.build(modules) for modules in zip(*rows, strict=True)))


def _build_residual(stacker: Stacker, blocks: Sequence[Residual]) -> nn.Module:
    return StackedResidual(stacker.build([block.inside for block in blocks]))


def _build_parallel(stacker: Stacker, blocks: Sequence[Parallel]) -> nn.Module:
    inside = stacker.build([block.inside for block in blocks])
    assert isinstance(inside, nn.Sequential)
    return StackedParallel(inside)


def _build_flatten(_: Stacker, modules: Sequence[nn.Flatten]) -> nn.Module:
    if (modules[0].start_dim, modules[0].end_dim) != (1, -1):
        raise InputError("this Flatten has no form for several networks at once")
    return StackedFlatten()


STACKED: dict[type[nn.Module], Builder] = {
    LayerStack: _build_row,
    Residual: _build_residual,
    Parallel: _build_parallel,
    nn.Linear: StackedLinear,
    nn.Flatten: _build_flatten,
    nn.LayerNorm: StackedNorm,
    nn.RMSNorm: StackedNorm,
    nn.BatchNorm1d: StackedBatchNorm,
    nn.BatchNorm2d: StackedBatchNorm,
    nn.BatchNorm3d: StackedBatchNorm,
    nn.Dropout: StackedDropout,
}
"""The layers that have a stacked form."""
