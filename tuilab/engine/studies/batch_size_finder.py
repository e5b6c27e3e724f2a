"""The batch size finder: larger and larger batches are trained on, timed and put back."""

import time
from collections.abc import Iterator
from statistics import median

from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.engine.device import memory
from tuilab.engine.preserve import preserving
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step

MAX_TRIALS = 16
"""Batch sizes that are tried, each twice the one before."""

MAX_SECONDS = 10.0
"""The trials end after this time, with the points they have by then."""

GOOD_SPEED = 0.9
"""The smallest batch with this fraction of the highest speed is suggested."""

Point = tuple[float, float]
"""A batch size and its examples per second."""


def try_batch_sizes(session: Session) -> Iterator[Point]:
    """Trains a little with ever larger batches; yields their points and restores the session."""
    if "batch_size" not in session.experiment.data.__struct_fields__:
        raise InputError("this data is a single example: there is no batch to choose", "data")
    count, size = len(session.dataset.train), max(session.min_batch_size, 8)
    end, fastest, slower = time.monotonic() + MAX_SECONDS, 0.0, 0
    with preserving(session):
        experiment = session.experiment
        for _ in range(MAX_TRIALS):
            size = min(size, count)
            data = replace(experiment.data, batch_size=size)
            session.experiment, session.offset = replace(experiment, data=data), 0
            speed = _measure_speed(session, size)
            if speed is None:
                memory.free_memory()
                return
            yield size, speed
            slower = slower + 1 if speed < fastest * 1.05 else 0
            fastest = max(fastest, speed)
            if size == count or slower == 3 or time.monotonic() > end:
                return
            size *= 2


def _measure_speed(session: Session, size: int) -> float | None:
    """Returns the examples per second of the median step; None if memory does not suffice."""
    seconds: list[float] = []
    try:
        _step(session)  # the first one prepares
        while len(seconds) < 3 or (len(seconds) < 30 and sum(seconds) < 0.2):
            session.offset = 0
            start = time.perf_counter()
            _step(session)
            seconds.append(time.perf_counter() - start)
    except (RuntimeError, MemoryError) as error:
        if not memory.is_out_of_memory(error):
            raise
        return None
    return size / median(seconds)


def _step(session: Session) -> None:
    loss, _, _ = training_step(session, *session.advance_to_batch(), UNOBSERVED)
    float(loss)  # waits for the device


def suggest_batch_size(points: list[Point]) -> float | None:
    """Returns the smallest batch that is nearly as fast as the fastest; None without points."""
    fastest = max((speed for _, speed in points), default=0.0)
    return next((size for size, speed in points if speed >= GOOD_SPEED * fastest), None)
