"""Sizes in bytes as people write them: `512 MB`, `1.5 GiB`, `off`."""

import re

from tuilab.core.errors import InputError

UNITS = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40,
}  # fmt: skip

_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*([a-z]+)")


def parse_byte_size(text: str) -> int:
    """Returns a number of bytes; 0 for `off`.

    >>> parse_byte_size("1.5 kB"), parse_byte_size("2 MiB"), parse_byte_size("off")
    (1500, 2097152, 0)

    Raises:
        InputError: the text is neither a size nor `off`.
    """
    word = text.strip().lower()
    if word in ("off", "0"):
        return 0
    match = _SIZE.fullmatch(word)
    if match is None or match[2] not in UNITS:
        raise InputError(f'"{text}" is not a size; write it as 512 MB, 2 GB or off')
    return round(float(match[1]) * UNITS[match[2]])
