"""Every event that the worker reports: plain numbers, strings and lists.

Never a tensor, never an exception. Events name their run, so that late ones of another run are
ignored. Logs of older versions stay readable: an event or a field that is renamed goes into
`host/event_aliases.py`.
"""

from typing import Any, Literal

from msgspec import Struct, field

from tuilab.core.diagnosis.finding import DiagnosisChanged
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.files.fingerprint import DataFile
from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.inspect.set_weight import WeightSet
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.message import Event
from tuilab.core.protocol.records import (
    ActivationStats,
    Baseline,
    Device,
    InputStats,
    LabelPermutation,
    LayerStats,
    LossPoint,
    Memorization,
    RateSearch,
    RateTrial,
    SeedRun,
    TargetStats,
)
from tuilab.core.run.bands import BandPoint
from tuilab.core.run.significance import MeanStd


class Loading(Event, frozen=True):
    """Something takes a while: importing PyTorch, downloading or generating data."""

    what: str
    fraction: float | None = None
    "From 0 to 1; None if unknown; 1 when done."


class Ready(Event, frozen=True):
    """PyTorch is loaded; runs can start."""

    devices: list[Device]
    versions: dict[str, str]


class Started(Event, frozen=True):
    """A run has its data, its network and its optimizer."""

    run: str
    experiment: Experiment
    device: str
    parameters: int
    batches: int
    "Batches per epoch."
    examples: dict[str, int]
    "Number of training, validation and test examples."
    folder: str = ""
    step: int = 0
    note: str = ""
    "Anything to know, such as which layers kept their weights."
    leakage: float = field(default=0.0, name="repeated")
    "Fraction of the validation examples that are in the training set as well."
    targets: TargetStats | None = None
    "None in logs of older versions, and where the targets are the inputs."
    threads: int = 0
    "CPU threads, on which the rounding of sums depends; 0 in logs of older versions."
    data_files: tuple[DataFile, ...] = ()
    "The user's files that the run is trained on; none in logs of older versions."
    time: float = 0.0
    "When it was started or resumed, in seconds since the epoch; 0 in logs of older versions."
    parent: str = ""
    "The run that this one branched from; empty if it did not."
    parent_step: int = 0
    group: str = ""
    "What the repeats of one experiment over several seeds share; empty if it is not repeated."


class Progressed(Event, frozen=True):
    """Where training is, about ten times a second, and the points of the loss curve until then.

    The clock decides when it is sent; which points it brings follows from their steps alone.
    """

    run: str
    step: int
    epoch: float
    loss: float
    "Mean training loss over the steps since the last report."
    low: float
    high: float
    metrics: dict[str, float]
    "The task's metrics on the newest training batches."
    lr: float
    steps_per_second: float
    examples_per_second: float
    seconds: float
    "Training time so far."
    seconds_left: float | None = field(name="left")
    "Training time to the end at this speed."
    memory: int = 0
    "Bytes used by the process."
    device_memory: int = 0
    points: list[LossPoint] | None = None
    "None in logs of older versions, in which each report is a point of every curve."


class LayerStatsReported(Event, frozen=True):
    """Statistics of all layers, and the metrics, at one step; step numbers decide at which."""

    run: str
    step: int
    layers: list[LayerStats]
    activations: list[ActivationStats] = field(default_factory=list)
    inputs: InputStats | None = None
    "None for tokens, and if no batch went through the whole network at once."
    metrics: dict[str, float] = field(default_factory=dict)
    "The task's metrics on the newest training batches."


class EpochEnded(Event, frozen=True):
    """An evaluation at the end of an epoch."""

    run: str
    step: int
    epoch: int
    train: dict[str, float]
    "Loss and metrics over the batches of the epoch, each before its update."
    validation: dict[str, float]
    "Loss and metrics on the validation set; empty if there is none."
    counts: list[list[int]] = field(default_factory=list)
    "The confusion matrix of the validation set, as in `ConfusionMatrix`; empty for many classes."


class KnobChanged(Event, frozen=True):
    """A live knob has a new value; a mark on the charts."""

    run: str
    step: int
    key: str
    value: Any


class Paused(Event, frozen=True):
    """The run waits between two batches."""

    run: str
    step: int
    note: str = ""


class Resumed(Event, frozen=True):
    """The run trains again."""

    run: str
    step: int


class Rewound(Event, frozen=True):
    """The run is back at an earlier step; its history after that step is dropped."""

    run: str
    step: int


class SnapshotsListed(Event, frozen=True):
    """The steps of all snapshots that can be traveled to, the oldest first."""

    run: str
    steps: list[int]


