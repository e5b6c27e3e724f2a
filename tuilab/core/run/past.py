"""A run as it was at a snapshot: what the panes show while one is traveled to."""

from itertools import takewhile

from msgspec.structs import replace

from tuilab.core.protocol.events import EpochEnded
from tuilab.core.run.run import Run


def as_shown(run: Run) -> Run:
    """Returns the run as the views show it: now, or as it was at the snapshot.

    Its series are those of the whole run.
    """
    past = run.past
    if past is None:
        return run
    history = takewhile(lambda entry: entry[0] <= past.step, run.confusion_history)
    return replace(
        run,
        step=past.step,
        state="paused" if run.state in ("training", "finished", "failed") else run.state,
        experiment=past.experiment or run.experiment,
        epoch=_find_evaluation(run, past.step, past.epoch),
        confusion_history=list(history),
        finished=None,
        failure=None,
    )


def _find_evaluation(run: Run, step: int, epoch: int) -> EpochEnded | None:
    """Returns the newest values of all metrics at a step."""
    values: dict[str, dict[str, float]] = {"train": {}, "validation": {}}
    for name, series in run.series.items():
        metric, _, split = name.rpartition("/")
        if split in values:
            points = series.points(stop=step)
            if points:
                values[split][metric] = points[-1][1]
    if not any(values.values()):
        return None
    return EpochEnded(run.id, step, epoch, values["train"], values["validation"])
