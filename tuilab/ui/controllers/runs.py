"""The stored runs from within the lab: their screen, and opening one of them."""

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Resume
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.files import FileController
from tuilab.ui.controllers.overlay import OverlayController
from tuilab.ui.keymap import bind

if TYPE_CHECKING:  # not before the first frame
    from tuilab.host.run_library import RunLibrary
    from tuilab.ui.screens.runs.runs_screen import RunChoice


class RunsController:
    """Shows the runs of this user, and brings one of them into the lab."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("Lab", "R", "runs.open", "runs", "All stored runs: find, compare, label, open one")
    ]

    def __init__(self, context: Context, files: FileController, overlay: OverlayController) -> None:
        self._context, self._files, self._overlay = context, files, overlay
        self._workspace = context.workspace
        self._library: RunLibrary | None = None

    async def open(self) -> None:
        """Shows all runs, and opens the one that is chosen."""
        from tuilab.ui.screens.runs.runs_screen import RunsScreen

        library = self._load_library()
        run = self._workspace.run
        open_run = run.id if run.started is not None else ""
        screen = RunsScreen(library, open_run, self._workspace.overlay.markers)
        choice: RunChoice | None = await self._context.ask(screen)
        await self._overlay.show_pinned()
        if choice is None:
            return
        if choice.action == "overlay":
            self._context.show_pane("charts")
            await self._overlay.toggle(choice.runs)
            return
        if choice.run != run.id or run.started is None:
            if not await self._files.may_replace(None):
                return
            if not await self._open_run(library, choice.run):
                return
        if choice.action == "resume":
            self._context.send([Resume()])

    def _load_library(self) -> "RunLibrary":
        from tuilab.host.run_library import RunLibrary

        self._library = self._library or RunLibrary()
        return self._library

    async def switch_to(self, run: str) -> None:
        """Brings a run in progress into the lab; the present one goes on in its host."""
        files = self._files
        may_leave = files.settle_edits() if files.can_leave_run() else files.may_replace(None)
        if await may_leave:
            await self._open_run(self._load_library(), run)

    async def _open_run(self, library: "RunLibrary", run: str) -> bool:
        """Brings a run into the lab, or its experiment where that is all that there is of it.

        Returns:
            Whether the run itself is open.
        """
        self._context.notify("It opens in a moment.", title=run)
        try:
            link = await asyncio.to_thread(library.open, run)
        except InputError as error:
            experiment = await asyncio.to_thread(library.read_experiment, run)
            self._context.notify(str(error), severity="error")
            if experiment is not None:
                self._files.replace(experiment, None)
                self._context.notify("Its experiment is open: space trains it again.", title=run)
            return False
        self._workspace.expect_run(run)
        self._context.take_link(link)
        return True
