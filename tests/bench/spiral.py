"""How soon the spiral preset reaches 99 % on unseen points, over nine seeds."""

import statistics
import time
from collections.abc import Iterator

import torch

from tests.bench.measure import Row, at_least, spread
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import with_value
from tuilab.engine.data.load import load
from tuilab.engine.metrics.losses import predict_classes
from tuilab.engine.session import Session
from tuilab.engine.train import train

SEEDS = 9


def first_reach(seed: int) -> tuple[int, float] | None:
    """Steps and seconds until 99 % of the test points are right; None if they never are."""
    experiment = with_value(toml_file.read(toml_file.find("spiral")), "seed", seed)
    place = torch.device("cpu")
    session = Session("bench", experiment, load(experiment, place, lambda *_: None), place)
    start = time.perf_counter()
    test = session.dataset.test
    for _ in train(session):
        if session.offset < len(session.dataset.train):
            continue
        right = (predict_classes(session.predict(test.inputs)) == test.targets).float().mean()
        if right >= 0.99:
            return session.step, time.perf_counter() - start
    return None


def rows() -> Iterator[Row]:
    """The part of the table on the spiral."""
    torch.set_num_threads(1)
    first_reach(0)
    reached = [found for seed in range(SEEDS) if (found := first_reach(seed))]
    steps, seconds = [float(s) for s, _ in reached], [t for _, t in reached]
    yield at_least("spiral: seeds of 9 that reach 99 % on unseen points", len(reached), SEEDS)
    yield Row("spiral: steps to 99 %", statistics.median(steps), "", None, spread(steps))
    yield Row(
        "spiral: seconds to 99 %", statistics.median(seconds), "", None, spread(seconds, 2), " s"
    )
