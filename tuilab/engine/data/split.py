"""The split of examples into training, validation and test sets."""

from dataclasses import dataclass

import torch
from torch import Generator

from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.rng import rng_for


@dataclass(frozen=True, slots=True)
class Fold:
    """One round of a cross-validation, which decides what is held out in it."""

    number: int
    of: int
    "The number of folds, each held out once; 0: another random split in each round."


def split(
    examples: Examples, validation: float, seed: int, fold: Fold | None = None
) -> tuple[Examples, Examples]:
    """Shuffles the examples and holds out a fraction; at least one stays to train on.

    Args:
        fold: in a cross-validation, what is held out instead.

    Returns:
        The training set and the validation set.
    """
    if fold is not None and fold.of:
        return _split_fold(examples, seed, fold)
    purpose = "validation" if fold is None else f"validation {fold.number}"
    training_indices, held_out_indices = _random_split(
        len(examples), validation, rng_for(seed, purpose)
    )
    return examples.select(training_indices), examples.select(held_out_indices)


def split_test(examples: Examples, test: float, generator: Generator) -> tuple[Examples, Examples]:
    """Holds out a random test set and keeps the order; at least one example stays to train on.

    Returns:
        The other examples and the test set.
    """
    training_indices, held_out_indices = _random_split(len(examples), test, generator)
    return examples.select(training_indices.sort().values), examples.select(
        held_out_indices.sort().values
    )


def _random_split(
    count: int, fraction: float, generator: Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Draws which of a number of examples to keep and which to hold out: int64 indices."""
    held_out = min(round(count * fraction), count - 1)
    order = torch.randperm(count, generator=generator)
    return order[held_out:], order[:held_out]


def _split_fold(examples: Examples, seed: int, fold: Fold) -> tuple[Examples, Examples]:
    """Holds out one of `fold.of` folds, which have nearly the same share of every class."""
    if fold.of > len(examples):
        raise InputError(f"{len(examples)} examples cannot be divided into {fold.of} folds")
    order = torch.randperm(len(examples), generator=rng_for(seed, "folds"))
    if examples.targets.dim() == 1 and not examples.targets.is_floating_point():
        order = order[examples.targets[order].argsort(stable=True)]
    folds = torch.empty_like(order)
    folds[order] = torch.arange(len(order)) % fold.of
    return examples.select(folds != fold.number), examples.select(folds == fold.number)
