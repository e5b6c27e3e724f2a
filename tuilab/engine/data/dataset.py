"""Data sets as tensors that live on the device; a batch is a slice of them."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

ProgressCallback = Callable[[str, float | None], None]
"""Takes what is being done and the fraction done, from 0 to 1 or None; it may raise to cancel."""

InputsAt = Callable[[Tensor], Tensor]
"""Maps coordinates of points, [n, 1 or 2], to the inputs of the network for them."""

IGNORE_INDEX = -100
"""The target of positions that losses and metrics ignore, as in torch's cross-entropy."""


@dataclass(slots=True)
class Examples:
    """Examples to train, validate or test on.

    Args:
        inputs: float [n, *shape], uint8 [n, channels, height, width] for images, or int64
            [n, length] for tokens.
        targets: int64 [n] classes or [n, *positions], or float [n, outputs].
        coordinates: the points that the inputs were computed from, [n, 1] or [n, 2], for plots.
        groups: int64 [n], the groups for which metrics are also reported.
        split_keys: [n], what decides a split: int64 groups that stay together, or float64 times.
    """

    inputs: Tensor
    targets: Tensor
    coordinates: Tensor | None = None
    groups: Tensor | None = None
    split_keys: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    def to(self, device: torch.device) -> "Examples":
        """Returns the same examples on a device."""
        return self._map(lambda tensor: _to_device(tensor, device))

    def select(self, indices: Tensor) -> "Examples":
        """Returns some of the examples, in the order of `indices`, int64 or bool [n]."""
        return self._map(lambda tensor: tensor[indices])

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Examples":
        others = (
            None if more is None else change(more)
            for more in (self.coordinates, self.groups, self.split_keys)
        )
        return Examples(change(self.inputs), change(self.targets), *others)


def _to_device(tensor: Tensor, device: torch.device) -> Tensor:
    """Returns a tensor on a device; overlapping windows remain views of one row there, too."""
    row = torch.empty(0, dtype=tensor.dtype, device=tensor.device).set_(tensor.untyped_storage())
    if tensor.numel() <= len(row):
        return tensor.to(device)
    return row.to(device).as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


@dataclass(slots=True)
class Dataset:
    """The training, validation and test set on one device.

    `validation` and `test` may be empty. Float inputs are normalized once, when the data set is
    loaded; images stay bytes and are normalized batch by batch.
    """

    train: Examples
    validation: Examples
    test: Examples
    classes: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    "The names of the groups for which metrics are also reported."
    shift: Tensor | None = None
    "For images: the mean of the bytes, [channels, 1, 1]."
    scale: Tensor | None = None
    "For images: one over the standard deviation of the bytes, [channels, 1, 1]."
    inputs_at: InputsAt | None = None
    "For data sets that can be plotted: maps coordinates [n, 1 or 2] to normalized inputs."
    bounds: tuple[float, ...] = ()
    "For data sets that can be plotted: left, right (, bottom, top)."
    vocabulary: tuple[str, ...] = ()
    "For texts: every token by its number."
    adjacency: Tensor | None = None
    "For graphs: float [nodes, nodes], 1 where there is an edge, symmetric, 0 on the diagonal."
    modes: Tensor | None = None
    "For mixtures of clouds: their centers as normalized inputs, [modes, 2]."
    mode_std: float = 0.0
    "The standard deviation of each cloud, in the unit of normalized inputs."
    remarks: tuple[str, ...] = ()
    "Sentences about the data set to show when it is loaded."

    @property
    def splits(self) -> dict[str, Examples]:
        """The three splits by their names."""
        return {"train": self.train, "validation": self.validation, "test": self.test}

    def prepare(self, inputs: Tensor) -> Tensor:
        """Returns inputs, [n, *shape] as stored, as the network takes them: normalized floats."""
        if self.shift is None or self.scale is None:
            return inputs
        return (inputs.float() - self.shift) * self.scale
