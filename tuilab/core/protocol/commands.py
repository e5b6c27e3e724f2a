"""Every command that the worker takes: plain numbers, strings and lists."""

from typing import Any, Literal

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.set_weight import Assign
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.protocol.message import Command


class Start(Command, frozen=True, tag=str.lower):
    """Begin a run: build its network and train, or wait untrained when `paused`."""

    run: str
    experiment: Experiment
    paused: bool = False
    keep: bool = False
    "Layers that the run before had too keep their weights."
    checkpoint: str = ""
    "Go on from this checkpoint file."


class Pause(Command, frozen=True, tag=str.lower):
    """Stop between two batches; the run stays."""


class Resume(Command, frozen=True, tag=str.lower):
    """Go on to the end, also after a failure that can be recovered from."""


class Step(Command, frozen=True, tag=str.lower):
    """Go on for so many batches or epochs, then pause."""

    steps: int = 0
    epochs: int = 0


class Stop(Command, frozen=True, tag=str.lower):
    """End the run: evaluate, save a checkpoint, finish."""

    reason: Literal["stopped", "interrupted"] = "stopped"


class Set(Command, frozen=True, tag=str.lower):
    """Change one live knob, such as `optimizer.lr`, without a reset."""

    key: str
    value: Any


class Rewind(Command, frozen=True, tag=str.lower):
    """Go back to the last good state and pause there."""


class Probe(Command, frozen=True, tag=str.lower):
    """Ask for one picture of the result: Surface, Curve or Confusion answers."""

    width: int = 40
    height: int = 20
    samples: int = 12
    "How many sample predictions."


class Inspect(Command, frozen=True, tag=str.lower):
    """Ask what one of the views inside is to show; nothing of the run changes."""

    request: AnyInspectRequest


class Save(Command, frozen=True, tag=str.lower):
    """Write a checkpoint now."""


class Find(Command, frozen=True, tag=str.lower):
    """Try learning rates or batch sizes on the run at hand, and put everything back."""

    what: Literal["lr", "batch_size"]


class Validate(Command, frozen=True, tag=str.lower):
    """Cross-validate an experiment: train it on other parts of its examples each time."""

    experiment: Experiment
    folds: int = 5
    repeats: int = 0
    "Where it is not 0: so many random parts are held back instead of folds."


class Cancel(Command, frozen=True, tag=str.lower):
    """End the search or the cross-validation in progress; the run is as it was."""


class Close(Command, frozen=True, tag=str.lower):
    """End the worker; a run in progress is stopped as `interrupted` first."""


AnyCommand = (
    Start | Pause | Resume | Step | Stop | Set | Rewind | Probe | Inspect | Save | Find
    | Validate | Cancel | Assign | Close
)  # fmt: skip
