"""Cross-validation: the same experiment, each time with other examples held out."""

from collections.abc import Iterator

import torch

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Failed
from tuilab.engine.data.dataset import ProgressCallback
from tuilab.engine.data.load import load
from tuilab.engine.data.split import Fold
from tuilab.engine.preserve import preserving_random_state
from tuilab.engine.session import Session
from tuilab.engine.train import train

FoldResult = dict[str, float]
"""Validation loss and metrics by name."""


def cross_validate(
    experiment: Experiment,
    folds: int,
    repeats: int,
    device: torch.device,
    report: ProgressCallback,
) -> Iterator[FoldResult | None]:
    """Trains once for each fold; yields the fold's result after it, and None between batches.

    Args:
        folds: number of folds, each of which is held out once; the test examples stay untouched.
        repeats: unless it is 0, this many random validation sets are held out instead.
    """
    rounds = repeats or folds
    if not repeats and folds < 2:
        raise InputError("there must be two folds or more", "folds")
    if repeats and not experiment.data.validation:
        raise InputError("no examples are held out; set it above 0", "data.validation")
    with preserving_random_state(device):  # a run that waits meanwhile gets its numbers back
        for number in range(rounds):
            dataset = load(experiment, device, report, Fold(number, 0 if repeats else folds))
            session = Session(f"fold {number + 1}", experiment, dataset, device)
            for event in train(session):
                if isinstance(event, Failed):
                    raise InputError(f"{event.title}. {event.hint}", session.run)
                done = min(session.epochs_done / experiment.training.epochs, 1)
                report(f"Fold {number + 1} of {rounds}", (number + done) / rounds)
                yield None
            yield session.measure(session.dataset.validation)
