"""Several seeds: one after the other, and all together, on one thread."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import torch

from tests.bench.measure import Row, at_least, interleaved, ratio, summarize
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.seeds.seed_group import SeedGroup
from tuilab.engine.seeds.together import find_obstacle, find_obstacle_of
from tuilab.engine.seeds.train_together import GroupTraining
from tuilab.engine.session import Session
from tuilab.engine.train import train

EXAMPLES, HELD_OUT, EPOCHS = 800, 200, 30
"""25 steps of 32 examples in each epoch, after which 200 are evaluated."""

ALONE = 2
"""Runs that are trained one after the other in each measurement; the time is per run."""

REPEATS = 3

NETWORKS = {
    "2-16-16-1": ["Linear 16", "ReLU", "Linear 16", "ReLU", "Linear 1"],
    "with dropout": ["Linear 16", "ReLU", "Dropout 0.1", "Linear 16", "ReLU", "Linear 1"],
    "with layer norm": ["Linear 16", "LayerNorm", "ReLU", "Linear 16", "ReLU", "Linear 1"],
}


def experiment_of(network: list[str], seed: int) -> Experiment:
    """Returns an experiment on two classes of points, with AdamW."""
    return experiment_from_dict(
        {
            "seed": seed, "network": network, "data": {"name": "moons", "batch_size": 32},
            "loss": {"name": "bce"}, "training": {"epochs": EPOCHS, "device": "cpu"},
        }
    )  # fmt: skip


def dataset_of(seed: int) -> Dataset:
    """Returns random points of two classes that a circle divides."""
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(EXAMPLES + 2 * HELD_OUT, 2, generator=generator)
    targets = (inputs.norm(dim=1) > 1.2).long()
    ends = [0, EXAMPLES, EXAMPLES + HELD_OUT, EXAMPLES + 2 * HELD_OUT]
    train_part, validation, test = (
        Examples(inputs[start:end], targets[start:end]) for start, end in pairwise(ends)
    )
    return Dataset(train_part, validation, test, classes=("in", "out"))


def make_session(network: list[str], seed: int) -> Session:
    """Returns a session at its first step."""
    experiment = experiment_of(network, seed)
    return Session(f"seed {seed}", experiment, dataset_of(seed), torch.device("cpu"))


def time_alone(network: list[str]) -> float:
    """Returns the microseconds of a step of one run, with reports and evaluations."""
    sessions = [make_session(network, seed) for seed in range(ALONE)]
    start = time.perf_counter()
    for session in sessions:
        for _ in train(session):
            pass
    return 1e6 * (time.perf_counter() - start) / sum(session.step for session in sessions)


def time_together(network: list[str], nets: int) -> float:
    """Returns the same for a step of all runs, divided by their number."""
    sessions, generators = [], []
    for seed in range(nets):
        sessions.append(make_session(network, seed))
        generators.append(torch.Generator())
        generators[-1].set_state(torch.get_rng_state())
    assert not (find_obstacle(sessions[0].experiment) or find_obstacle_of(sessions))
    start = time.perf_counter()
    for _ in GroupTraining(SeedGroup(sessions, generators)).run():
        pass
    return 1e6 * (time.perf_counter() - start) / sessions[0].step / nets


def rows() -> Iterator[Row]:
    """Yields the rows on several seeds."""
    torch.set_num_threads(1)
    for name, network in NETWORKS.items():
        loops = [
            partial(time_alone, network),
            partial(time_together, network, 32),
            partial(time_together, network, 128),
        ]
        for loop in loops:
            loop()
        alone, few, many = interleaved(REPEATS, *loops)
        for nets, together, bound in ((32, few, 15), (128, many, 30)):
            detail = f"{summarize(alone)} / {summarize(together, 1)} µs per step and network"
            yield at_least(
                f"seeds: {nets} networks {name}, AdamW: one by one / together",
                ratio(alone, together), bound, detail, "×",
            )  # fmt: skip
