"""The one scripted fake of the ui's tests: a link that records commands and plays events."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import exp
from typing import Any, TypeVar

import pytest
from textual.app import App
from textual.pilot import Pilot

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
from tuilab.ui.app import TuilabApp

Kind = TypeVar("Kind")

SPIRAL = Experiment(
    title="A spiral", network=("Linear 16", "Tanh", "Linear 16", "Tanh", "Linear 2")
)

DEVICES = [
    Device("cpu", "Xeon, 2 cores"),
    Device("cuda:0", "NVIDIA H200, 139 GiB"),
    Device("mps", "Apple GPU", "this is no Mac"),
]

SIZES = [(160, 45), pytest.param((120, 40), marks=pytest.mark.slow), (80, 24)]
"""Of terminals; what fits the largest and the smallest mostly fits those between."""

READY = Ready(DEVICES, {"torch": "2.13.0"})


class FakeLink:
    """A host that does only what the test says."""

    def __init__(self) -> None:
        self.lost_reason = ""
        self.run_survives_exit = True
        self.sent: list[AnyCommand] = []
        self.is_closed = False
        self._news: list[AnyEvent | Snapshot] = []

    def send(self, command: AnyCommand) -> None:
        self.sent.append(command)

    def play(self, *events: AnyEvent | Snapshot) -> None:
        """What the host says next."""
        self._news.extend(events)

    def events(self) -> list[AnyEvent | Snapshot]:
        news, self._news = self._news, []
        return news

    def close(self) -> None:
        self.is_closed = True

    def commands(self, kind: type[Kind]) -> list[Kind]:
        """The commands of a kind, the newest last."""
        return [command for command in self.sent if isinstance(command, kind)]

    @property
    def run(self) -> str:
        """The id of the run that was started last."""
        return self.commands(Start)[-1].run


class Lab:
    """The app under a pilot, with its fake link."""

    def __init__(self, app: TuilabApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        self.app, self.link, self.pilot = app, link, pilot
        self.workspace = app.main_screen.workspace

    @property
    def text(self) -> str:
        """What stands on the screen."""
        return text_of(self.app)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def play(self, *events: AnyEvent | Snapshot) -> None:
        """Let the host say something, and the lab hear it."""
        self.link.play(*events)
        self.app.poll()
        await self.pilot.pause()

    async def until(self, condition: Callable[[], Any], seconds: float = 5) -> None:
        """Wait for something to become true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"it did not happen:\n{self.text}"
            await self.pilot.pause()
            await asyncio.sleep(0.01)

    async def shows(self, *texts: str) -> None:
        """Wait for texts to stand on the screen."""
        await self.until(lambda: all(text in self.text for text in texts))

    async def train(self, steps: int = 1990) -> str:
        """Begin a run and let it train for a while; its id."""
        await self.press("space")
        await self.play(READY, *history(self.link.run, self.workspace.experiment, steps))
        return self.link.run


@asynccontextmanager
async def open_lab(
    experiment: Experiment | None = SPIRAL, size: tuple[int, int] = (160, 45), **options: Any
) -> AsyncIterator[Lab]:
    """The lab on a screen of some size, with a host that says nothing by itself."""
    link = FakeLink()
    app = TuilabApp(link, experiment, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Lab(app, link, pilot)


def text_of(app: App[Any]) -> str:
    """What stands on the screen."""
    lines = (strip.text.rstrip() for strip in app.screen._compositor.render_strips())
    return "\n".join(lines).rstrip() + "\n"


def started(run: str, experiment: Experiment) -> Started:
    examples = {"train": 400, "validation": 100, "test": 100}
    return Started(run, experiment, "cuda:0", 354, 13, examples, f"/runs/{run}")


def progressed(run: str, step: int, seconds: float = 12.5) -> Progressed:
    loss = 0.7 * exp(-step / 600) + 0.05
    metrics = {"accuracy": 1 - 0.5 * exp(-step / 500)}
    return Progressed(
        run, step, step / 13, loss, loss * 0.9, loss * 1.1, metrics, 1e-3, 3412.0, 109184.0,
        seconds, 64.0, 1 << 30, 2 << 30,
    )  # fmt: skip


def history(run: str, experiment: Experiment, steps: int) -> list[AnyEvent]:
    """The events of a run that goes well."""
    events: list[AnyEvent] = [started(run, experiment)]
    for step in range(10, steps + 1, 10):
        events.append(progressed(run, step))
        layers = [
            LayerStats(f"{place} Linear", exp(-step / 900) / place, 1e-3 / place, 4.0)
            for place in (1, 3, 5)
        ]
        events.append(LayerStatsReported(run, step, layers))
    scores = {"loss": 0.06, "accuracy": 0.97}
    events.append(EpochEnded(run, steps, steps // 13, {"loss": 0.05, "accuracy": 0.98}, scores))
    return events
