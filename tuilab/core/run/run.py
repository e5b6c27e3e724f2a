"""A run as everybody sees it: folds events into status and history; the one view of the truth.

The host and every viewer keep one; a viewer that comes late is sent the host's.
"""

import re
import secrets
from typing import Any, Literal, assert_never

from msgspec import Struct, field

from tuilab.core import paths
from tuilab.core.diagnosis.finding import Diagnosed
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.events import (
    AnyEvent,
    Changed,
    EpochEnded,
    Failed,
    Finished,
    Found,
    LayerStatsReported,
    Loading,
    Logged,
    Paused,
    Progressed,
    Ready,
    Resumed,
    Rewound,
    Saved,
    Started,
    Validated,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.result_messages import (
    Confusion,
    Curve,
    Drawn,
    Picture,
    Reconstructed,
    Scatter,
    Surface,
    Written,
)
from tuilab.core.protocol.inspect.set_weight import Assigned
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.records import Device
from tuilab.core.run.series import Series

State = Literal["idle", "starting", "training", "paused", "failed", "finished"]

LOG_LINES = 2000
"""Log lines that a run remembers."""

MATRICES = 128
"""Confusion matrices that a run remembers; past it, every second one is let go."""

MARKS = 500
"""Marks that a run remembers."""


Matrices = list[tuple[int, list[list[int]]]]
"""Steps and confusion matrices, oldest first."""


def thinned(past: Matrices) -> Matrices:
    """No more of them than are remembered."""
    return past[::2] if len(past) > MATRICES else past


def new_id(experiment: Experiment) -> str:
    """An id that no other run has: what it is and four letters, such as `spiral-7f3a`."""
    words = experiment.title or experiment.data.title
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:32].rstrip("-") or "run"
    while True:
        name = f"{slug}-{secrets.token_hex(2)}"
        if not (paths.runs() / name).exists():
            return name


class Mark(Struct, frozen=True):
    """A change of a knob while training went on."""

    step: int
    text: str


