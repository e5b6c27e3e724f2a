"""Chance that repeats: one generator for each purpose, all from the experiment's seed."""

import hashlib

import torch


def rng_for(seed: int, purpose: str) -> torch.Generator:
    """A generator of its own, so that drawing for one purpose never shifts another."""
    digest = hashlib.blake2b(f"{seed} {purpose}".encode(), digest_size=4).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big"))
