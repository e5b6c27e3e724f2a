"""Statistics of the activations of one step, from hooks that are there for one forward pass."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.records import ActivationStats, InputStats
from tuilab.engine.model import build_network as networks
from tuilab.engine.model.layers.graph import GraphConvolution
from tuilab.engine.model.module_names import name_module

SATURATION_MARGIN = 0.03
"""Fraction of half its range, from either limit, in which an activation counts as saturated."""

OUTPUT_RANGES: dict[type[nn.Module], tuple[float, float]] = {
    nn.Tanh: (-1.0, 1.0), nn.Sigmoid: (0.0, 1.0)
}  # fmt: skip
"""The activations that saturate, and their limits."""

EPSILON = 1e-12
"""Keeps the growth of a state that begins at zero finite."""


class ActivationProbe:
    """Measures the next output of activations, recurrent layers, graph convolutions; the inputs.

    A hook removes itself once it has run; `read` removes those that are left.
    """

    def __init__(
        self, network: nn.Module, observed: Mapping[str, nn.Module], *, with_inputs: bool = True
    ) -> None:
        """Adds the hooks.

        Args:
            observed: the `observed_modules` of the network.
            with_inputs: whether the inputs are measured too.
        """
        self._stats: dict[str, Tensor] = {}
        self._input_stats: Tensor | None = None
        self._hooks: dict[nn.Module, Any] = {}
        for label, module in observed.items():
            self._hooks[module] = module.register_forward_hook(self._hook(label))
        if with_inputs:
            self._hooks[network] = network.register_forward_pre_hook(self._measure_inputs)

    def _hook(self, label: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if (handle := self._hooks.pop(module, None)) is not None:
                handle.remove()
                if isinstance(module, nn.RNNBase):
                    self._stats[label] = state_growth(output[0].detach())
                elif isinstance(module, GraphConvolution):
                    self._stats[label] = node_similarity(output.detach())
                else:
                    self._stats[label] = activation_fractions(module, output.detach())

        return hook

    def _measure_inputs(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if (handle := self._hooks.pop(module, None)) is not None:
            handle.remove()
            self._input_stats = input_statistics(inputs[0].detach())

    def read(self) -> tuple[list[ActivationStats], InputStats | None]:
        """Reads the statistics of each layer, and those of the inputs, from the device."""
        for handle in self._hooks.values():
            handle.remove()
        self._hooks.clear()
        rows = torch.stack(list(self._stats.values())).tolist() if self._stats else []
        stats = [ActivationStats(label, *row) for label, row in zip(self._stats, rows, strict=True)]
        inputs = self._input_stats
        return stats, None if inputs is None else InputStats(*inputs.tolist())


def observed_modules(network: nn.Module) -> dict[str, nn.Module]:
    """Returns the activations inside a network, recurrent layers, graph convolutions by label."""
    labels = iter(networks.parameters_by_layer(network))
    observed: dict[str, nn.Module] = {}
    previous = "the input"
    *inner, _ = network.modules()  # the output of the last one is that of the network
    for module in inner:
        if next(module.parameters(recurse=False), None) is not None:
            previous = next(labels)
            if isinstance(module, nn.RNNBase):
                observed[f"State of {previous}"] = module
            elif isinstance(module, GraphConvolution):
                observed[f"Nodes of {previous}"] = module
        elif isinstance(module, (nn.ReLU, *OUTPUT_RANGES)):
            observed.setdefault(f"{name_module(module)} after {previous}", module)
    return observed


def activation_fractions(module: nn.Module, output: Tensor) -> Tensor:
    """Measures the fractions of zeros, dead units and saturated values of an activation.

    A unit is a channel of images, a feature of everything else; it is dead if it is zero for the
    whole batch.

    Args:
        output: [batch, features], [batch, length, features] or [batch, channels, height, width].

    Returns: [6], in the order of `ActivationStats`.
    """
    zero = output.new_zeros((), dtype=torch.float32)
    if (limits := OUTPUT_RANGES.get(type(module))) is not None:
        margin = SATURATION_MARGIN * (limits[1] - limits[0]) / 2
        is_saturated = (output < limits[0] + margin) | (output > limits[1] - margin)
        return torch.stack([zero, zero, is_saturated.float().mean(), zero, zero, zero])
    dims = [0, 2, 3] if output.dim() == 4 else list(range(output.dim() - 1))
    zeros = (output == 0).sum(dims)  # of each unit
    values_per_unit = output.numel() // max(1, zeros.numel())
    dead = (zeros == values_per_unit).float().mean()
    return torch.stack([zeros.sum() / max(1, output.numel()), dead, zero, zero, zero, zero])


def state_growth(states: Tensor) -> Tensor:
    """Measures the root mean square of a recurrent state at the end, and its growth till then.

    Args:
        states: of every position, [batch, length, features].

    Returns: [6], in the order of `ActivationStats`.
    """
    first, last = states[:, [0, -1]].float().square().mean((0, 2)).sqrt()
    zero = last.new_zeros(())
    return torch.stack([zero, zero, zero, last, last / first.clamp_min(EPSILON), zero])


def node_similarity(nodes: Tensor) -> Tensor:
    """Measures how alike the nodes of a graph are: 1 if all have the same features.

    Args:
        nodes: [batch, nodes, features].

    Returns: [6], in the order of `ActivationStats`.
    """
    nodes = nodes.float()
    differences = (nodes - nodes.mean(1, keepdim=True)).norm()
    similarity = 1 - differences / nodes.norm().clamp_min(EPSILON)
    zero = similarity.new_zeros(())
    return torch.stack([zero, zero, zero, zero, zero, similarity])


def input_statistics(inputs: Tensor) -> Tensor | None:
    """Measures the largest absolute mean of the features, and their extreme standard deviations.

    Images and sequences count as one feature.

    Args:
        inputs: [batch, features] or [batch, ...].

    Returns: [3], in the order of `InputStats`; None for tokens.
    """
    if not inputs.is_floating_point() or not inputs.numel():
        return None
    rows = inputs.float() if inputs.dim() == 2 else inputs.float().reshape(-1, 1)
    mean = rows.mean(0)  # `torch.std_mean` over rows takes five times as long on a CPU
    std = (rows - mean).square_().mean(0).sqrt_()
    return torch.stack([mean.abs().amax(), std.amax(), std.amin()])
