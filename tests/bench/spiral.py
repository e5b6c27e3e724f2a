"""How soon the spiral preset reaches 99% on test points, over nine seeds."""

import statistics
import time
from collections.abc import Iterator

import torch

from tests.bench.measure import Row, at_least, summarize
from tests.support.datasets import CPU, ignore_progress
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import with_value
from tuilab.engine.data.load import load
from tuilab.engine.metrics.losses import predict_classes
from tuilab.engine.session import Session
from tuilab.engine.train import train

SEEDS = 9


def first_reach(seed: int) -> tuple[int, float] | None:
    """Returns steps and seconds until 99% of test points are correct; None if never."""
    experiment = with_value(toml_file.read(toml_file.find("spiral")), "seed", seed)
    session = Session("bench", experiment, load(experiment, CPU, ignore_progress), CPU)
    start = time.perf_counter()
    test = session.dataset.test
    for _ in train(session):
        if session.offset < len(session.dataset.train):
            continue
        accuracy = (predict_classes(session.predict(test.inputs)) == test.targets).float().mean()
        if accuracy >= 0.99:
            return session.step, time.perf_counter() - start
    return None


def rows() -> Iterator[Row]:
    """Yields the rows on the spiral preset."""
    torch.set_num_threads(1)
    first_reach(0)
    reached = [result for seed in range(SEEDS) if (result := first_reach(seed))]
    steps, seconds = [float(s) for s, _ in reached], [t for _, t in reached]
    yield at_least("spiral: seeds of 9 that reach 99% on test points", len(reached), SEEDS)
    yield Row("spiral: steps to 99%", statistics.median(steps), "", None, summarize(steps))
    yield Row(
        "spiral: seconds to 99%",
        statistics.median(seconds),
        "",
        None,
        summarize(seconds, 2),
        " s",
    )
