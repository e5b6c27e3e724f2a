"""How often the diagnosis is right: experiments broken on purpose, and sound ones."""

from collections import Counter
from collections.abc import Iterator

import torch

from tests.bench.broken import Case, broken, sound
from tests.bench.measure import Row
from tuilab.engine import pulse
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train
from tuilab.lab.experiment import Experiment
from tuilab.lab.messages import Failed
from tuilab.lab.run import Run

CPU = torch.device("cpu")

OFTEN = 0.02
"""Seconds between two reports here: runs of a second get as many as runs of ten would."""


def lived(experiment: Experiment) -> Run:
    """The whole history of a run."""
    dataset = load(experiment, CPU, lambda what, part: None)
    session = Session("bench", experiment, dataset, CPU)
    run = Run()
    run.apply(session.started())
    for event in train(session):
        if event is not None:
            run.apply(event)
        if isinstance(event, Failed):
            return run
    run.apply(session.finished("done"))
    return run


def history(cases: Iterator[Case]) -> Iterator[tuple[Case, Run]]:
    """Every case trained with every seed, with reports often enough for so short a run."""
    before, threads = pulse.INTERVAL, torch.get_num_threads()
    pulse.INTERVAL = OFTEN
    torch.set_num_threads(1)
    try:
        for case in cases:
            for experiment in case.experiments():
                yield case, lived(experiment)
    finally:
        pulse.INTERVAL = before
        torch.set_num_threads(threads)
