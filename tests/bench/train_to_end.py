"""Trains experiments to their end, one thread each, and keeps their whole history."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from tests.support.datasets import CPU, ignore_progress
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Failed
from tuilab.core.run.run import Run
from tuilab.engine import progress
from tuilab.engine.data.load import load
from tuilab.engine.device import threads
from tuilab.engine.session import Session
from tuilab.engine.train import train

NEVER = 1e9
"""Seconds between two reports by the clock: what is recorded follows from steps alone."""

T = TypeVar("T")


class Trained(NamedTuple):
    """A run at its end, and the session that its checks take copies of."""

    run: Run
    session: Session


def train_to_end(experiment: Experiment) -> Trained:
    """Returns the run of an experiment with its whole history."""
    dataset = load(experiment, CPU, ignore_progress)
    session, run = Session("bench", experiment, dataset, CPU), Run()
    run.apply(session.started_event())
    for event in train(session):
        if event is not None:
            run.apply(event)
        if isinstance(event, Failed):
            return Trained(run, session)
    run.apply(session.finished_event("done"))
    return Trained(run, session)


def train_all(cases: Iterable[tuple[T, Experiment]]) -> Iterator[tuple[T, Trained]]:
    """Yields every case with the run of its experiment and the session."""
    before, all_threads = progress.REPORT_INTERVAL, threads.ALL_THREADS
    progress.REPORT_INTERVAL, threads.ALL_THREADS = NEVER, 1
    try:
        for case, experiment in cases:
            yield case, train_to_end(experiment)
    finally:
        progress.REPORT_INTERVAL, threads.ALL_THREADS = before, all_threads
