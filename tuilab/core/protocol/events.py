"""Every event that the worker reports: plain numbers, strings and lists.

Never a tensor, never an exception. Events carry their run: a late one of another is ignored.
"""

from typing import Any, Literal

from msgspec import Struct, field

from tuilab.core.diagnosis.finding import Diagnosed
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.inspect.result_messages import Picture
from tuilab.core.protocol.inspect.set_weight import Assigned
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.message import Event, snake
from tuilab.core.protocol.records import Activity, Device, Inputs, LayerStatistics


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


class LayerStatsReported(Event, frozen=True, tag=snake):
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
    Loading | Ready | Started | Progressed | LayerStatsReported | EpochEnded | Changed | Paused | Resumed
    | Rewound | Saved | Finished | Failed | Found | Validated | Logged | Picture | AnyInspectResponse
    | Assigned | Diagnosed
)  # fmt: skip
