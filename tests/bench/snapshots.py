"""What snapshots cost while a run trains at its defaults: stretches of one run with and without."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.measure import Row, ratio, summarize
from tests.support.tiny_sessions import load_session
from tuilab.engine.session import Session
from tuilab.engine.train import train

STRETCHES = 40
"""Stretches of one run, every second one with snapshots: neighbors see the same machine."""

STRETCH_SECONDS = 1.0

NEVER = 1 << 40
"""A stride of steps that is never reached: no snapshots, and no copies to go back to."""

MLP: dict[str, Any] = {
    "network": ["Linear 64", "ReLU", "Linear 64", "ReLU", "Linear 3"],
    "data": {"name": "blobs", "centers": 3, "samples": 2000, "batch_size": 32},
}
CONVNET: dict[str, Any] = {
    "network": [
        "Conv2d 8 3", "BatchNorm2d", "ReLU", "MaxPool2d 2", "Conv2d 16 3", "ReLU", "Flatten",
        "Linear 10",
    ],
    "data": {"name": "glyphs", "samples": 1000, "batch_size": 50},
}  # fmt: skip
RUNS = {"an MLP": MLP, "a small convnet": CONVNET}


def measure_stretches(tables: dict[str, Any]) -> tuple[list[float], list[float], int]:
    """Trains one run; returns steps per second without and with snapshots, and how many it has."""
    session = load_session(tables, epochs=1_000_000)
    without: list[float] = []
    with_snapshots: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        session.snapshots.use_folder(Path(folder), 0)
        loop = train(session)
        for _ in range(400):  # the first steps, with the snapshots at 1, 2, 4, ...
            next(loop)
        stride = session.snapshots.schedule.stride
        for number in range(STRETCHES + 1):
            is_on = number % 2 == 1
            session.snapshots.schedule.stride = stride if is_on else NEVER
            speed = train_for(session, loop)
            stride = session.snapshots.schedule.stride if is_on else stride
            if number:  # the first stretch only warms up
                (with_snapshots if is_on else without).append(speed)
        loop.close()
    return without, with_snapshots, len(session.snapshots.steps)


def train_for(session: Session, loop: Iterator[object]) -> float:
    """Trains for a stretch of time, writing included; returns the steps per second."""
    start, first = time.perf_counter(), session.step
    while time.perf_counter() - start < STRETCH_SECONDS:
        next(loop)
    session.snapshots.finish_writing(10)
    return (session.step - first) / (time.perf_counter() - start)


def rows() -> Iterator[Row]:
    """Yields the rows on the cost of snapshots."""
    for name, tables in RUNS.items():
        without, with_snapshots, count = measure_stretches(tables)
        share = 100 * (ratio(without, with_snapshots) - 1)
        yield Row(
            f"snapshots: time that they add to {name}, {count} of them", share, "≤ 2%", share <= 2,
            f"{summarize(with_snapshots)} / {summarize(without)} steps/s", "%",
        )  # fmt: skip
