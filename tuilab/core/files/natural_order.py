"""The order in which people count: class2 before class10."""

import re


def natural_key(name: str) -> tuple[tuple[str | int, ...], str]:
    """Returns a key that sorts numbers in names by their value.

    >>> sorted(["class10", "class2"], key=natural_key)
    ['class2', 'class10']
    """
    parts = re.split(r"(\d+)", name)  # texts and numbers in turn
    key = tuple(int(part) if index % 2 else part for index, part in enumerate(parts))
    return key, name  # 01 and 1 differ
