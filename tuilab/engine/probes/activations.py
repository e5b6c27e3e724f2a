"""What the activations of one step are like: hooks that are there for a single forward pass."""

from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.records import Activity, Inputs
from tuilab.engine.model import build_network as networks

FLAT = 0.03
"""Part of its range from either end within which an S-shaped activation counts as saturated."""

RANGES: dict[type[nn.Module], tuple[float, float]] = {nn.Tanh: (-1.0, 1.0), nn.Sigmoid: (0.0, 1.0)}
"""The S-shaped activations and where they end."""

TINY = 1e-12
"""Keeps the growth of a state that begins at nothing finite."""


class ActivityProbe:
    """Sees the next output of every ReLU, Tanh, Sigmoid and recurrent net, and the input.

    A hook takes itself away once it has seen; `read` takes away what is left.
    """

    def __init__(self, network: nn.Module) -> None:
        self._seen: dict[str, Tensor] = {}
        self._input: Tensor | None = None
        self._hooks: dict[nn.Module, Any] = {}
        for label, module in watched(network).items():
            self._hooks[module] = module.register_forward_hook(self._hook(label))
        self._hooks[network] = network.register_forward_pre_hook(self._enter)

    def _hook(self, label: str) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            if (handle := self._hooks.pop(module, None)) is not None:
                handle.remove()
                is_recurrent = isinstance(module, nn.RNNBase)
                self._seen[label] = (
                    growth(output[0].detach()) if is_recurrent else shares(module, output.detach())
                )

        return hook

    def _enter(self, module: nn.Module, inputs: tuple[Any, ...]) -> None:
        if (handle := self._hooks.pop(module, None)) is not None:
            handle.remove()
            self._input = spread(inputs[0].detach())

    def read(self) -> tuple[list[Activity], Inputs | None]:
        """What was seen, one entry a layer, and how the inputs are spread."""
        for handle in self._hooks.values():
            handle.remove()
        self._hooks.clear()
        numbers = torch.stack(list(self._seen.values())).tolist() if self._seen else []
        activities = [Activity(label, *row) for label, row in zip(self._seen, numbers, strict=True)]
        return activities, None if self._input is None else Inputs(*self._input.tolist())


def watched(network: nn.Module) -> dict[str, nn.Module]:
    """The ReLU, Tanh and Sigmoid inside a network by the layer they follow, and recurrent nets."""
    owners = iter(networks.labelled(network))
    found: dict[str, nn.Module] = {}
    after = "the input"
    *inner, _ = network.modules()  # the output of the last one is the network's answer
    for module in inner:
        if next(module.parameters(recurse=False), None) is not None:
            after = next(owners)
            if isinstance(module, nn.RNNBase):
                found[f"State of {after}"] = module
        elif isinstance(module, (nn.ReLU, *RANGES)):
            found.setdefault(f"{type(module).__name__} after {after}", module)
    return found


def shares(module: nn.Module, output: Tensor) -> Tensor:
    """Shares of zeros, of units that are zero for the whole batch, of saturated values: [5].

    A unit is a channel of pictures, a feature of everything else.
    """
    nothing = output.new_zeros((), dtype=torch.float32)
    if (ends := RANGES.get(type(module))) is not None:
        margin = FLAT * (ends[1] - ends[0]) / 2
        flat = (output < ends[0] + margin) | (output > ends[1] - margin)
        return torch.stack([nothing, nothing, flat.float().mean(), nothing, nothing])
    is_zero = output == 0
    others = [0, 2, 3] if output.dim() == 4 else list(range(output.dim() - 1))
    dead = is_zero.all(others).float().mean()
    return torch.stack([is_zero.float().mean(), dead, nothing, nothing, nothing])


def growth(states: Tensor) -> Tensor:
    """How large states are at the end, and as a multiple of the beginning: [5], as of `shares`.

    Args:
        states: of every position, [n, length, features].
    """
    ends = states[:, [0, -1]].float().square().mean((0, 2)).sqrt()
    nothing = ends.new_zeros(())
    return torch.stack([nothing, nothing, nothing, ends[1], ends[1] / ends[0].clamp_min(TINY)])


def spread(inputs: Tensor) -> Tensor | None:
    """Farthest mean, largest and least spread of the inputs' features; None for tokens: [3].

    Pictures and sequences count as one feature each.
    """
    if not inputs.is_floating_point() or not inputs.numel():
        return None
    rows = inputs.float() if inputs.dim() == 2 else inputs.float().reshape(-1, 1)
    deviation, mean = torch.std_mean(rows, dim=0, correction=0)
    return torch.stack([mean.abs().amax(), deviation.amax(), deviation.amin()])
