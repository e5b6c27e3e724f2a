"""The lab under Textual's pilot, with a fake link in place of a host."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from textual.app import App
from textual.pilot import Pilot

from tests.support.fake_link import READY, SPIRAL, FakeLink, training_events
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Snapshot
from tuilab.ui.app import TuilabApp

SIZES = [(160, 45), pytest.param((120, 40), marks=pytest.mark.slow), (80, 24)]
"""Terminal sizes; what fits the largest and the smallest mostly fits those between."""


class Lab:
    """The app under a pilot, with its fake link."""

    def __init__(self, app: TuilabApp, link: FakeLink, pilot: Pilot[Any]) -> None:
        self.app, self.link, self.pilot = app, link, pilot
        self.workspace = app.main_screen.workspace

    @property
    def text(self) -> str:
        """The text on the screen."""
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def play(self, *events: AnyEvent | Snapshot) -> None:
        """Plays events of the host and lets the lab process them."""
        self.link.play(*events)
        self.app.poll()
        await self.pilot.pause()

    async def wait_until(self, condition: Callable[[], Any], seconds: float = 5) -> None:
        """Waits for a condition to become true."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"the condition stayed false:\n{self.text}"
            await self.pilot.pause()
            await asyncio.sleep(0.01)

    async def wait_for_text(self, *texts: str) -> None:
        """Waits until the screen shows the texts."""
        await self.wait_until(lambda: all(text in self.text for text in texts))

    async def train(self, steps: int = 1990) -> str:
        """Starts a run, plays the events of its first steps, and returns its id."""
        await self.press("space")
        await self.play(READY, *training_events(self.link.run, self.workspace.experiment, steps))
        return self.link.run


@asynccontextmanager
async def open_lab(
    experiment: Experiment | None = SPIRAL, size: tuple[int, int] = (160, 45), **options: Any
) -> AsyncIterator[Lab]:
    """Opens the lab on a screen of this size; its link plays only what the test says."""
    link = FakeLink()
    app = TuilabApp(link, experiment, **options)
    async with app.run_test(size=size, notifications=True) as pilot:
        await pilot.pause()
        yield Lab(app, link, pilot)


def screen_text(app: App[Any]) -> str:
    """Returns the text on the screen."""
    lines = (strip.text.rstrip() for strip in app.screen._compositor.render_strips())
    return "\n".join(lines).rstrip() + "\n"
