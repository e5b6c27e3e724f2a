"""Labels of layers with parameters: `2 Linear`; with a role inside of a block, `4 Linear (qkv)`."""

import re
from collections.abc import Iterable

_ROLE = re.compile(r" \([^()]*\)")


def make_label(number: int, name: str, role: str = "") -> str:
    """Returns the label of a layer.

    >>> make_label(4, "Linear", "qkv")
    '4 Linear (qkv)'
    """
    return f"{number} {name} ({role})" if role else f"{number} {name}"


def strip_role(label: str) -> str:
    """Returns a label without the role: that of runs and lessons from before layers had roles.

    >>> strip_role("ReLU after 7 Linear (mlp 1)")
    'ReLU after 7 Linear'
    """
    return _ROLE.sub("", label)


def find_label(label: str, labels: Iterable[str]) -> str | None:
    """Returns which of the labels is meant, with or without its role; None if none of them is."""
    choices = list(labels)
    if label in choices:
        return label
    return next((choice for choice in choices if strip_role(choice) == label), None)