class Run(Struct):
    """The state of the host and the history of its present run."""

    id: str = ""
    state: State = "idle"
    experiment: Experiment | None = None
    devices: list[Device] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    loading: Loading | None = None
    started: Started | None = None
    progress: Progressed | None = None
    epoch: EpochEnded | None = None
    "The newest evaluation."
    step: int = 0
    note: str = ""
    failure: Failed | None = None
    finished: Finished | None = None
    found: Found | None = None
    validated: Validated | None = None
    checkpoint: str = ""
    series: dict[str, Series] = field(default_factory=dict)
    "`loss/train`, `accuracy/validation`, `lr`, `gradient/1 Linear`, `update/1 Linear`, ..."
    marks: list[Mark] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    confusions: Matrices = field(default_factory=list)
    "Step and confusion matrix of evaluations so far, evenly thinned."
    picture: Picture | None = None
    views: dict[str, AnyInspectResponse] = field(default_factory=dict)
    "The newest answer of each kind, by the name of its class."
    rewritten: int = 0
    "Grows when a weight is written by hand: what was seen of the network is of the past."
    version: int = 0
    "Grows with every event that was folded in."

    @property
    def is_active(self) -> bool:
        """Whether there is work that would be lost: it trains, waits or has failed midway."""
        unfinished = self.state in ("starting", "training", "paused")
        return unfinished or (self.failure is not None and self.failure.recoverable)

    @property
    def is_ready(self) -> bool:
        """Whether PyTorch is loaded."""
        return bool(self.versions)

    def begin(self, run: str, experiment: Experiment) -> None:
        """Turn to a new run, before its first event."""
        self.started = self.progress = self.epoch = None
        self.failure = self.finished = self.picture = self.found = None
        self.id, self.experiment, self.state = run, experiment, "starting"
        self.step, self.note, self.checkpoint = 0, "", ""
        self.series, self.marks, self.views, self.confusions = {}, [], {}, []

    def apply(self, event: AnyEvent) -> bool:
        """Fold one event in; False if it belongs to another run."""
        owner = getattr(event, "run", self.id)
        if isinstance(event, Started) and owner != self.id:
            self.begin(owner, event.experiment)
        elif owner not in (self.id, ""):
            return False
        self.version += 1
        self._fold(event)
        return True

    def _fold(self, event: AnyEvent) -> None:
        match event:
            case Loading():
                self.loading = None if event.fraction == 1 else event
            case Ready():
                self.devices, self.versions, self.loading = event.devices, event.versions, None
            case Started():
                self._start(event)
            case Progressed() | EpochEnded() | LayerStatsReported():
                self._measure(event)
            case Paused():
                self.state, self.step, self.note = "paused", event.step, event.note
            case Resumed():
                self.state, self.step = "training", event.step
                self.failure = self.finished = None
            case Changed():
                self._change(event)
            case Assigned():
                self.rewritten += 1
                self._mark(event.step, event.text)
            case Rewound():
                self._rewind(event.step)
            case Saved():
                self.checkpoint = event.path
            case Finished():
                self.state, self.finished, self.step = "finished", event, event.step
                self.loading = None
            case Failed():
                self.state, self.failure, self.loading = "failed", event, None
            case Found():
                self.found = event
            case Validated():
                self.validated = event
            case Logged():
                self.log.append(event.text)
                del self.log[:-LOG_LINES]
            case (
                Surface()
                | Curve()
                | Confusion()
                | Written()
                | Reconstructed()
                | Drawn()
                | Scatter()
            ):
                self.picture = event
            case Diagnosed():
                pass  # it follows from the history, which is here
            case InspectResponse():
                self.views[type(event).__name__] = event
            case _:
                assert_never(event)

    def _start(self, event: Started) -> None:
        if event.step < self.step:  # it goes on from a checkpoint, behind where its history ends
            self._rewind(event.step)
        self.started, self.experiment = event, event.experiment
        self.state, self.step, self.note = "training", event.step, event.note
        self.loading, self.failure, self.finished = None, None, None

    def _measure(self, event: Progressed | EpochEnded | LayerStatsReported) -> None:
        self.step = event.step
        match event:
            case Progressed():
                self.progress = event
                self._add("loss/train", event.step, event.loss, event.low, event.high)
                for name, value in event.metrics.items():
                    self._add(f"{name}/train", event.step, value)
                self._add("lr", event.step, event.lr)
            case EpochEnded():
                self.epoch = event
                for name, value in event.validation.items():
                    self._add(f"{name}/validation", event.step, value)
                self._confuse(event)
            case LayerStatsReported():
                for layer in event.layers:
                    self._add(f"gradient/{layer.layer}", event.step, layer.gradient)
                    self._add(f"update/{layer.layer}", event.step, layer.update)
                    self._add(f"weight/{layer.layer}", event.step, layer.weight)
                self._look(event)

    def _confuse(self, event: EpochEnded) -> None:
        if event.counts:
            self.confusions = thinned([*self.confusions, (event.step, event.counts)])

    def _look(self, event: LayerStatsReported) -> None:
        for seen in event.activities:
            kind = seen.layer.partition(" ")[0]
            if kind == "ReLU":
                self._add(f"zeros/{seen.layer}", event.step, seen.zeros)
                self._add(f"dead/{seen.layer}", event.step, seen.dead)
            elif kind == "State":
                self._add(f"state/{seen.layer}", event.step, seen.size)
                self._add(f"growth/{seen.layer}", event.step, seen.growth)
            else:
                self._add(f"saturated/{seen.layer}", event.step, seen.saturated)
        if event.inputs is not None:
            for name in event.inputs.__struct_fields__:
                self._add(f"input/{name}", event.step, getattr(event.inputs, name))

    def _add(self, name: str, x: float, y: float, low: Any = None, high: Any = None) -> None:
        self.series.setdefault(name, Series()).append(x, y, low, high)

    def _change(self, event: Changed) -> None:
        value = event.value if not isinstance(event.value, (list, tuple)) else "changed"
        text = (
            f"{event.key.rpartition('.')[2]} {value:g}"
            if _is_number(value)
            else f"{event.key} {value}"
        )
        self._mark(event.step, text)
        if self.experiment is not None:
            self.experiment = with_value(self.experiment, event.key, event.value)

    def _mark(self, step: int, text: str) -> None:
        self.marks.append(Mark(step, text))
        del self.marks[:-MARKS]

    def _rewind(self, step: int) -> None:
        self.step, self.state = step, "paused"
        self.failure = self.finished = None
        for series in self.series.values():
            series.cut(step)
        self.marks = [mark for mark in self.marks if mark.step <= step]
        self.confusions = [past for past in self.confusions if past[0] <= step]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Snapshot(Struct, frozen=True, tag_field="event", tag="snapshot"):
    """The first frame of a viewer, and its new start when it has fallen behind: all there is."""

    run: Run
    version: str
    "Of tuilab, so that a viewer can say when the host is another one."
    pid: int
