"""A scripted link: it records commands and plays events."""

from math import exp
from typing import TypeVar

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand, Start
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    LayerStatsReported,
    Progressed,
    Ready,
    Started,
)
from tuilab.core.protocol.records import Device, LayerStats
from tuilab.core.run.run import Snapshot

Kind = TypeVar("Kind")

SPIRAL = Experiment(
    title="A spiral", network=("Linear 16", "Tanh", "Linear 16", "Tanh", "Linear 2")
)

DEVICES = [
    Device("cpu", "Xeon, 2 cores"),
    Device("cuda:0", "NVIDIA H200, 139 GiB"),
    Device("mps", "Apple GPU", "this is not a Mac"),
]

READY = Ready(DEVICES, {"torch": "2.13.0"})


class FakeLink:
    """A link to a host that does only what the test says."""

    def __init__(self) -> None:
        self.lost_reason = ""
        self.run_survives_exit = True
        self.sent: list[AnyCommand] = []
        self.is_closed = False
        self._queued: list[AnyEvent | Snapshot] = []

    def send(self, command: AnyCommand) -> None:
        self.sent.append(command)

    def play(self, *events: AnyEvent | Snapshot) -> None:
        """Queues what `events` returns next."""
        self._queued.extend(events)

    def events(self) -> list[AnyEvent | Snapshot]:
        queued, self._queued = self._queued, []
        return queued

    def close(self) -> None:
        self.is_closed = True

    def commands(self, kind: type[Kind]) -> list[Kind]:
        """Returns the commands of a kind, the newest last."""
        return [command for command in self.sent if isinstance(command, kind)]

    @property
    def run(self) -> str:
        """The id of the run that was started last."""
        return self.commands(Start)[-1].run


def started_event(run: str, experiment: Experiment) -> Started:
    examples = {"train": 400, "validation": 100, "test": 100}
    return Started(run, experiment, "cuda:0", 354, 13, examples, f"/runs/{run}")


def progressed_event(run: str, step: int, seconds: float = 12.5) -> Progressed:
    loss = 0.7 * exp(-step / 600) + 0.05
    metrics = {"accuracy": 1 - 0.5 * exp(-step / 500)}
    return Progressed(
        run, step, step / 13, loss, loss * 0.9, loss * 1.1, metrics, 1e-3, 3412.0, 109184.0,
        seconds, 64.0, 1 << 30, 2 << 30,
    )  # fmt: skip


def training_events(run: str, experiment: Experiment, steps: int) -> list[AnyEvent]:
    """Returns the events of a run that learns."""
    events: list[AnyEvent] = [started_event(run, experiment)]
    for step in range(10, steps + 1, 10):
        events.append(progressed_event(run, step))
        layers = [
            LayerStats(f"{index} Linear", exp(-step / 900) / index, 1e-3 / index, 4.0)
            for index in (1, 3, 5)
        ]
        events.append(LayerStatsReported(run, step, layers))
    scores = {"loss": 0.06, "accuracy": 0.97}
    events.append(EpochEnded(run, steps, steps // 13, {"loss": 0.05, "accuracy": 0.98}, scores))
    return events
