"""Earlier states of a run, to look at and to go on from: dense for the recent past, then thinner.

A snapshot is all that `checkpoint.capture_state` copies. The newest are in memory; all of them are
files in the run's folder, where that can be written (`snapshot_files`).
"""

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.experiment.byte_size import parse_byte_size
from tuilab.core.format import format_bytes, format_count
from tuilab.engine.snapshot_files import Snapshot, SnapshotFiles

State = dict[str, Any]

MAX_SNAPSHOTS = 96
"""Snapshots of a run, so that there are not too many to walk through."""

MIN_SNAPSHOTS = 4
"""Fewer than this do not make a path: a network that leaves room for fewer is too large."""

RECENT_SNAPSHOTS = 8
"""The newest snapshots, which are not thinned."""

MAX_MEMORY = 64 << 20
"""Bytes of states that are kept in memory, besides the files."""


class SnapshotSchedule:
    """When the state is copied: at multiples of a power of two, as far apart as the cost asks for.

    The first copies are at the steps 1, 2, 4, 8, ... The power grows until copies are rare enough,
    and shrinks where training has become slower, such as at a pace to watch.
    """

    MIN_INTERVAL = 0.5
    "Seconds between two copies, after the first few."

    MAX_SHARE = 0.004
    """Of the time, for copies and for writing them, as their own clocks say: the writing thread
    also holds up the one that trains, which no clock measures."""

    FREE_SECONDS = 0.02
    "Seconds that the first copies of a run may take before their share of the time counts."

    def __init__(self) -> None:
        self.stride = 1
        self._last_at = time.perf_counter()
        self._last_cost = self._total_cost = 0.0

    def begin_at(self, step: int) -> None:
        """Begins with copies that are as far apart as suits a run of this many steps."""
        self.stride = 1 << max(0, step.bit_length() - 5)

    def is_due(self, step: int) -> bool:
        """Returns whether the state after a step is to be copied."""
        if step % self.stride:
            return False
        waited = time.perf_counter() - self._last_at
        is_early = waited < max(self.MIN_INTERVAL, self._last_cost / self.MAX_SHARE)
        is_free = self._total_cost <= self.FREE_SECONDS
        if is_early:
            self.stride *= 2
        return is_free or not is_early

    def relax(self) -> None:
        """Brings the next copy nearer where the last one is long ago; called with every report."""
        waited = time.perf_counter() - self._last_at
        if waited > 2 * max(self.MIN_INTERVAL, self._last_cost / self.MAX_SHARE):
            self.stride = max(1, self.stride // 2)

    def add_cost(self, seconds: float) -> None:
        """Records that a copy was made, and how long that and writing the one before took."""
        self._last_at, self._last_cost = time.perf_counter(), seconds
        self._total_cost += seconds


class Snapshots:
    """The snapshots of one run within a budget of bytes; used by the thread that trains."""

    def __init__(self, size: str = "off") -> None:
        self.schedule = SnapshotSchedule()
        self.entries: list[Snapshot] = []
        self.problem = ""
        "What is to be said about them, as a sentence; the reader empties it."
        self.on_change: Callable[[], None] = lambda: None
        "Is called after the list of steps has changed."
        self._files: SnapshotFiles | None = None
        self._outdated: list[int] = []
        "Steps of files that an earlier process wrote after the state that the run goes on from."
        self._budget = parse_byte_size(size)
        self._needed_bytes = 0
        "Of the newest state that was offered."

    # --- what there is ------------------------------------------------------------------------

    @property
    def steps(self) -> list[int]:
        """The steps of all snapshots, the oldest first."""
        return [entry.step for entry in self.entries]

    @property
    def is_off(self) -> bool:
        """Whether none are kept."""
        return not self._budget

    @property
    def is_too_large(self) -> bool:
        """Whether the budget has no room for enough states of this network."""
        return not self.is_off and self._needed_bytes * MIN_SNAPSHOTS > self._budget

    @property
    def in_memory(self) -> list[tuple[int, State]]:
        """The steps and states that can be had without reading a file, the oldest first."""
        return [(entry.step, entry.state) for entry in self.entries if entry.state is not None]

    def load(self, step: int) -> State:
        """Returns the state of the snapshot at a step.

        Raises:
            InputError: there is none any more; one that is damaged or gone leaves the list.
        """
        entry = next((entry for entry in self.entries if entry.step == step), None)
        if entry is None:
            raise InputError(f"there is no snapshot of step {format_count(step)}")
        if entry.state is not None:
            return entry.state
        try:
            if self._files is None:
                raise InputError("it was never written")
            return self._files.read(step)
        except InputError as error:
            self._remove([entry])
            self.on_change()
            problem = f"the snapshot of step {format_count(step)} cannot be used: {error}"
            raise InputError(problem) from None

    def nearest(self, step: int) -> int | None:
        """Returns the step of the snapshot that is nearest to a step; None if there is none."""
        return min(self.steps, key=lambda other: abs(other - step), default=None)

    # --- adding and thinning ------------------------------------------------------------------

    def use_folder(self, folder: Path, until: int) -> None:
        """Keeps snapshots as files of a folder, and lists those up to a step that are there."""
        self._files = SnapshotFiles(folder)
        self.schedule.begin_at(until)
        present = set(self.steps)
        stored = [entry for entry in self._files.list() if entry.step not in present]
        self._outdated = [entry.step for entry in stored if entry.step > until]
        self.entries += [entry for entry in stored if entry.step <= until]
        self.entries.sort(key=lambda entry: entry.step)
        for entry in self.entries:
            if entry.state is not None:
                self._files.write(entry)

    def set_budget(self, size: str) -> None:
        """Changes the budget; what does not fit is removed, the files too."""
        self._budget = parse_byte_size(size)
        self._thin()
        self.on_change()

    def add(self, state: State) -> None:
        """Adds a captured state; later ones are of a time that the run went back from."""
        step = state["position"][0]
        self._remove(self.entries[bisect_left(self.steps, step) :])
        self._remove_outdated()
        was_too_large, self._needed_bytes = self.is_too_large, measure_bytes(state)
        if self.is_too_large and not was_too_large:
            self.problem = self._describe_size()
        if self.is_too_large or self.is_off:
            return
        entry = Snapshot(step, self._needed_bytes, state)
        self.entries.append(entry)
        if self._files is not None:
            self._files.write(entry)
        self._thin()
        self.on_change()

    def drop_after(self, step: int) -> None:
        """Drops those after a step, which the run has gone back to."""
        self._remove([entry for entry in self.entries if entry.step > step])
        self.on_change()

    def take_cost(self) -> float:
        """Returns the seconds of the processor for what was written since the last call."""
        return 0.0 if self._files is None else self._files.take_cost()

    def take_problem(self) -> str:
        """Returns what is to be said since the last call, as a sentence; most often nothing."""
        problem, self.problem = self.problem, ""
        return problem or (self._files.take_problem() if self._files is not None else "")

    def finish_writing(self, timeout: float) -> None:
        """Waits until all that was added is written, at most this many seconds."""
        if self._files is not None:
            self._files.wait(timeout)

    def _remove_outdated(self) -> None:
        """Deletes files of a past that was left, once training goes on."""
        if self._files is not None:
            for step in self._outdated:
                self._files.remove(step)
        self._outdated = []

    def _describe_size(self) -> str:
        return (
            f"No snapshots are kept: each takes {format_bytes(self._needed_bytes)}, and "
            f"training.snapshots has room for fewer than {MIN_SNAPSHOTS} "
            f"({format_bytes(self._budget)})."
        )

    def _thin(self) -> None:
        """Removes snapshots until they fit, then frees memory of those that are files."""
        entries = list(self.entries)
        while entries and (len(entries) > MAX_SNAPSHOTS or _total(entries) > self._budget):
            del entries[choose_redundant([entry.step for entry in entries])]
        remaining = set(map(id, entries))
        self._remove([entry for entry in self.entries if id(entry) not in remaining])
        held = [entry for entry in self.entries if entry.state is not None]
        limit = min(MAX_MEMORY, self._budget)
        while len(held) > 1 and _total(held) > limit:
            entry = held.pop(choose_redundant([entry.step for entry in held]))
            if entry.is_stored:
                entry.state = None
            else:  # the disk does not take it
                self._remove([entry])

    def _remove(self, removed: Sequence[Snapshot]) -> None:
        identities = set(map(id, removed))
        self.entries = [entry for entry in self.entries if id(entry) not in identities]
        for entry in removed:
            entry.is_removed = True
            if self._files is not None:
                self._files.remove(entry.step)


def choose_redundant(steps: Sequence[int]) -> int:
    """Returns the index of the snapshot to drop: where the gap is smallest for its age.

    So gaps grow in proportion to age. The first snapshot stays, and the newest few do.

    >>> choose_redundant([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120])
    1
    """
    newest = steps[-1]
    recent = min(RECENT_SNAPSHOTS, len(steps) // 2)
    inner = range(1, len(steps) - recent)
    if not inner:
        return 0
    return min(
        inner, key=lambda i: (steps[i + 1] - steps[i - 1]) / (1 + newest - steps[i - 1])
    )  # fmt: skip


def _total(entries: Sequence[Snapshot]) -> int:
    return sum(entry.size for entry in entries)


def measure_bytes(state: Any) -> int:
    """Returns the bytes of all tensors in a structure of dicts and lists."""
    return sum(tensor.nbytes for tensor in _iter_tensors(state))


def _iter_tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _iter_tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _iter_tensors(item)
