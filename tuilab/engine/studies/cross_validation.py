"""Cross-validation: the same experiment, each time on other parts of its examples."""

from collections.abc import Iterator

import torch

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Failed
from tuilab.engine.data.dataset import Report
from tuilab.engine.data.load import load
from tuilab.engine.data.split import Fold
from tuilab.engine.session import Session
from tuilab.engine.train import train

Result = dict[str, float]


def validated(
    experiment: Experiment, folds: int, repeats: int, device: torch.device, report: Report
) -> Iterator[Result | None]:
    """Train on each fold in turn: its validation loss and metrics; None between batches.

    Args:
        folds: so many parts, each of which is held back once; the test examples stay untouched.
        repeats: where it is not 0, so many random parts are held back instead.
    """
    rounds = repeats or folds
    if not repeats and folds < 2:
        raise InputError("there must be two folds or more", "folds")
    if repeats and not experiment.data.validation:
        raise InputError("nothing is held back; set it above 0", "data.validation")
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):  # a run that waits meanwhile finds its chance again
        for number in range(rounds):
            dataset = load(experiment, device, report, Fold(number, 0 if repeats else folds))
            session = Session(f"fold {number + 1}", experiment, dataset, device)
            for event in train(session):
                if isinstance(event, Failed):
                    raise InputError(f"{event.title}. {event.hint}", session.run)
                done = min(session.passed / experiment.training.epochs, 1)
                report(f"Fold {number + 1} of {rounds}", (number + done) / rounds)
                yield None
            yield _result(session)


def _result(session: Session) -> Result:
    evaluation = session.evaluate(session.dataset.validation)
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            return dict(end.value)
