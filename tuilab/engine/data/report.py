"""The report on a collected data set: its class balance and its duplicates."""

import torch

from tuilab.core.format import format_count, format_percent
from tuilab.engine.data.dataset import Examples
from tuilab.engine.data.leakage import hash_rows

MAX_LISTED_CLASSES = 6
"""The number of classes up to which the share of each is listed."""


def describe_splits(
    train: Examples, validation: Examples, test: Examples, classes: tuple[str, ...]
) -> list[str]:
    """Returns sentences on the training, validation and test set."""
    balance = describe_balance(train, classes) if classes else ""
    return [*filter(None, [balance]), *describe_duplicates(train, validation, test)]


def describe_balance(train: Examples, classes: tuple[str, ...]) -> str:
    """Describes the share of each class in the training set, or the rarest and the commonest."""
    if not len(train) or train.targets.dim() != 1:
        return ""
    counts = torch.bincount(train.targets, minlength=len(classes)).tolist()
    shares = [count / len(train) for count in counts]
    if len(classes) <= MAX_LISTED_CLASSES:
        pairs = zip(classes, shares, strict=True)
        listed = ", ".join(f"{name} {format_percent(share)}" for name, share in pairs)
        return f"Classes in the training set: {listed}."
    rarest, largest = min(range(len(shares)), key=shares.__getitem__), max(counts)
    commonest = counts.index(largest)
    if counts[rarest] == largest:
        return f"{len(classes)} classes, each with {format_count(largest)} training examples."
    return (
        f"{len(classes)} classes, from {classes[rarest]} with {format_count(counts[rarest])} "
        f"training examples to {classes[commonest]} with {format_count(largest)}."
    )


def describe_duplicates(train: Examples, validation: Examples, test: Examples) -> list[str]:
    """Counts the validation and test examples that are also in the training set."""
    known = set(hash_rows(train.inputs))
    sentences = []
    for name, held_out in (("validation", validation), ("test", test)):
        duplicates = sum(row in known for row in hash_rows(held_out.inputs))
        if duplicates:
            sentences.append(
                f"{format_count(duplicates)} of {format_count(len(held_out))} {name} examples are "
                "also in the training set, so they measure memorization."
            )
    return sentences
