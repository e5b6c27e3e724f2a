"""What the host's tests wait with: conditions and deadlines, never a sleep."""

import threading
import time
from collections.abc import Callable
from typing import Any

from tuilab.core.experiment.experiment import Experiment, experiment_from_dict
from tuilab.core.protocol.commands import AnyCommand, Close, Start
from tuilab.core.protocol.events import AnyEvent, Paused
from tuilab.core.run.run import Run, Snapshot
from tuilab.host.link import Link

PATIENCE = 60.0
"""Seconds; PyTorch alone takes ten on a busy machine."""


def until(condition: Callable[[], Any], what: str = "", patience: float = PATIENCE) -> Any:
    """The first truth that a condition gives; fails after the deadline."""
    deadline, moment = time.monotonic() + patience, threading.Event()
    while not (truth := condition()):
        assert time.monotonic() < deadline, f"waited {patience:g} s in vain: {what}"
        moment.wait(0.01)
    return truth


class Watcher:
    """Looks through a link as the lab does, and remembers all it saw."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.run = Run()
        self.seen: list[AnyEvent] = []
        self.snapshots = 0

    def send(self, *commands: AnyCommand) -> None:
        for command in commands:
            self.link.send(command)

    def look(self) -> None:
        for message in self.link.events():
            if isinstance(message, Snapshot):
                self.run, self.snapshots = message.run, self.snapshots + 1
            else:
                self.seen.append(message)
                self.run.apply(message)

    def until(self, condition: Callable[[], Any], what: str = "") -> Any:
        """Look until it is so."""

        def is_so() -> Any:
            self.look()
            assert not self.link.lost_reason, self.link.lost_reason
            return condition()

        return until(is_so, f"{what}; last seen: {self.seen[-3:]}")

    def until_lost(self) -> str:
        """Look until there is nothing more to come; why."""

        def is_lost() -> str:
            self.look()
            return self.link.lost_reason

        return str(until(is_lost, "the host is still there"))

    def until_state(self, state: str) -> None:
        self.until(lambda: self.run.state == state, f"{state}, not {self.run.state}")

    def wait(self, kind: type) -> Any:
        """The next event of a kind, from the first that was not looked for yet."""
        start = getattr(self, "_start", 0)

        def found() -> Any:
            later = enumerate(self.seen[start:], start + 1)
            return next(((i, event) for i, event in later if isinstance(event, kind)), None)

        self._start, event = self.until(found, kind.__name__)
        return event

    def all(self, kind: type) -> list[Any]:
        return [event for event in self.seen if isinstance(event, kind)]

    def close(self) -> None:
        self.link.send(Close())
        self.link.close()


def experiment(*network: Any, epochs: int = 100_000, **tables: Any) -> Experiment:
    """Three clouds and a small network: long enough to be stopped unless epochs say otherwise."""
    blobs = {"name": "blobs", "centers": 3, "samples": 120}
    data = tables.pop("data", {})
    data = data if "name" in data else {**blobs, **data}
    lines = list(network) or ["Linear 8", "Tanh", "Linear 3"]
    training = {"epochs": epochs, "device": "cpu", **tables.pop("training", {})}
    return experiment_from_dict({"network": lines, "data": data, "training": training, **tables})


def begun(lab: Watcher, chosen: Experiment | None = None, run: str = "run-1") -> Watcher:
    """A run that waits, untrained."""
    lab.run.begin(run, chosen or experiment())
    lab.send(Start(run, chosen or experiment(), paused=True))
    lab.wait(Paused)
    return lab


def weights(path: str) -> Any:
    """All weights of a checkpoint in one row."""
    import torch

    network = torch.load(path, weights_only=True)["network"]
    return torch.cat([tensor.flatten() for tensor in network.values()])
