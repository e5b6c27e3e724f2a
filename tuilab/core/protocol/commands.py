"""Every command that the worker takes: plain numbers, strings and lists."""

from typing import Any, Literal

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.set_weight import SetWeight
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.protocol.message import Command


class Start(Command, frozen=True):
    """Starts a run: builds its network and trains it, or waits untrained when `paused`."""

    run: str
    experiment: Experiment
    paused: bool = False
    keep: bool = False
    "Layers that the previous run has too keep their weights."
    checkpoint: str = ""
    "Path of the checkpoint file to continue from."
    is_paced: bool = False
    "Whether to keep to `training.pace`; without a screen there is no one to watch."
    accepts_changed_data: bool = False
    "Whether a run goes on from its checkpoint although its data is not what it began with."
    group: str = ""
    "The id that runs share which differ in their seed only; empty for a single run."
    parent: str = ""
    "The run that this one branches off, from its state at `parent_step`; empty: from none."
    parent_step: int = 0


class Pause(Command, frozen=True):
    """Stops between two batches; the run can be resumed."""


class Resume(Command, frozen=True):
    """Trains to the end, also after a recoverable failure."""


class Step(Command, frozen=True):
    """Trains for this many batches or epochs, then pauses."""

    steps: int = 0
    epochs: int = 0


class Stop(Command, frozen=True):
    """Ends the run: evaluates, saves a checkpoint, finishes."""

    reason: Literal["stopped", "interrupted"] = "stopped"


class SetKnob(Command, frozen=True):
    """Changes one live knob, such as `optimizer.lr`, without a restart."""

    key: str
    value: Any


class Rewind(Command, frozen=True):
    """Goes back to the last good state and pauses there."""


class Travel(Command, frozen=True):
    """Shows the run as it was at the snapshot nearest to a step; what trains goes on.

    Until it comes back to now, requests of the views are answered for that snapshot.
    """

    step: int | None = None
    "None: back to now."


class KeepSnapshot(Command, frozen=True):
    """Takes a snapshot of the run now, and writes it before it is reported."""


class Inspect(Command, frozen=True):
    """Asks for what one view shows; the run does not change."""

    request: AnyInspectRequest


class Save(Command, frozen=True):
    """Writes a checkpoint now."""


class Find(Command, frozen=True):
    """Searches for a learning rate or a batch size; the run in progress does not change."""

    what: Literal["lr", "batch_size"]
    from_current_weights: bool = False
    "Whether to start from the weights of the run instead of new ones."
    experiment: Experiment | None = None
    "The experiment to measure, with new weights; None: that of the run."


class Check(Command, frozen=True):
    """Checks on copies of a run what its history cannot show; the run does not change.

    It must not be training. Any later command except `Inspect` cancels the checks.
    """


class CrossValidate(Command, frozen=True):
    """Trains an experiment several times, each time with another validation set."""

    experiment: Experiment
    folds: int = 5
    repeats: int = 0
    "If not 0, the number of random validation sets to use instead of folds."


class TrainSeeds(Command, frozen=True):
    """Trains an experiment once for each seed; the run in progress waits meanwhile.

    Each seed is a run with a folder of its own.
    """

    experiment: Experiment
    seeds: tuple[int, ...]


class Cancel(Command, frozen=True):
    """Cancels what is done beside the run, which is unchanged: a search, checks, seeds, ..."""


class SetAlerts(Command, frozen=True):
    """Says of what the host notifies the user, in this run and in those that it starts later."""

    requests: list[str]
    "`end`, or conditions such as `validation.accuracy>0.95`; any of them includes the end."
    adds: bool = False
    "Whether earlier requests stay."


class Close(Command, frozen=True):
    """Ends the worker; a run in progress is first stopped as `interrupted`."""


AnyCommand = (
    Start | Pause | Resume | Step | Stop | SetKnob | Rewind | Inspect | Save | Find
    | Check | CrossValidate | TrainSeeds | Cancel | SetWeight | SetAlerts | Close | Travel
    | KeepSnapshot
)  # fmt: skip
