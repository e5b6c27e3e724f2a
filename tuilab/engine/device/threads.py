"""How many CPU threads a training step uses.

PyTorch uses one thread per core, and each waits for the others by spinning. For a small step that
is no faster, and beside another busy program many times slower, because the threads then spin
while they wait for a core that is in use.
"""

from math import prod

import torch

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.layer import Shape

ALL_THREADS = torch.get_num_threads()
"""PyTorch's default, or `OMP_NUM_THREADS`."""

MIN_PARALLEL_WORK = 1_000_000
"""Multiplications in a forward pass below which a second thread gained nothing, as measured."""


def thread_count(experiment: Experiment, batch_size: int) -> int:
    """Returns 1 for a small step, else all threads; it depends on the experiment only."""
    return 1 if batch_size * count_multiplications(experiment) < MIN_PARALLEL_WORK else ALL_THREADS


def count_multiplications(experiment: Experiment) -> int:
    """Returns the multiplications for one example: each weight times the positions that use it."""
    return sum(
        row.parameters * max(_position_count(row.input), _position_count(row.output))
        for row in experiment.plan.rows
        if not row.depth
    )


def _position_count(shape: Shape | None) -> int:
    """Returns the pixels of an image [channels, height, width], steps of a sequence, else 1."""
    if shape is None or len(shape) < 2:
        return 1
    return prod(shape[1:]) if len(shape) > 2 else shape[0]
