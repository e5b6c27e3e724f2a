"""Which examples are trained on and which are held back."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Part
from tuilab.engine.data.rng import rng_for


@dataclass(frozen=True, slots=True)
class Fold:
    """One round of a cross-validation: what is held back in it."""

    number: int
    of: int
    "So many parts, each held back once; 0: a random part anew in each round."


def split(
    examples: Part, validation: float, seed: int, fold: Fold | None = None
) -> tuple[Part, Part]:
    """Shuffle, then hold back a part; at least one example stays to train on.

    Args:
        fold: what is held back instead, in a cross-validation.
    """
    if fold is not None and fold.of:
        return _folded(examples, seed, fold)
    count = len(examples)
    held = min(round(count * validation), count - 1)
    chance = rng_for(seed, "validation" if fold is None else f"validation {fold.number}")
    order = torch.randperm(count, generator=chance)
    return examples.at(order[held:]), examples.at(order[:held])


def _folded(examples: Part, seed: int, fold: Fold) -> tuple[Part, Part]:
    """One of `fold.of` parts held back; each has nearly the same share of every class."""
    if fold.of > len(examples):
        raise InputError(f"{len(examples)} examples cannot be divided into {fold.of} folds")
    order = torch.randperm(len(examples), generator=rng_for(seed, "folds"))
    if examples.targets.dim() == 1 and not examples.targets.is_floating_point():
        order = order[examples.targets[order].argsort(stable=True)]
    part = torch.empty_like(order)
    part[order] = torch.arange(len(order)) % fold.of
    return examples.at(_where(part != fold.number)), examples.at(_where(part == fold.number))


def _where(wanted: Tensor) -> Tensor:
    return wanted.nonzero()[:, 0]
