"""The runs that are drawn over the present one: which, in which color, aligned by what."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from tuilab.core.run.run import Run
from tuilab.core.run.run_summary import RunSummary
from tuilab.core.run.step_map import UNITS, Unit
from tuilab.ui.terminal.glyphs import get_glyphs

MAX_RUNS = 20
"""Runs that can be drawn at once: there are that many pairs of a color and a marker."""

COLORS = (4, 6, 5, 3)
"""Those of the lines of other runs; the first two are of the present run."""

MARKERS = (4, 5, 1, 2, 3)
"""Places of their markers; the first one is of the present run. No pair of a color and a marker
comes twice, since the lengths of both have no common factor."""


@dataclass(frozen=True, slots=True)
class OverlaidRun:
    """A stored run that is drawn over the present one."""

    summary: RunSummary
    run: Run
    slot: int
    "Its place among the colors and markers, which it keeps."
    label: str = ""

    @property
    def id(self) -> str:
        """The id of the run."""
        return self.summary.id

    @property
    def color(self) -> int:
        """The number of its color."""
        return COLORS[self.slot % len(COLORS)]

    @property
    def marker(self) -> int:
        """The place of its marker among those of lines."""
        return MARKERS[self.slot % len(MARKERS)]


class RunOverlay:
    """The runs that are drawn over the present one, in the order in which they came."""

    def __init__(self) -> None:
        self.runs: tuple[OverlaidRun, ...] = ()
        self.pinned = ""
        "The baseline: it stays when the others are removed."
        self.unit: Unit = "step"
        "What all runs are aligned by."
        self.version = 0
        "Another one after each change."

    @property
    def ids(self) -> set[str]:
        """The runs that are drawn."""
        return {run.id for run in self.runs}

    @property
    def markers(self) -> dict[str, str]:
        """The markers on the lines of the runs."""
        return {run.id: get_glyphs().line_markers[run.marker] for run in self.runs}

    def put(self, runs: Iterable[tuple[RunSummary, Run]]) -> int:
        """Draws runs, or what is known of them by now; returns for how many there was no room."""
        by_id = {run.id: run for run in self.runs}
        omitted = 0
        for summary, run in runs:
            if (known := by_id.get(summary.id)) is not None:
                by_id[summary.id] = replace(known, summary=summary, run=run)
            elif len(by_id) >= MAX_RUNS:
                omitted += 1
            else:
                slots = {other.slot for other in by_id.values()}
                slot = next(slot for slot in range(MAX_RUNS) if slot not in slots)
                by_id[summary.id] = OverlaidRun(summary, run, slot)
        self._set(by_id.values())
        return omitted

    def remove(self, ids: Collection[str]) -> None:
        """Draws some runs no longer."""
        self._set(run for run in self.runs if run.id not in ids)

    def clear(self) -> int:
        """Draws none but the pinned run, and returns how many there are no longer."""
        before = len(self.runs)
        self._set(run for run in self.runs if run.id == self.pinned)
        return before - len(self.runs)

    def _set(self, runs: Iterable[OverlaidRun]) -> None:
        remaining = tuple(runs)
        names = [run.summary.name for run in remaining]
        self.runs = tuple(
            replace(run, label=run.summary.name if names.count(run.summary.name) == 1 else run.id)
            for run in remaining
        )
        self.version += 1

    def next_unit(self) -> Unit:
        """Aligns all runs by the next unit, and returns it."""
        self.unit = UNITS[(UNITS.index(self.unit) + 1) % len(UNITS)]
        self.version += 1
        return self.unit
