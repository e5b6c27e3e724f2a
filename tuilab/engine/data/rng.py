"""Reproducible random numbers: one generator for each purpose, all from the experiment's seed."""

import hashlib

import torch
from torch import Generator, Tensor


def rng_for(seed: int, purpose: str) -> Generator:
    """Returns a generator for one purpose, so that no purpose shifts the numbers of another."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=4).digest()
    return Generator().manual_seed(int.from_bytes(digest, "big"))


def uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draws uniformly distributed numbers, float of the given shape [...]."""
    return low + (high - low) * torch.rand(shape, generator=generator)
