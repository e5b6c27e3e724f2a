"""Reproducible random numbers: one generator for each purpose, all from the experiment's seed."""

import hashlib

import torch
from torch import Generator, Tensor


def rng_for(seed: int, purpose: str) -> Generator:
    """Returns a generator for one purpose, so that no purpose shifts the numbers of another."""
    return Generator().manual_seed(seed_for(seed, purpose))


def seed_for(seed: int, purpose: str) -> int:
    """Returns the seed of one purpose: 32 bits, of which torch's generator on the CPU uses all."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big")


def uniform(low: float, high: float, shape: tuple[int, ...], generator: Generator) -> Tensor:
    """Draws uniformly distributed numbers, float of the given shape [...]."""
    return low + (high - low) * torch.rand(shape, generator=generator)
