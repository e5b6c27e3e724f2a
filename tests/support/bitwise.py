"""Comparison of nested structures of tensors, bit by bit."""

from typing import Any

import torch


def find_differences(one: Any, other: Any, path: str = "") -> list[str]:
    """Returns the paths at which two structures do not hold the same bits."""
    if type(one) is not type(other):
        return [path]
    if isinstance(one, torch.Tensor):
        is_same = one.dtype == other.dtype and one.shape == other.shape
        # Bits and not numbers: NaN is equal to itself, and 0 is not -0.
        return [] if is_same and to_bytes(one) == to_bytes(other) else [path]
    if isinstance(one, dict):
        if one.keys() != other.keys():
            return [f"{path} {sorted(map(str, one.keys() ^ other.keys()))}"]
        return [d for key in one for d in find_differences(one[key], other[key], f"{path}.{key}")]
    if isinstance(one, list | tuple):
        if len(one) != len(other):
            return [path]
        pairs = enumerate(zip(one, other, strict=True))
        return [d for at, pair in pairs for d in find_differences(*pair, f"{path}[{at}]")]
    return [] if one == other else [path]


def to_bytes(tensor: torch.Tensor) -> bytes:
    """Returns the memory of a tensor, row by row."""
    return bytes(tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
