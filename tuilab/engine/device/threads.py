"""How many threads of the CPU a step is worth.

PyTorch takes one thread a core, and each waits for the others by spinning. A small step is no
faster for it, and beside one other busy program many times slower, as the threads then spin
for a core that is taken.
"""

from math import prod

import torch

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import plan

ALL = torch.get_num_threads()
"""What PyTorch takes, or what `OMP_NUM_THREADS` grants."""

WORTH = 1_000_000
"""Multiplications in a forward pass below which a second thread gained nothing when measured."""


def threads(experiment: Experiment, batch_size: int) -> int:
    """One for a small step, all there are for any other; the same whenever a run is repeated."""
    return 1 if batch_size * _work(experiment) < WORTH else ALL


def _work(experiment: Experiment) -> int:
    """Multiplications for one example: each weight counts at every place where it is used."""
    return sum(
        row.parameters * max(_places(row.input), _places(row.output))
        for row in plan(experiment.network, experiment.input).rows
        if not row.depth
    )


def _places(shape: Shape | None) -> int:
    """Pixels of a picture [channels, height, width], steps of a sequence, 1 for plain features."""
    if shape is None or len(shape) < 2:
        return 1
    return prod(shape[1:]) if len(shape) > 2 else shape[0]
