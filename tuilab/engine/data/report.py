"""What there is to say of a collected set: how balanced it is, and what is in it twice."""

import torch

from tuilab.engine.data.dataset import Part

MOST_NAMED = 6
"""Classes up to which the share of each is told."""


def account(train: Part, validation: Part, test: Part, classes: tuple[str, ...]) -> list[str]:
    """Sentences on the parts as they are trained on."""
    told = [balance(train, classes)] if classes else []
    return [*filter(None, told), *repetitions(train, validation, test)]


def balance(train: Part, classes: tuple[str, ...]) -> str:
    """The share of each class among the training examples, or of the rarest and commonest."""
    if not len(train) or train.targets.dim() != 1:
        return ""
    counts = torch.bincount(train.targets, minlength=len(classes)).tolist()
    shares = [100 * count / len(train) for count in counts]
    if len(classes) <= MOST_NAMED:
        parts = [f"{name} {share:.0f} %" for name, share in zip(classes, shares, strict=True)]
        return f"Classes to train on: {', '.join(parts)}."
    low, high = min(range(len(shares)), key=shares.__getitem__), max(counts)
    common = counts.index(high)
    if counts[low] == high:
        return f"{len(classes)} classes, all with {high:,} examples to train on."
    return (
        f"{len(classes)} classes, from {classes[low]} with {counts[low]:,} examples to train on "
        f"to {classes[common]} with {high:,}."
    )


def repetitions(train: Part, validation: Part, test: Part) -> list[str]:
    """How many examples that are held back are among those to train on as well."""
    known = set(_fingerprints(train))
    told = []
    for name, part in (("validation", validation), ("test", test)):
        twice = sum(each in known for each in _fingerprints(part))
        if twice:
            told.append(
                f"{twice:,} of {len(part):,} {name} examples are in the training part as well "
                "and measure memory."
            )
    return told


def _fingerprints(part: Part) -> list[int]:
    """A number for each example: the same for the same inputs."""
    rows = part.inputs.flatten(1).contiguous().numpy()
    return [hash(row.tobytes()) for row in rows]
