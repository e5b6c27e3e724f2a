"""The learning rate finder: the rate rises while a few steps are trained and put back.

Smith 2017 (arXiv 1506.01186): a good rate lies where the loss falls fastest.
"""

import time
from collections.abc import Iterator
from math import inf, isfinite, log

from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, create_default, name_of
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step

MIN_RATE, MAX_RATE, MAX_TRIALS = 1e-7, 10.0, 150
"""The first and the last learning rate, and how many are tried, evenly spaced in the logarithm."""

MAX_SECONDS = 10.0
"""The trials end after this time, with the points they have by then."""

SMOOTHING = 0.9
"""Weight of the losses before in the moving average of the losses."""

EXPLOSION = 4.0
"""A smoothed loss this many times the best one ends the trials."""

WINDOW = 15
"""Neighbors over which a slope is measured: one decade of rates has about nineteen."""

MIN_FALL = 0.05
"""A loss that falls by a smaller fraction of itself does not count as falling."""

START = 30
"""Trials at the lowest rates: their mean loss is that before the fall."""

FLAT_PART = 0.2
"""Part of the fall before which a slope is the noise of the batches."""

Point = tuple[float, float]
"""A learning rate and the smoothed loss before the step with it."""


def try_learning_rates(session: Session) -> Iterator[Point]:
    """Trains a little at ever higher rates; yields a point for each and restores the session."""
    if name_of(session.experiment.optimizer) == "lbfgs":
        raise InputError("L-BFGS chooses the length of its steps itself", "optimizer.lr")
    if name_of(session.experiment.task) in ("gan", "perceptron"):
        problem = "the loss of this task cannot compare learning rates"
        raise InputError(problem, "task")
    end = time.monotonic() + MAX_SECONDS
    with preserving(session):
        for point in raise_learning_rate(session):
            yield point
            if time.monotonic() > end:
                return


def raise_learning_rate(session: Session) -> Iterator[Point]:
    """Trains at ever higher rates, which changes the session; yields a point for each."""
    mean, best = 0.0, inf
    constant = replace(session.experiment, schedule=create_default("schedule", "constant"))
    for number in range(MAX_TRIALS):
        rate = MIN_RATE * (MAX_RATE / MIN_RATE) ** (number / (MAX_TRIALS - 1))
        session.experiment = _with_rate(constant, rate)
        loss, _, _ = training_step(session, *session.advance_to_batch(), UNOBSERVED)
        mean = SMOOTHING * mean + (1 - SMOOTHING) * float(loss)
        smooth = mean / (1 - SMOOTHING ** (number + 1))
        if not isfinite(smooth) or (number > MAX_TRIALS // 10 and smooth > EXPLOSION * best):
            return
        best = min(best, smooth)
        yield rate, smooth


def _with_rate(experiment: Experiment, rate: float) -> Experiment:
    return replace(experiment, optimizer=replace(experiment.optimizer, lr=rate))


def suggest_learning_rate(points: list[Point]) -> float | None:
    """Returns the rate where the loss falls fastest over the log of the rate; None if nowhere.

    Slopes are those of straight lines through `WINDOW` neighbors, and only those of the fall itself
    are compared: from the last loss that is still near the first ones to the lowest one.
    """
    if len(points) < START + WINDOW:
        return None
    first, losses = _mean_loss(points[:START]), [loss for _, loss in points]
    lowest = min(range(START, len(points)), key=losses.__getitem__)
    if losses[lowest] > (1 - MIN_FALL) * first:
        return None
    high = first - FLAT_PART * (first - losses[lowest])
    begin = max(i for i in range(lowest) if losses[i] >= high)
    half = WINDOW // 2
    end = min(lowest, len(points) - half - 1)
    middles = range(min(max(begin, half), end), end + 1)
    return points[min(middles, key=lambda i: _slope(points[i - half : i + half + 1]))][0]


def _mean_loss(points: list[Point]) -> float:
    return sum(loss for _, loss in points) / len(points)


def _slope(points: list[Point]) -> float:
    """Returns the slope of the least squares line, loss over the logarithm of the rate."""
    logs = [log(rate) for rate, _ in points]
    middle, level = sum(logs) / len(logs), _mean_loss(points)
    rise = sum((x - middle) * (loss - level) for x, (_, loss) in zip(logs, points, strict=True))
    return rise / sum((x - middle) ** 2 for x in logs)
