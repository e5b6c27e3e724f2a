"""A data set as tensors that live on the device; a batch is a slice."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(slots=True)
class Part:
    """Examples to train, validate or test on.

    Args:
        inputs: float [n, features], or uint8 [n, channels, height, width] for pictures.
        targets: int64 [n] classes, or float [n, outputs].
        coordinates: what the inputs were made from, where that can be drawn: [n, 1] or [n, 2].
    """

    inputs: Tensor
    targets: Tensor
    coordinates: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> "Part":
        """The same examples on a device."""
        there = None if self.coordinates is None else self.coordinates.to(device)
        return Part(self.inputs.to(device), self.targets.to(device), there)


@dataclass(slots=True)
class Dataset:
    """The three parts of a data set on one device.

    `validation` and `test` may have no examples. Float inputs are normalized once, when the
    set is loaded; pictures stay bytes and are normalized batch by batch.
    """

    train: Part
    validation: Part
    test: Part
    classes: tuple[str, ...] = ()
    shift: Tensor | None = None
    "For pictures: the mean, [channels, 1, 1], in units of bytes."
    scale: Tensor | None = None
    "For pictures: one over the spread."
    inputs_at: Callable[[Tensor], Tensor] | None = None
    "For sets that can be drawn: coordinates [n, 1 or 2] to normalized inputs."
    bounds: tuple[float, ...] = field(default=())
    "For sets that can be drawn: left, right (, bottom, top)."

    def prepared(self, inputs: Tensor) -> Tensor:
        """Inputs as the network takes them: float and normalized."""
        if self.shift is None or self.scale is None:
            return inputs
        return (inputs.float() - self.shift) * self.scale
