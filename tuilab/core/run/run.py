"""The state and history of a run, accumulated from events.

The host and every client keep one; a client that connects late is sent the host's.
"""

import re
import secrets
from typing import Any, Literal, assert_never

from msgspec import Struct, field
from msgspec.structs import replace

from tuilab.core import paths
from tuilab.core.diagnosis.finding import DiagnosisChanged
from tuilab.core.experiment.experiment import Experiment, iter_knobs, split_changes, with_value
from tuilab.core.format import format_number
from tuilab.core.network.layer_labels import find_label, strip_role
from tuilab.core.protocol.events import (
    AlertRaised,
    AlertsChanged,
    AnyEvent,
    Checking,
    ChecksReported,
    CrossValidated,
    EpochEnded,
    Failed,
    FinderReported,
    Finished,
    KnobChanged,
    LayerStatsReported,
    Loading,
    Logged,
    NetworkChanged,
    Paused,
    Progressed,
    Ready,
    Resumed,
    Rewound,
    Saved,
    SeedsReported,
    SnapshotKept,
    SnapshotsListed,
    Started,
    Traveled,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.set_weight import WeightSet
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.records import Device, LossPoint
from tuilab.core.run.series import Series

State = Literal["idle", "starting", "training", "paused", "failed", "finished"]

MAX_LOG_LINES = 2000

MAX_MATRICES = 128
"""Confusion matrices kept of a run; beyond it, every second one is dropped."""

MAX_MARKS = 500

UNMARKED = ("title", "training.pace", "training.snapshots")
"""Knobs that change nothing of what a chart shows."""

LAYER_FAMILIES = ("gradient", "update", "weight")
"""The series of layers with parameters: `gradient/1 Linear`."""

ConfusionHistory = list[tuple[int, list[list[int]]]]
"""Steps and counts of confusion matrices, oldest first."""


def thin_history(history: ConfusionHistory) -> ConfusionHistory:
    """Returns every second matrix if there are too many."""
    return history[::2] if len(history) > MAX_MATRICES else history


def make_run_id(experiment: Experiment) -> str:
    """Returns an id that no other run has, such as `spiral-7f3a`."""
    words = experiment.title or experiment.data.title
    slug = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")[:32].rstrip("-") or "run"
    while True:
        name = f"{slug}-{secrets.token_hex(2)}"
        if not (paths.runs_dir() / name).exists():
            return name


class Mark(Struct, frozen=True):
    """A change during training, as the charts show it."""

    step: int
    text: str


CLOCK_POINTS = 50
"""Points of a clock while the steps grow e-fold; between them it is straight."""


class Run(Struct):
    """The state of the host and the history of its current run."""

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
    finder_report: FinderReported | None = None
    cross_validation: CrossValidated | None = None
    seeds: SeedsReported | None = None
    "The runs of several seeds that were trained beside this one."
    checking: Checking | None = None
    "The checks in progress."
    checks: ChecksReported | None = None
    "The results of checks at this step."
    checkpoint: str = ""
    series: dict[str, Series] = field(default_factory=dict)
    "`loss/train`, `accuracy/validation`, `lr`, `gradient/1 Linear`, `update/1 Linear`, ..."
    clocks: dict[str, Series] = field(default_factory=dict)
    "`epoch` and `seconds` of training by step, as far as they were reported."
    marks: list[Mark] = field(default_factory=list)
    learning_rates: list[tuple[int, float]] = field(default_factory=list)
    "The optimizer's learning rates so far, each with the last step before it applied."
    log: list[str] = field(default_factory=list)
    confusion_history: ConfusionHistory = field(default_factory=list)
    "Of the evaluations so far, evenly thinned."
    responses: dict[str, AnyInspectResponse] = field(default_factory=dict)
    "The newest answer to each view, by the name of its class."
    alerts: list[str] = field(default_factory=list)
    "Of what the host notifies the user."
    parent: str = ""
    "The run that it branched off; empty if none."
    parent_step: int = 0
    snapshots: list[int] = field(default_factory=list)
    "The steps that can be traveled to, the oldest first."
    past: Traveled | None = None
    "The snapshot that the views show; None: now."
    weight_edits: int = 0
    "Number of weights set by hand: each makes earlier responses outdated."
    version: int = 0
    "Number of events applied."

    @property
    def is_active(self) -> bool:
        """Returns whether work would be lost: it trains, waits or has a recoverable failure."""
        if self.state == "failed":
            return self.failure is not None and self.failure.recoverable
        return self.state in ("starting", "training", "paused")

    @property
    def is_ready(self) -> bool:
        """Returns whether PyTorch is loaded."""
        return bool(self.versions)

    def begin(self, run: str, experiment: Experiment) -> None:
        """Switches to a new run, before its first event."""
        self.started = self.progress = self.epoch = None
        self.failure = self.finished = self.finder_report = None
        self.checking = self.checks = None
        self.id, self.experiment, self.state = run, experiment, "starting"
        self.step, self.note, self.checkpoint = 0, "", ""
        self.series, self.marks, self.responses, self.confusion_history = {}, [], {}, []
        self.learning_rates, self.clocks = [], {}
        self.parent, self.parent_step, self.snapshots, self.past = "", 0, [], None

    def resume_stored(self) -> None:
        """Goes on with this run from its checkpoint, before its first event; its history stays."""
        self.state = "starting"
        self.failure = self.finished = self.loading = self.past = None
        self.version += 1

    def take_host(self, other: "Run") -> None:
        """Takes over what another state says of its host, and nothing of its run."""
        self.devices, self.versions, self.loading = other.devices, other.versions, other.loading
        self.log, self.alerts = other.log, other.alerts
        self.version = max(self.version, other.version) + 1

    def apply(self, event: AnyEvent) -> bool:
        """Applies one event; returns False if it belongs to another run."""
        owner = getattr(event, "run", self.id)
        if isinstance(event, Started) and owner != self.id:
            self.begin(owner, event.experiment)
        elif owner not in (self.id, ""):
            return False
        self.version += 1
        self._dispatch(event)
        return True

    def _dispatch(self, event: AnyEvent) -> None:
        match event:
            case Loading():
                self.loading = None if event.fraction == 1 else event
            case Ready():
                self.devices, self.versions, self.loading = event.devices, event.versions, None
            case Started():
                self._start(event)
            case Progressed() | EpochEnded() | LayerStatsReported():
                self._add_measurements(event)
            case Paused():
                self.state, self.step, self.note = "paused", event.step, event.note
            case Resumed():
                if event.step < self.step:  # from the last good state before a failure
                    self._rewind(event.step)
                self.state, self.step = "training", event.step
                self.failure = self.finished = self.checks = None
            case KnobChanged() | NetworkChanged() | WeightSet():
                self._apply_change(event)
            case Rewound():
                self._rewind(event.step)
            case Saved():
                self.checkpoint = event.path
            case Finished():
                self.state, self.finished, self.step = "finished", event, event.step
                self.loading = None
            case Failed():
                self.state, self.failure, self.loading = "failed", event, None
            case (
                FinderReported() | CrossValidated() | SeedsReported() | Checking()
                | ChecksReported()
            ):  # fmt: skip
                self._apply_study(event)
            case AlertsChanged() | AlertRaised():
                self._apply_alert(event)
            case Logged():
                self._log(event.text)
            case SnapshotsListed():
                self.snapshots = event.steps
            case Traveled():
                self.past = None if event.is_now else event
            case DiagnosisChanged() | SnapshotKept():
                pass  # diagnosed again from the history
            case InspectResponse():
                self.responses[type(event).__name__] = event
            case _:
                assert_never(event)

    def _apply_change(self, event: KnobChanged | NetworkChanged | WeightSet) -> None:
        match event:
            case KnobChanged():
                self._change(event)
            case NetworkChanged():
                self._change_network(event)
            case WeightSet():
                self.weight_edits += 1
                self._mark(event.step, event.description)

    def _apply_study(
        self, event: FinderReported | CrossValidated | SeedsReported | Checking | ChecksReported
    ) -> None:
        match event:
            case FinderReported():
                self.finder_report = event
            case CrossValidated():
                self.cross_validation = event
            case SeedsReported():
                self.seeds = event
            case Checking():
                self.checking = event if event.number else None
            case ChecksReported():
                self.checking, self.checks = None, event

    def _apply_alert(self, event: AlertsChanged | AlertRaised) -> None:
        if isinstance(event, AlertsChanged):
            self.alerts = event.requests
            return
        self._log(event.text)
        if event.condition:
            self._mark(event.step, event.condition)

    def _log(self, text: str) -> None:
        self.log.append(text)
        del self.log[:-MAX_LOG_LINES]

    def _start(self, event: Started) -> None:
        self._truncate(event.step)  # it may continue from a checkpoint older than its history
        if event.step and self.experiment is not None:  # it continues, perhaps with other knobs
            changes, _ = split_changes(self.experiment, event.experiment)
            switched = {key.partition(".")[0] for key in changes if key.endswith(".name")}
            for key, value in changes.items():
                if key.endswith(".name") or key.partition(".")[0] not in switched:
                    self._mark_change(event.step, key, value)
        if self.started is not None and not event.group:  # a resumed run stays in its group
            event = replace(event, group=self.started.group)
        self.started, self.experiment = event, event.experiment
        self._note_parent(event)
        self._add_learning_rate(event.step)
        if event.step != self.step:
            self.checks = None
        self.state, self.step, self.note = "training", event.step, event.note
        if event.note:
            self._log(event.note)
        self.loading = self.failure = self.finished = self.checking = None

    def _note_parent(self, event: Started) -> None:
        """Marks where the run branched off; the first start in its log says from which run."""
        if not event.parent:
            return
        if not self.parent:
            self.parent, self.parent_step = event.parent, event.parent_step
        text = f"branch of {event.parent}"
        if event.step == event.parent_step and not any(mark.text == text for mark in self.marks):
            self._mark(event.step, text)

    def _add_measurements(self, event: Progressed | EpochEnded | LayerStatsReported) -> None:
        if event.step != self.step:
            self.checks = None
        self.step = event.step
        match event:
            case Progressed():
                self._add_progress(event)
            case EpochEnded():
                self.epoch = event
                for name, value in event.validation.items():
                    self._add(f"{name}/validation", event.step, value)
                if event.counts:
                    earlier = [entry for entry in self.confusion_history if entry[0] < event.step]
                    history = [*earlier, (event.step, event.counts)]
                    self.confusion_history = thin_history(history)
            case LayerStatsReported():
                self._rename_old_labels(event)
                for name, value in event.metrics.items():
                    self._add(f"{name}/train", event.step, value)
                for layer in event.layers:
                    self._add(f"gradient/{layer.layer}", event.step, layer.gradient_norm)
                    self._add(f"update/{layer.layer}", event.step, layer.update_ratio)
                    self._add(f"weight/{layer.layer}", event.step, layer.weight_norm)
                self._add_activations(event)

    def _rename_old_labels(self, event: LayerStatsReported) -> None:
        """Gives layers the roles that an older version left out, so that their curves go on."""
        labels = [stats.layer for stats in event.layers]
        labels += [stats.layer for stats in event.activations]
        with_roles = {strip_role(label): label for label in labels if "(" in label}
        if not with_roles:
            return

        def rename(name: str) -> str:
            family, slash, label = name.partition("/")
            return f"{family}{slash}{with_roles.get(label, label)}"

        if any(rename(name) != name for name in self.series):
            self.series = {rename(name): series for name, series in self.series.items()}

    def find_series(self, name: str) -> Series | None:
        """Returns a series; that of a layer also by its label without the role."""
        label = find_label(name, self.series)
        return None if label is None else self.series[label]

    def _add_progress(self, event: Progressed) -> None:
        self.progress, points = event, event.points
        self._add_clocks(event)
        if points is None:
            points = [LossPoint(event.step, event.loss, event.low, event.high, event.lr)]
            for name, value in event.metrics.items():
                self._add(f"{name}/train", event.step, value)
        for point in points:
            self._add("loss/train", point.step, point.mean, point.low, point.high)
            self._add("lr", point.step, point.lr)

    def _add_clocks(self, event: Progressed) -> None:
        for name, value in (("epoch", event.epoch), ("seconds", event.seconds)):
            clock = self.clocks.setdefault(name, Series())
            last = clock.last[0] if clock.last is not None else -1
            if event.step - last > event.step / CLOCK_POINTS:
                clock.append(event.step, value)

    def _add_activations(self, event: LayerStatsReported) -> None:
        for stats in event.activations:
            kind = stats.layer.partition(" ")[0]
            if kind == "ReLU":
                self._add(f"zeros/{stats.layer}", event.step, stats.zeros)
                self._add(f"dead/{stats.layer}", event.step, stats.dead)
            elif kind == "State":
                self._add(f"state/{stats.layer}", event.step, stats.rms)
                self._add(f"growth/{stats.layer}", event.step, stats.rms_growth)
            elif kind == "Nodes":
                self._add(f"similarity/{stats.layer}", event.step, stats.similarity)
            else:
                self._add(f"saturated/{stats.layer}", event.step, stats.saturated)
        if event.inputs is not None:
            for name in event.inputs.__struct_fields__:
                self._add(f"input/{name}", event.step, getattr(event.inputs, name))

    def _add(self, name: str, x: float, y: float, low: Any = None, high: Any = None) -> None:
        self.series.setdefault(name, Series()).append(x, y, low, high)

    def _change(self, event: KnobChanged) -> None:
        self._mark_change(event.step, event.key, event.value)
        if self.experiment is not None:
            self.experiment = with_value(self.experiment, event.key, event.value)
            self._add_learning_rate(event.step)

    def _change_network(self, event: NetworkChanged) -> None:
        """Goes on with a changed network; the curves of a layer go on under its new label."""
        self._mark(event.step, f"network: {'; '.join(event.changes)}")
        self.weight_edits += 1
        self.checks = None
        if self.experiment is not None:
            self.experiment = with_value(self.experiment, "network", event.network)
        if self.started is not None:
            self.started = replace(self.started, parameters=event.parameters)
        names = {name: self._rename_layer(name, event.layers) for name in self.series}
        self.series = {
            name: self.series[before] for before, name in names.items() if name is not None
        }

    def _rename_layer(self, name: str, labels: dict[str, str]) -> str | None:
        """Returns a series' name after its layer's label has changed; None if the layer is gone."""
        family, slash, label = name.partition("/")
        if family in LAYER_FAMILIES:
            return f"{family}/{labels[label]}" if label in labels else None
        return f"{family}{slash}{label}"

    def _mark_change(self, step: int, key: str, value: Any) -> None:
        if _is_number(value):
            number = self._find_zero_word(key) if value == 0 else ""
            text = f"{key.rpartition('.')[2]} {number or format_number(value)}"
        else:
            text = f"{key} {'changed' if isinstance(value, (list, tuple)) else value}"
        if key not in UNMARKED:
            self._mark(step, text)

    def _add_learning_rate(self, step: int) -> None:
        """Remembers the learning rate that applies after a step, if it is another one."""
        if self.experiment is None:
            return
        rate = self.experiment.optimizer.lr
        earlier = [change for change in self.learning_rates if change[0] < step]
        is_new = not earlier or earlier[-1][1] != rate
        self.learning_rates = [*earlier, (step, rate)] if is_new else earlier
        del self.learning_rates[:-MAX_MARKS]

    def _find_zero_word(self, key: str) -> str:
        """Returns the word for 0 of a knob; empty if it has none."""
        knobs = iter_knobs(self.experiment) if self.experiment is not None else ()
        return next((knob.zero for knob in knobs if knob.key == key), "")

    def _mark(self, step: int, text: str) -> None:
        self.marks.append(Mark(step, text))
        del self.marks[:-MAX_MARKS]

    def _rewind(self, step: int) -> None:
        self.step, self.state = step, "paused"
        self.failure = self.finished = self.checks = None
        self._truncate(step)
        self._add_learning_rate(step)

    def _truncate(self, step: int) -> None:
        """Drops the history after a step."""
        for series in (*self.series.values(), *self.clocks.values()):
            series.truncate(step)
        self.marks = [mark for mark in self.marks if mark.step <= step]
        self.confusion_history = [entry for entry in self.confusion_history if entry[0] <= step]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


class Snapshot(Struct, frozen=True, tag_field="event", tag="snapshot"):
    """The whole state, sent to a new client and to one that has fallen behind."""

    run: Run
    version: str
    "Of tuilab, so that a client can report a host of another version."
    pid: int