class SnapshotKept(Event, frozen=True):
    """A snapshot was taken on request, and its history is in the log."""

    run: str
    step: int


class Traveled(Event, frozen=True):
    """The views show the run as it was at a snapshot, or as it is now; the run is unchanged."""

    run: str
    step: int
    is_now: bool = False
    epoch: int = 0
    "Epochs that had ended."
    experiment: Experiment | None = None
    "With the knobs that it had then; None: as it is now."


class Saved(Event, frozen=True):
    """A checkpoint is on the disk."""

    run: str
    step: int
    path: str


class Finished(Event, frozen=True):
    """The run is over."""

    run: str
    reason: Literal["done", "stopped", "interrupted"]
    step: int
    epoch: int
    seconds: float
    results: dict[str, dict[str, float]]
    "Loss and metrics of the training, validation and test set."
    lost: str = ""
    "What could not be stored, for example as the disk was full; empty if nothing is lost."


class Offer(Struct, frozen=True):
    """A way out of a failure: its label and the commands that it sends."""

    label: str
    commands: list[AnyCommand]


class Failed(Event, frozen=True):
    """Something went wrong, in the user's terms; the run waits if it can be recovered."""

    run: str
    title: str
    hint: str = ""
    detail: str = ""
    step: int = 0
    recoverable: bool = False
    offers: list[Offer] = field(default_factory=list)
    has_grown: bool | None = None
    """Whether loss, gradients or weights had grown before the loss was no longer finite; None: not
    known, or another failure."""


class FinderReported(Event, frozen=True):
    """The result of a search for a learning rate or a batch size; the run is unchanged."""

    run: str
    what: Literal["lr", "batch_size"]
    points: list[tuple[float, float]]
    "Learning rates with their smoothed loss, or batch sizes with their examples per second."
    suggestion: float | None
    note: str = ""


class Checking(Event, frozen=True):
    """The checks for the diagnosis are in progress; the run is unchanged."""

    run: str
    number: int
    "Of the check in progress, from 1; 0: they have been canceled."
    total: int
    question: str
    fraction: float
    "Of this check, from 0 to 1."


class ChecksReported(Event, frozen=True):
    """The results of short experiments on copies of a run, for the diagnosis."""

    run: str
    step: int
    baselines: list[Baseline] = field(default_factory=list)
    memorization: Memorization | None = None
    rates: list[RateTrial] = field(default_factory=list)
    rate_search: RateSearch | None = None
    permutation: LabelPermutation | None = None
    notes: list[str] = field(default_factory=list)
    "Why a check was left out."


class CrossValidated(Event, frozen=True):
    """The results of a cross-validation so far, one entry for each finished round."""

    results: list[dict[str, float]]
    total: int
    "Number of rounds."
    mean: dict[str, float]
    std: dict[str, float]
    "Standard deviation over the rounds (n - 1 in the denominator); 0 after the first round."
    note: str = ""
    "Why there is no result."


class AlertsChanged(Event, frozen=True):
    """Of what the host notifies the user from now on."""

    requests: list[str]


AlertState = Literal["training", "done", "interrupted", "failed"]


class AlertRaised(Event, frozen=True):
    """A run has ended, has failed or has met a condition: the user is notified, once."""

    run: str
    state: AlertState
    "`training` where a condition is met."
    text: str
    "What has happened, as one sentence."
    step: int = 0
    title: str = ""
    "Of the experiment."
    condition: str = ""
    "As it was asked for; empty at the end of a run."
    metric: str = ""
    value: float | None = None
    folder: str = ""


class SeedsReported(Event, frozen=True):
    """How far the runs of several seeds are, and their results so far."""

    group: str
    "The id that they share."
    runs: list[SeedRun]
    fraction: float
    "Of all training, from 0 to 1."
    is_over: bool = False
    note: str = ""
    "How they are trained, or why they are not."
    summary: dict[str, MeanStd] = field(default_factory=dict)
    "Of the results so far, by the names of their metrics."
    bands: dict[str, list[BandPoint]] = field(default_factory=dict)
    "How each series differs between the runs, by its name in `Run.series`."


class Logged(Event, frozen=True):
    """A line printed by a library, or a note of the host."""

    text: str
    source: str = "host"


AnyEvent = (
    Loading | Ready | Started | Progressed | LayerStatsReported | EpochEnded | KnobChanged | Paused
    | Resumed | Rewound | Saved | Finished | Failed | FinderReported | CrossValidated | Logged
    | SeedsReported | AlertsChanged | AlertRaised
    | Checking | ChecksReported | AnyInspectResponse | WeightSet | DiagnosisChanged
    | SnapshotsListed | SnapshotKept | Traveled
)  # fmt: skip
