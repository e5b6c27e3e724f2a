"""The report on a collected data set: its class balance and its duplicates."""

import torch

from tuilab.core.catalogue.data.data_set import DataSet
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
    absent = describe_absent(train, validation, test, classes)
    return [*filter(None, [balance]), *absent, *describe_duplicates(train, validation, test)]


def describe_absent(
    train: Examples, validation: Examples, test: Examples, classes: tuple[str, ...]
) -> list[str]:
    """Names the classes that a set has no example of."""
    sentences = []
    names = (("training", train), ("validation", validation), ("test", test))
    for set_name, examples in names if classes else ():
        if not len(examples) or examples.targets.dim() != 1 or examples.targets.is_floating_point():
            continue
        counts = torch.bincount(examples.targets, minlength=len(classes)).tolist()
        absent = [name for name, count in zip(classes, counts, strict=True) if not count]
        if absent:
            listed = ", ".join(absent[:MAX_LISTED_CLASSES])
            more = len(absent) - MAX_LISTED_CLASSES
            tail = f" and {format_count(more)} more classes" if more > 0 else ""
            sentences.append(f"No example of {listed}{tail} is in the {set_name} set.")
    return sentences


def describe_keys(splits: tuple[Examples, Examples, Examples], data: DataSet) -> list[str]:
    """Describes a split by groups or by time."""
    column = getattr(data, "split_by", "")
    if data.split_name == "ordered":
        order = f'the order of "{column}"' if column else "their order"
        return [f"The rows are split in {order}: the last ones are the test set."]
    if data.split_name != "grouped":
        return []
    counts = [
        0 if examples.split_keys is None else len(torch.unique(examples.split_keys))
        for examples in splits
    ]
    train, validation, test = map(format_count, counts)
    return [
        f'The groups of "{column}" stay together: {train} to train on, {validation} for '
        f"validation, {test} in the test set."
    ]


def describe_balance(train: Examples, classes: tuple[str, ...]) -> str:
    """Describes the share of each class in the training set, or the rarest and the commonest."""
    if not len(train) or train.targets.dim() != 1:
        return ""
    counts = torch.bincount(train.targets, minlength=len(classes)).tolist()
    shares = [count / len(train) for count in counts]
    if len(classes) <= MAX_LISTED_CLASSES:
        pairs = zip(classes, shares, strict=True)
        listed = ", ".join(f"{name} {_describe_share(share)}" for name, share in pairs)
        return f"Classes in the training set: {listed}."
    rarest, largest = min(range(len(shares)), key=shares.__getitem__), max(counts)
    commonest = counts.index(largest)
    if counts[rarest] == largest:
        return f"{len(classes)} classes, each with {format_count(largest)} training examples."
    return (
        f"{len(classes)} classes, from {classes[rarest]} with {format_count(counts[rarest])} "
        f"training examples to {classes[commonest]} with {format_count(largest)}."
    )


def _describe_share(share: float) -> str:
    return "under 1%" if 0 < share < 0.005 else format_percent(share)


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
