"""One pane on a screen of its own under Textual's pilot, with the edits that it requests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Generic, TypeVar

from textual.app import App, ComposeResult
from textual.pilot import Pilot

import tuilab.ui
from tests.support.lab_pilot import screen_text
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.run.run import Run
from tuilab.ui.messages import EditRequested
from tuilab.ui.panes.knobs.knobs_pane import KnobsPane
from tuilab.ui.panes.network.network_pane import NetworkPane
from tuilab.ui.themes import DARK

P = TypeVar("P", NetworkPane, KnobsPane)

SIZES = [(36, 24), (52, 26), (80, 24)]
"""The pane as a column of a narrow screen, of a wide one, and alone."""


class PaneApp(App[None], Generic[P]):
    """Shows a pane, and applies the edits that it requests."""

    CSS_PATH = Path(tuilab.ui.__file__).parent / "tuilab.tcss"

    def __init__(self, pane: P, experiment: Experiment, run: Run) -> None:
        super().__init__()
        self.pane: P = pane
        self.experiment, self.run_shown = experiment, run
        self.edits: list[tuple[str, Any]] = []

    def compose(self) -> ComposeResult:
        self.pane.add_class("pane")
        yield self.pane

    def on_mount(self) -> None:
        self.register_theme(DARK)
        self.theme = DARK.name
        self.show(self.experiment)
        self.pane.focus()

    def show(self, experiment: Experiment) -> None:
        self.experiment = experiment
        self.pane.show(experiment, self.run_shown)

    def on_edit_requested(self, event: EditRequested) -> None:
        self.edits.append((event.key, event.value))
        self.show(with_value(self.experiment, event.key, event.value))


class PanePilot(Generic[P]):
    """A pane under Textual's pilot."""

    def __init__(self, app: PaneApp[P], pilot: Pilot[None]) -> None:
        self.app: PaneApp[P] = app
        self.pane: P = app.pane
        self.pilot = pilot

    @property
    def text(self) -> str:
        """The text on the screen."""
        return screen_text(self.app)

    @property
    def edits(self) -> list[tuple[str, Any]]:
        """The keys and values that the pane asked to change."""
        return self.app.edits

    def line(self, part: str) -> str:
        """Returns the first line of the screen that contains a text."""
        return next((line for line in self.text.splitlines() if part in line), "")

    def row(self, part: str) -> int:
        """Returns the number of that line."""
        return self.text.splitlines().index(self.line(part))

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def type(self, text: str) -> None:
        names = {" ": "space", "=": "equals_sign", "-": "minus", ".": "full_stop", ",": "comma"}
        await self.press(*(names.get(letter, letter) for letter in text))

    async def click(self, part: str, column: int = 8) -> None:
        await self.pilot.click(offset=(column, self.row(part)))
        await self.pilot.pause()


@asynccontextmanager
async def open_pane(
    pane: P, experiment: Experiment, run: Run | None = None, size: tuple[int, int] = (52, 26)
) -> AsyncIterator[PanePilot[P]]:
    """Opens a pane on a screen of this size."""
    app = PaneApp(pane, experiment, run or Run())
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield PanePilot(app, pilot)


def make_training_run(experiment: Experiment) -> Run:
    """Returns a run of an experiment that trains."""
    run = Run()
    run.begin("20260101-spiral", experiment)
    run.state = "training"
    return run
