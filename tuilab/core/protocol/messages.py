"""Every command and every event, on one page.

Commands go to the worker, events come from it. Both are plain numbers, strings and lists:
never a tensor, never an exception. Events carry their run: a late one of another is ignored.
"""

from typing import Any, Literal

from msgspec import Struct, field

from tuilab.core.diagnosis.finding import Diagnosed
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.command import Command
from tuilab.core.protocol.event import Event, snake
from tuilab.core.protocol.inspect.result_messages import Picture
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.core.protocol.inspect.unions import AnySeen, AnyWanted
from tuilab.core.protocol.records import Activity, Device, Inputs, LayerStatistics


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

    wanted: AnyWanted


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


class Loading(Event, frozen=True, tag=snake):
    """Something takes a while: importing PyTorch, downloading or drawing data."""

    what: str
    fraction: float | None = None
    "From 0 to 1; None where it is not known; 1 when it is done."


class Ready(Event, frozen=True, tag=snake):
    """PyTorch is loaded; runs can begin."""

    devices: list[Device]
    versions: dict[str, str]


class Started(Event, frozen=True, tag=snake):
    """A run has its data, its network and its optimizer."""

    run: str
    experiment: Experiment
    device: str
    parameters: int
    batches: int
    "Batches in one epoch."
    examples: dict[str, int]
    "How many examples train, validation and test have."
    folder: str = ""
    step: int = 0
    note: str = ""
    "Anything to know, such as which layers kept their weights."
    repeated: float = 0.0
    "Share of the validation examples that are among those to train on as well."


class Progressed(Event, frozen=True, tag=snake):
    """What happened since the last report, about ten times a second."""

    run: str
    step: int
    epoch: float
    loss: float
    "Mean of the training loss over the steps since the last report."
    low: float
    high: float
    metrics: dict[str, float]
    "The task's metric on the newest training batches."
    lr: float
    steps_per_second: float
    examples_per_second: float
    seconds: float
    "Time spent training so far."
    left: float | None
    "Seconds to the end at this rate."
    memory: int = 0
    "Bytes this process holds."
    device_memory: int = 0


class Probed(Event, frozen=True, tag=snake):
    """Statistics of each layer at one step."""

    run: str
    step: int
    layers: list[LayerStatistics]
    activities: list[Activity] = field(default_factory=list)
    inputs: Inputs | None = None
    "None for tokens, and where no batch went through the whole network at once."


class EpochEnded(Event, frozen=True, tag=snake):
    """An evaluation at the end of an epoch (very short epochs: about ten a second)."""

    run: str
    step: int
    epoch: int
    train: dict[str, float]
    "Loss and metric over the epoch's batches, as they were met."
    validation: dict[str, float]
    "The same on the validation part; empty if there is none."
    counts: list[list[int]] = field(default_factory=list)
    "Its confusion matrix, counts[target][predicted], where the classes are not too many."


class Changed(Event, frozen=True, tag=snake):
    """A live knob has a new value; a mark on the charts."""

    run: str
    step: int
    key: str
    value: Any


class Paused(Event, frozen=True, tag=snake):
    """The run waits between two batches."""

    run: str
    step: int
    note: str = ""


class Resumed(Event, frozen=True, tag=snake):
    """The run goes on."""

    run: str
    step: int


class Rewound(Event, frozen=True, tag=snake):
    """The run is back at an earlier step; history after it no longer counts."""

    run: str
    step: int


class Saved(Event, frozen=True, tag=snake):
    """A checkpoint is on the disk."""

    run: str
    step: int
    path: str


class Finished(Event, frozen=True, tag=snake):
    """The run is over."""

    run: str
    reason: Literal["done", "stopped", "interrupted"]
    step: int
    epoch: int
    seconds: float
    results: dict[str, dict[str, float]]
    "Loss and metric of train, validation and test."


class Offer(Struct, frozen=True):
    """A way out that a failure proposes: what a key would do, and the commands that do it."""

    label: str
    commands: list[AnyCommand]


class Failed(Event, frozen=True, tag=snake):
    """Something went wrong, in the user's terms; the run waits if it can be recovered."""

    run: str
    title: str
    hint: str = ""
    detail: str = ""
    step: int = 0
    recoverable: bool = False
    offers: list[Offer] = field(default_factory=list)


class Found(Event, frozen=True, tag=snake):
    """What a search has seen; nothing of the run has changed."""

    run: str
    what: Literal["lr", "batch_size"]
    points: list[tuple[float, float]]
    "Learning rates with their smoothed loss, or batch sizes with their examples a second."
    suggestion: float | None
    note: str = ""


class Validated(Event, frozen=True, tag=snake):
    """A cross-validation so far: one entry for each round that is over."""

    results: list[dict[str, float]]
    of: int
    mean: dict[str, float]
    spread: dict[str, float]
    "Standard deviation between the rounds, with n − 1; 0 after the first."
    note: str = ""
    "Why there is nothing."


class Logged(Event, frozen=True, tag=snake):
    """A line that a library printed, or a note of the host's own."""

    text: str
    source: str = "host"


AnyEvent = (
    Loading | Ready | Started | Progressed | Probed | EpochEnded | Changed | Paused | Resumed
    | Rewound | Saved | Finished | Failed | Found | Validated | Logged | Picture | AnySeen
    | Assigned | Diagnosed
)  # fmt: skip
