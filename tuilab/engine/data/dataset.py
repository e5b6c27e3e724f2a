"""A data set as tensors that live on the device; a batch is a slice."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Report = Callable[[str, float | None], None]
"""Told what takes a while and how far it is, from 0 to 1; it may raise to cancel."""

InputsAt = Callable[[Tensor], Tensor]
"""Coordinates of points, [n, 1 or 2], to the inputs that a network gets for them."""


IGNORED = -100
"""The target of a position that counts for nothing, neither in a loss nor in a metric."""


@dataclass(slots=True)
class Part:
    """Examples to train, validate or test on.

    Args:
        inputs: float [n, *shape], uint8 [n, channels, height, width] for pictures, or int64
            [n, length] for tokens.
        targets: int64 [n] classes or [n, *positions], or float [n, outputs].
        coordinates: what the inputs were made from, where that can be drawn: [n, 1] or [n, 2].
        groups: int64 [n], where scores are told for each group of examples as well.
    """

    inputs: Tensor
    targets: Tensor
    coordinates: Tensor | None = None
    groups: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> "Part":
        """The same examples on a device."""
        there, groups = (
            None if more is None else more.to(device) for more in (self.coordinates, self.groups)
        )
        return Part(_moved(self.inputs, device), _moved(self.targets, device), there, groups)

    def at(self, indices: Tensor) -> "Part":
        """Some of the examples, in the order of `indices`."""
        there, groups = (
            None if more is None else more[indices] for more in (self.coordinates, self.groups)
        )
        return Part(self.inputs[indices], self.targets[indices], there, groups)


def _moved(tensor: Tensor, device: torch.device) -> Tensor:
    """The same numbers on a device; windows that overlap stay one row there, too."""
    row = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(tensor.untyped_storage())
    if tensor.numel() <= len(row):
        return tensor.to(device)
    return row.to(device).as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


@dataclass(slots=True)
class Source:
    """A data set as it was drawn or read: not yet split, normalized or on a device."""

    training: Part
    test: Part
    "May have no examples."
    inputs_at: InputsAt | None = None
    bounds: tuple[float, ...] = ()
    validation: Part | None = None
    "Where the set itself says what is held back: the end of a text, some nodes of a graph."
    vocabulary: tuple[str, ...] = ()
    adjacency: Tensor | None = None
    modes: Tensor | None = None
    spread: float = 0.0
    indicators: Tensor | None = None
    "Which inputs are 0 or 1 and stay so: bool, as many as there are features."
    remarks: tuple[str, ...] = ()
    "Sentences on what was made of a file."


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
    groups: tuple[str, ...] = ()
    "What the groups are called that scores are told of."
    shift: Tensor | None = None
    "For pictures: the mean, [channels, 1, 1], in units of bytes."
    scale: Tensor | None = None
    "For pictures: one over the spread."
    inputs_at: InputsAt | None = None
    "For sets that can be drawn: coordinates [n, 1 or 2] to normalized inputs."
    bounds: tuple[float, ...] = ()
    "For sets that can be drawn: left, right (, bottom, top)."
    vocabulary: tuple[str, ...] = ()
    "For texts: every token by its number."
    adjacency: Tensor | None = None
    "For graphs: float [nodes, nodes], 1 where there is an edge, symmetric, 0 on the diagonal."
    modes: Tensor | None = None
    "For sets of separate clouds: their middles as normalized inputs, [modes, 2]."
    spread: float = 0.0
    "The standard deviation of such a cloud each way, in the same unit."
    remarks: tuple[str, ...] = ()
    "Sentences on what there is to know of it before it is trained on."

    def prepared(self, inputs: Tensor) -> Tensor:
        """Inputs as the network takes them: float and normalized."""
        if self.shift is None or self.scale is None:
            return inputs
        return (inputs.float() - self.shift) * self.scale
