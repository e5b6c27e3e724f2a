"""The split of examples into training, validation and test sets.

At random, with every class in every set, with groups that stay together, or in order of time.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from tuilab.core.catalogue.data.data_set import SplitName
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.rng import rng_for

BINS = 10
"""Bins of a numeric target that a stratified split has in every set."""

TRIES = 30
"""Draws of groups, until every class is in the training set."""

Indices = tuple[Tensor, Tensor]
"""Which examples stay and which are held out: int64 [n] and [m]."""


@dataclass(frozen=True, slots=True)
class Fold:
    """One round of a cross-validation, which decides what is held out in it."""

    number: int
    of: int
    "The number of folds, each held out once; 0: another random split in each round."


def split(
    examples: Examples,
    validation: float,
    seed: int,
    fold: Fold | None = None,
    how: SplitName = "random",
) -> tuple[Examples, Examples]:
    """Shuffles the examples and holds out a fraction; at least one stays to train on.

    Args:
        fold: in a cross-validation, what is held out instead.
        how: which examples are held out.

    Returns:
        The training set and the validation set.
    """
    if fold is not None and how == "ordered" and not fold.of:
        problem = "an ordered split is the same in every round; use folds instead of repetitions"
        raise InputError(problem, "data.split")
    if fold is not None and fold.of:
        indices = _split_fold(examples, seed, fold, how)
    else:
        purpose = "validation" if fold is None else f"validation {fold.number}"
        indices = _hold_out(examples, validation, rng_for(seed, purpose), how, reserve=1)
    training_indices, held_out_indices = indices
    return examples.select(training_indices), examples.select(held_out_indices)


def split_test(
    examples: Examples,
    test: float,
    generator: Generator,
    how: SplitName = "random",
    *,
    reserve: int = 1,
) -> tuple[Examples, Examples]:
    """Holds out a test set and keeps the order; at least one example stays to train on.

    Args:
        reserve: the examples of a class, or the groups, that other sets need.

    Returns:
        The other examples and the test set.
    """
    training_indices, held_out_indices = _hold_out(examples, test, generator, how, reserve)
    return examples.select(training_indices.sort().values), examples.select(
        held_out_indices.sort().values
    )


def _hold_out(
    examples: Examples, fraction: float, generator: Generator, how: SplitName, reserve: int
) -> Indices:
    """Chooses which examples stay and which are held out."""
    if how == "grouped":
        return _split_groups(examples, fraction, generator, reserve)
    if how == "ordered":
        return _split_in_order(examples, fraction)
    indices = _random_split(len(examples), fraction, generator)
    strata = _find_strata(examples, how)
    if strata is None or not len(indices[1]):
        return indices
    if how == "auto" and _has_all_classes(strata, indices, reserve):
        return indices
    return _split_strata(strata, fraction, generator, reserve)


def _random_split(count: int, fraction: float, generator: Generator) -> Indices:
    """Draws which of a number of examples to keep and which to hold out."""
    held_out = min(round(count * fraction), count - 1)
    order = torch.randperm(count, generator=generator)
    return order[held_out:], order[:held_out]


# --- classes ------------------------------------------------------------------------------------


def _find_strata(examples: Examples, how: SplitName) -> Tensor | None:
    """Returns the class of each example, or the bin of its number: int64 [n]; None if neither."""
    targets = examples.targets
    if how == "random":
        return None
    if not targets.is_floating_point():
        return targets if targets.dim() == 1 else None
    if how == "auto" or targets[0].numel() != 1:
        return None
    ranks = torch.empty(len(targets), dtype=torch.int64)
    ranks[targets.flatten().argsort(stable=True)] = torch.arange(len(targets))
    return ranks * BINS // len(targets)


def _has_all_classes(strata: Tensor, indices: Indices, reserve: int) -> bool:
    """Returns whether each class is in both parts, as far as there are enough examples of it."""
    counts = torch.bincount(strata)
    trained, held_out = (torch.bincount(strata[part], minlength=len(counts)) for part in indices)
    is_trained = (trained >= counts.clamp(max=reserve)).all()
    is_held_out = ((held_out > 0) | (counts <= reserve)).all()
    return bool(is_trained and is_held_out)


def _split_strata(strata: Tensor, fraction: float, generator: Generator, reserve: int) -> Indices:
    """Holds out the same share of every class, and one example at least if there are enough."""
    counts = torch.bincount(strata)
    held_out_counts = _share_out(counts, fraction, reserve)
    order = torch.randperm(len(strata), generator=generator)
    by_class = order[strata[order].argsort(stable=True)]
    first = counts.cumsum(0) - counts
    ranks = torch.empty(len(strata), dtype=torch.int64)
    ranks[by_class] = torch.arange(len(strata)) - first[strata[by_class]]
    is_held_out = (ranks < held_out_counts[strata])[order]
    return order[~is_held_out], order[is_held_out]


def _share_out(counts: Tensor, fraction: float, reserve: int) -> Tensor:
    """Returns how many examples of each class are held out: int64 [classes]."""
    total = min(round(int(counts.sum()) * fraction), int(counts.sum()) - 1)
    quotas = counts.double() * total / counts.sum()
    highest = (counts - reserve).clamp(min=0)
    lowest = highest.clamp(max=1)
    shares = torch.minimum(torch.maximum(quotas.floor().long(), lowest), highest)
    while (missing := total - int(shares.sum())) != 0:
        can_change = shares < highest if missing > 0 else shares > lowest
        if not can_change.any():
            break
        gaps = (quotas - shares) * (1 if missing > 0 else -1)
        gaps[~can_change] = -torch.inf
        shares[gaps.argmax()] += 1 if missing > 0 else -1
    return shares


# --- groups and time ----------------------------------------------------------------------------


def _split_groups(
    examples: Examples, fraction: float, generator: Generator, reserve: int
) -> Indices:
    """Holds out whole groups; several draws, until every class is in the training set."""
    _, groups = torch.unique(_split_keys(examples), return_inverse=True)
    sizes = torch.bincount(groups)
    if len(sizes) < 2:
        raise InputError("all rows are of one group, so none can be held out", "data.split_by")
    target = fraction * len(groups)
    limit = max(0, len(sizes) - reserve)
    indices: Indices | None = None
    for _ in range(TRIES):
        is_held_out = _draw_groups(sizes, target, limit, generator)[groups]
        order = torch.randperm(len(groups), generator=generator)
        indices = order[~is_held_out[order]], order[is_held_out[order]]
        strata = _find_strata(examples, "auto")
        if strata is None or len(torch.unique(strata[indices[0]])) == len(torch.unique(strata)):
            break
    assert indices is not None
    return indices


def _draw_groups(sizes: Tensor, target: float, limit: int, generator: Generator) -> Tensor:
    """Draws groups until about as many examples as this are held out: bool [groups]."""
    is_held_out = torch.zeros(len(sizes), dtype=torch.bool)
    total = 0
    for group in torch.randperm(len(sizes), generator=generator).tolist():
        size = int(sizes[group])
        is_first = target > 0 and not is_held_out.any()
        is_closer = abs(total + size - target) < abs(total - target)
        if int(is_held_out.sum()) < limit and (is_closer or is_first):
            is_held_out[group] = True
            total += size
    return is_held_out


def _split_in_order(examples: Examples, fraction: float) -> Indices:
    """Holds out the last examples; those of the same time stay together."""
    keys = _order_keys(examples)
    order = keys.argsort(stable=True)
    first = len(order) - min(round(len(order) * fraction), len(order) - 1)
    return _cut(order, _move_to_change(keys[order], first))


def _order_keys(examples: Examples) -> Tensor:
    return torch.arange(len(examples)) if examples.split_keys is None else examples.split_keys


def _cut(order: Tensor, first: int) -> Indices:
    return order[:first], order[first:]


def _move_to_change(ordered: Tensor, first: int) -> int:
    """Returns the position nearest to `first` where a new time begins; the end if there is none."""
    if not 0 < first < len(ordered):
        return first
    changes = (ordered[1:] != ordered[:-1]).nonzero().flatten() + 1
    if not len(changes):
        return len(ordered)
    return int(changes[(changes - first).abs().argmin()])


def _split_keys(examples: Examples) -> Tensor:
    if examples.split_keys is None:
        raise InputError("name the column whose groups stay together", "data.split_by")
    return examples.split_keys.long()


# --- cross-validation ---------------------------------------------------------------------------


def _split_fold(examples: Examples, seed: int, fold: Fold, how: SplitName) -> Indices:
    """Holds out one of `fold.of` folds, which have nearly the same share of every class."""
    if how == "ordered":
        return _split_ordered_fold(examples, fold)
    if fold.of > len(examples):
        raise InputError(f"{len(examples)} examples cannot be divided into {fold.of} folds")
    generator = rng_for(seed, "folds")
    if how == "grouped":
        folds = _assign_groups(_split_keys(examples), fold.of, generator)
    else:
        order = torch.randperm(len(examples), generator=generator)
        if examples.targets.dim() == 1 and not examples.targets.is_floating_point():
            order = order[examples.targets[order].argsort(stable=True)]
        folds = torch.empty_like(order)
        folds[order] = torch.arange(len(order)) % fold.of
    return (folds != fold.number).nonzero().flatten(), (folds == fold.number).nonzero().flatten()


def _assign_groups(groups: Tensor, count: int, generator: Generator) -> Tensor:
    """Returns the fold of each example, int64 [n]; each group is in the fold that is smallest."""
    present, groups = torch.unique(groups, return_inverse=True)
    if count > len(present):
        raise InputError(f"{len(present)} groups cannot be divided into {count} folds")
    sizes = torch.bincount(groups)
    order = torch.randperm(len(sizes), generator=generator)
    order = order[sizes[order].argsort(descending=True, stable=True)]
    totals, folds = torch.zeros(count, dtype=torch.int64), torch.empty_like(sizes)
    for group in order.tolist():
        folds[group] = totals.argmin()
        totals[folds[group]] += sizes[group]
    return folds[groups]


def _split_ordered_fold(examples: Examples, fold: Fold) -> Indices:
    """Trains on everything before a stretch of time, and holds out the stretch."""
    keys = _order_keys(examples)
    order = keys.argsort(stable=True)
    ends = [len(order) * number // (fold.of + 1) for number in range(1, fold.of + 2)]
    ends = [_move_to_change(keys[order], end) for end in ends]
    first, last = ends[fold.number], ends[fold.number + 1]
    if not 0 < first < last:
        raise InputError(f"the rows cannot be divided into {fold.of} stretches of time")
    return order[:first], order[first:last]
