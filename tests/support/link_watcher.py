"""A client that collects the events of a link, and waits on conditions with a deadline."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from tests.support.wait_until import wait_until
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import AnyCommand, Close, Start
from tuilab.core.protocol.events import AnyEvent, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.host.link import Link

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")


class LinkWatcher:
    """A client that reads a link as the lab does, and collects all events."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.run = Run()
        self.events: list[AnyEvent] = []
        self.snapshots = 0
        self._unread = 0
        "The index of the first event that `wait_for` has not passed yet."

    def send(self, *commands: AnyCommand) -> None:
        for command in commands:
            self.link.send(command)

    def poll(self) -> None:
        """Reads what has arrived."""
        for message in self.link.events():
            if isinstance(message, Snapshot):
                self.run, self.snapshots = message.run, self.snapshots + 1
            else:
                self.events.append(message)
                self.run.apply(message)

    def wait_until(self, condition: Callable[[], T | None], what: str = "") -> T:
        """Reads until a condition holds; returns its first true result."""

        def check() -> T | None:
            self.poll()
            assert not self.link.lost_reason, self.link.lost_reason
            return condition()

        return wait_until(check, lambda: f"{what}; last events: {self.events[-3:]}")

    def wait_until_lost(self) -> str:
        """Reads until the link is lost; returns the reason."""

        def check() -> str:
            self.poll()
            return self.link.lost_reason

        return wait_until(check, lambda: "the host is still connected")

    def wait_for_state(self, state: str) -> None:
        """Reads until the run is in a state."""
        self.wait_until(lambda: self.run.state == state, f"{state}, not {self.run.state}")

    def wait_for(self, kind: type[T]) -> T:
        """Returns the next event of a kind, after the one that this returned last."""

        def find_next() -> tuple[int, T] | None:
            later = enumerate(self.events[start:], start + 1)
            return next(((i, event) for i, event in later if isinstance(event, kind)), None)

        start = self._unread
        self._unread, event = self.wait_until(find_next, kind.__name__)
        return event

    def events_of(self, kind: type[T]) -> list[T]:
        """Returns all events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def close(self) -> None:
        self.link.send(Close())
        self.link.close()


def make_long_experiment(*network: Any, epochs: int = 100_000, **tables: Any) -> Experiment:
    """Builds three clouds and a small network; long enough to be stopped, unless epochs differ."""
    blobs = {"name": "blobs", "centers": 3, "samples": 120}
    data = tables.pop("data", {})
    data = data if "name" in data else {**blobs, **data}
    lines = list(network) or ["Linear 8", "Tanh", "Linear 3"]
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    return experiment_from_dict({"network": lines, "data": data, "training": training, **tables})


def start_paused(
    lab: LinkWatcher, experiment: Experiment | None = None, run: str = "run-1"
) -> LinkWatcher:
    """Starts a run that waits before its first step."""
    experiment = experiment or make_long_experiment()
    lab.run.begin(run, experiment)
    lab.send(Start(run, experiment, paused=True))
    lab.wait_for(Paused)
    return lab


def load_weights(path: str) -> "Tensor":
    """Returns all weights of a checkpoint in one row."""
    import torch

    network = torch.load(path, weights_only=True)["network"]
    return torch.cat([tensor.flatten() for tensor in network.values()])
