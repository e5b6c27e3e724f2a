"""The runs that are drawn over the present one: reads them, and reads live ones again."""

import asyncio
import time
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding

from tuilab.core.errors import InputError
from tuilab.core.format import format_counted
from tuilab.core.run.baseline import load_baseline
from tuilab.core.run.run import Run
from tuilab.core.run.run_summary import RunSummary
from tuilab.ui.controllers.context import Context
from tuilab.ui.keymap import bind
from tuilab.ui.run_overlay import MAX_RUNS

if TYPE_CHECKING:  # not before the first frame
    from tuilab.host.run_library import RunLibrary

REFRESH_SECONDS = 3.0
"""Seconds between two looks at the runs in progress."""

REST_FACTOR = 20
"""Reading rests this many times longer than it took: a long log hardly slows the lab down."""


class OverlayController:
    """Draws stored runs over the present one on every chart, and removes them again."""

    BINDINGS: ClassVar[list[Binding]] = [
        bind("Lab", "O", "overlay.clear", "remove other runs",
             "Draw only the present run and the pinned one in the charts"),
    ]  # fmt: skip

    def __init__(self, context: Context) -> None:
        self._context, self._overlay = context, context.workspace.overlay
        self._library: RunLibrary | None = None
        self._is_watching = False

    async def toggle(self, runs: Collection[str]) -> None:
        """Draws runs over the present one; if all of them are drawn, removes them."""
        overlay = self._overlay
        if overlay.ids.issuperset(runs):
            overlay.remove(set(runs) - {overlay.pinned})
            self._context.repaint()
            return
        omitted = await self._put([run for run in runs if run not in overlay.ids])
        if omitted:
            self._context.notify(
                f"{format_counted(omitted, 'run')} not drawn: there is room for {MAX_RUNS}. "
                "O removes those that are drawn.", severity="warning",
            )  # fmt: skip
        elif overlay.ids - {overlay.pinned}:
            text = "In the charts, a draws them over epochs, examples or seconds. O removes them."
            self._context.notify(text, title="Other runs")

    async def show_pinned(self) -> None:
        """Draws the pinned run, and the one that was pinned before no longer."""
        overlay, pinned = self._overlay, load_baseline()
        if pinned == overlay.pinned:
            return
        overlay.remove({overlay.pinned})
        overlay.pinned = pinned
        self._context.repaint()
        if pinned and pinned not in overlay.ids:
            await self._put([pinned], is_quiet=True)

    def clear(self) -> None:
        """Removes all runs but the pinned one."""
        if not self._overlay.clear():
            text = "The pinned run stays: p in the screen of runs unpins it."
            none = "No other run is drawn. R lists all runs: o draws them here."
            self._context.notify(text if self._overlay.runs else none)
        self._context.repaint()

    async def _put(self, runs: Iterable[str], *, is_quiet: bool = False) -> int:
        """Reads runs and draws them; returns for how many there was no room.

        Args:
            is_quiet: whether it says nothing of those that cannot be read.
        """
        read = await asyncio.to_thread(self._read, list(runs))
        omitted = self._overlay.put(entry for entry in read if not isinstance(entry, InputError))
        for entry in read:
            if isinstance(entry, InputError) and not is_quiet:
                self._context.notify(str(entry), title="Not drawn", severity="error")
        self._context.repaint()
        if not self._is_watching and self._overlay.runs:
            self._context.start(self._watch())
        return omitted

    def _read(self, runs: Iterable[str]) -> list[tuple[RunSummary, Run] | InputError]:
        """Reads runs with their curves, each as far as it can be read."""
        from tuilab.host.run_library import RunLibrary

        library = self._library = self._library or RunLibrary()
        entries: list[tuple[RunSummary, Run] | InputError] = []
        for run in runs:
            try:
                entries.append((library.summarize(run), library.read(run)))
            except InputError as error:
                entries.append(error)
        return entries

    async def _watch(self) -> None:
        """Reads runs in progress again, as long as any are drawn."""
        self._is_watching, cost = True, 0.0
        try:
            while self._overlay.runs:
                await asyncio.sleep(max(REFRESH_SECONDS, REST_FACTOR * cost))
                start = time.monotonic()
                if changed := await asyncio.to_thread(self._read_changed):
                    ids = self._overlay.ids  # some may have been removed meanwhile
                    self._overlay.put(entry for entry in changed if entry[0].id in ids)
                    self._context.repaint()
                cost = time.monotonic() - start
        finally:
            self._is_watching = False

    def _read_changed(self) -> list[tuple[RunSummary, Run]]:
        """Reads the runs in progress that went on."""
        changed = []
        for other in self._overlay.runs:
            if other.summary.is_active and self._library is not None:
                try:
                    summary = self._library.summarize(other.id)
                    if summary != other.summary:
                        changed.append((summary, self._library.read(other.id)))
                except InputError:
                    continue  # deleted meanwhile: what was read of it stays
        return changed
