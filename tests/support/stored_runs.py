"""Runs in folders, for the tests of what lists and changes them."""

from collections.abc import Sequence
from typing import Any

from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.events import AnyEvent, EpochEnded, Finished, Progressed, Started
from tuilab.host import run_store


def store_run(
    run: str,
    accuracies: Sequence[float] = (0.5, 0.9, 0.8),
    *,
    end: str = "done",
    time: float = 1_700_000_000.0,
    experiment: Experiment | None = None,
    **settings: Any,
) -> None:
    """Writes the folder of a run with these validation accuracies; `a__b` is the key `a.b`.

    Args:
        end: the reason of its end; empty for a run that was cut off.
        time: when it was started.
        experiment: what it trains, before the settings.
    """
    experiment = experiment or Experiment(title="Spiral")
    for key, value in settings.items():
        experiment = with_value(experiment, key.replace("__", "."), value)
    events: list[AnyEvent] = [
        Started(run, experiment, "cpu", 100, 10, {"train": 100}, time=time, targets=None)
    ]
    for epoch, accuracy in enumerate(accuracies, 1):
        events += epoch_events(run, epoch, accuracy)
    if end:
        steps, epochs = 10 * len(accuracies), len(accuracies)
        results = {"test": {"loss": 0.3, "accuracy": 0.7}}
        events.append(Finished(run, end, steps, epochs, 12.5, results))  # type: ignore[arg-type]
    folder = run_store.run_dir(run)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / run_store.LOG).write_bytes(b"".join(map(run_store.encode_event, events)))


def epoch_events(run: str, epoch: int, accuracy: float) -> list[AnyEvent]:
    """Returns what is stored of an epoch of ten steps."""
    step, loss = 10 * epoch, 1 - accuracy
    return [
        Progressed(
            run, step, epoch, loss, loss, loss, {"accuracy": accuracy}, 1e-3, 9.0, 90.0,
            2.0 * epoch, 1.0, points=[],
        ),
        EpochEnded(run, step, epoch, {"loss": loss}, {"loss": loss, "accuracy": accuracy}),
    ]  # fmt: skip


def append_events(run: str, events: Sequence[AnyEvent]) -> None:
    """Adds events to the log of a run."""
    for event in events:
        run_store.append_event(run_store.run_dir(run), event)
