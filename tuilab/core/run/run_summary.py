"""The summary of a stored run: what a list of runs shows of it and filters by."""

from typing import Any

from msgspec import Struct, field

SPLITS = ("train", "validation", "test")


class MetricValue(Struct, frozen=True, array_like=True):
    """The values of one metric of a run."""

    last: float
    best: float
    "The smallest one of a loss or an error, else the largest one."


class RunSummary(Struct, frozen=True, kw_only=True):
    """What a list says of a stored run."""

    id: str
    name: str = ""
    "The one that the user gave it, else its title."
    title: str = ""
    "Of its experiment, else of its data."
    tags: tuple[str, ...] = ()
    note: str = ""
    state: str = ""
    """As the user reads it: `training`, `paused`, `done`, `stopped`, `failed`, `cut off`, `not
    saved`, `not answering`, `elsewhere`, `no history`, `unreadable`, ..."""
    is_active: bool = False
    "Whether a process trains it or holds it in memory."
    started: float = 0.0
    "When it was started first, in seconds since the epoch."
    changed: float = 0.0
    "When something of it was stored last, in seconds since the epoch."
    seconds: float = 0.0
    "Training time."
    step: int = 0
    epoch: int = 0
    "Epochs that have ended."
    epochs: int = 0
    "Epochs until its end."
    device: str = ""
    parameters: int = 0
    values: dict[str, MetricValue] = field(default_factory=dict)
    "By split and metric: `train.loss`, `validation.accuracy`, `test.accuracy`, ..."
    settings: dict[str, Any] = field(default_factory=dict)
    "The keys of its experiment that are not at their default, as `list_settings` returns them."
    parent: str = ""
    "The run that it branched from; empty if it did not."
    parent_step: int = 0
    group: str = ""
    "What the repeats of one experiment over several seeds share; empty if it is not repeated."
    problem: str = ""
    "Why it cannot be read, or what can be done; empty if all is well."


def find_value(summary: RunSummary, key: str) -> MetricValue | None:
    """Returns the values of a metric: `validation.accuracy`, or `accuracy` of held-out examples."""
    if key in summary.values:
        return summary.values[key]
    names = (f"{split}.{key}" for split in ("validation", "test", "train"))
    return next((summary.values[name] for name in names if name in summary.values), None)
