"""Trials on the weights at hand that are taken back bit by bit: which learning rate, which batch.

Smith 2017 (arXiv 1506.01186) for the learning rate: let it rise while training, and look where
the loss falls fastest.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from math import inf, isfinite, log
from statistics import median

from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of, named
from tuilab.engine import checkpoint
from tuilab.engine.device import memory
from tuilab.engine.session import Session
from tuilab.engine.train import optimizer_step

LOWEST, HIGHEST, RATES = 1e-7, 10.0, 150
"""Learning rates tried, and how many between the first and the last."""

SIZES = 16
"""Batch sizes tried at most, each twice the one before."""

SECONDS = 10.0
"""A trial ends after so long, with what it has seen by then."""

SMOOTHING = 0.9
EXPLODED = 4.0
"""A smoothed loss so many times the best one ends the trial."""

WINDOW = 15
"""Neighbours over which a slope is measured: one decade of rates has about nineteen."""

LEAST_FALL = 0.05
"""A loss that falls by less of itself falls nowhere."""

MOST_GAIN = 0.9
"""The smallest batch with this part of the highest speed is suggested."""

Point = tuple[float, float]


@contextmanager
def taken_back(session: Session) -> Iterator[None]:
    """Whatever is trained inside, the session is afterwards as it was."""
    captured, experiment = checkpoint.state(session), session.experiment
    kept_rate = session.lr_used
    try:
        yield
    finally:
        session.experiment = experiment
        checkpoint.put_back(session, captured)
        session.lr_used = kept_rate


def learning_rates(session: Session) -> Iterator[Point]:
    """Train a little at ever higher rates: each rate with the smoothed loss before its step."""
    if name_of(session.experiment.optimizer) == "lbfgs":
        raise InputError("L-BFGS chooses the length of its steps itself", "optimizer.lr")
    if name_of(session.experiment.task) in ("gan", "perceptron"):
        problem = "the loss of this task does not tell one learning rate from another"
        raise InputError(problem, "task")
    end, mean, best = time.monotonic() + SECONDS, 0.0, inf
    with taken_back(session):
        plain = replace(session.experiment, schedule=named("schedule", "constant"))
        for number in range(RATES):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (RATES - 1))
            session.experiment = _at_rate(plain, rate)
            loss = _step(session)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            smooth = mean / (1 - SMOOTHING ** (number + 1))
            if not isfinite(smooth) or (number > RATES // 10 and smooth > EXPLODED * best):
                return
            best = min(best, smooth)
            yield rate, smooth
            if time.monotonic() > end:
                return


def _at_rate(experiment: Experiment, rate: float) -> Experiment:
    return replace(experiment, optimizer=replace(experiment.optimizer, lr=rate))


def _step(session: Session) -> float:
    """One step from the next batch, epochs in a row; the loss before it."""
    while (batch := session.next_batch()) is None:
        session.end_epoch()
    inputs, targets = batch
    session.set_rate()
    wanted = session.task.targets_for(inputs, targets)
    for turn in session.phases:
        loss, _ = optimizer_step(session, turn, inputs, wanted, None)
    session.step += 1
    session.offset += len(targets)
    return float(loss)


def steepest(points: list[Point]) -> float | None:
    """The rate around which the loss falls fastest over the logarithm of the rate; None if nowhere.

    Slopes are those of straight lines through `WINDOW` neighbours, so that the noise of single
    batches does not count, and none is looked for beyond the lowest loss.
    """
    lowest = min(range(len(points)), key=lambda i: points[i][1], default=0)
    if lowest < WINDOW or points[lowest][1] > (1 - LEAST_FALL) * _mean(points[:WINDOW]):
        return None
    half = WINDOW // 2
    places = range(half, min(lowest, len(points) - half - 1) + 1)
    return points[min(places, key=lambda i: _slope(points[i - half : i + half + 1]))][0]


def _mean(points: list[Point]) -> float:
    return sum(loss for _, loss in points) / len(points)


def _slope(points: list[Point]) -> float:
    """Of the straight line with the least squared error, loss over the logarithm of the rate."""
    logs = [log(rate) for rate, _ in points]
    middle, level = sum(logs) / len(logs), _mean(points)
    ups = sum((x - middle) * (loss - level) for x, (_, loss) in zip(logs, points, strict=True))
    return ups / sum((x - middle) ** 2 for x in logs)


def batch_sizes(session: Session) -> Iterator[Point]:
    """Train a little with ever larger batches: each size with its examples a second."""
    if "batch_size" not in session.experiment.data.__struct_fields__:
        raise InputError("this data is a single example: there is no batch to choose", "data")
    end, size, count = time.monotonic() + SECONDS, max(session.least, 8), len(session.dataset.train)
    fastest, slower = 0.0, 0
    with taken_back(session):
        whole = session.experiment
        for _ in range(SIZES):
            size = min(size, count)
            data = replace(whole.data, batch_size=size)
            session.experiment, session.offset = replace(whole, data=data), 0
            speed = _speed(session, size)
            if speed is None:
                memory.release()
                return
            yield size, speed
            slower = slower + 1 if speed < fastest * 1.05 else 0
            fastest = max(fastest, speed)
            if size == count or slower == 3 or time.monotonic() > end:
                return
            size *= 2


def _speed(session: Session, size: int) -> float | None:
    """Examples a second in the median step; None where memory is too short."""
    seconds: list[float] = []
    try:
        _step(session)  # the first one prepares
        while len(seconds) < 3 or (len(seconds) < 30 and sum(seconds) < 0.2):
            session.offset = 0
            start = time.perf_counter()
            _step(session)
            seconds.append(time.perf_counter() - start)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_exhausted(error):
            raise
        return None
    return size / median(seconds)


def enough(points: list[Point]) -> float | None:
    """The smallest batch that is nearly as fast as the fastest; None without any."""
    most = max((speed for _, speed in points), default=0.0)
    return next((size for size, speed in points if speed >= MOST_GAIN * most), None)
