"""The journal writes what happens into the run's folder; a full disk never stops the run."""

import os
import time
from collections import deque
from collections.abc import Callable
from math import isnan
from pathlib import Path

from msgspec.structs import replace

from tuilab.core.experiment import toml_file
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Finished,
    LayerStatsReported,
    Loading,
    Logged,
    Progressed,
    Ready,
    Started,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.result_messages import Picture
from tuilab.host import run_store

LEAST_GAP = 0.1
"""Seconds between two stored measurements of a kind, at least."""

PER_RUN = 2000
"""The gap is this part of the run's age: each time the age grows e-fold, so many are stored."""

RETRY = 5.0
"""Seconds until a disk that took nothing is tried again."""

MOST_WAITING = 10_000
"""Lines kept for a disk that takes nothing; then the oldest are given up."""

Measured = Progressed | LayerStatsReported | EpochEnded


class RunLog:
    """The log of whatever run goes on, in that run's own folder."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._started: Started | None = None
        self._log = -1
        self._begun = self._retry_at = 0.0
        self._stored: dict[type[Measured], float] = {}
        self._held: dict[type[Measured], Measured] = {}
        "The newest measurement of each kind that was not stored for being too soon."
        self._lines: deque[bytes] = deque(maxlen=MOST_WAITING)
        self._trouble = ""

    def keep(self, event: AnyEvent) -> list[Logged]:
        """Store an event; notes tell when the disk stops or starts taking them."""
        if isinstance(event, Started):
            self.close()
            self._begin(event)
        if self._started is None or isinstance(event, (Loading, Ready, Picture, InspectResponse)):
            return []
        if isinstance(event, (Progressed, LayerStatsReported, EpochEnded)):
            self._thin(event)
        else:
            self._lines.extend(run_store.line(held) for held in self._in_order())
            self._held.clear()
            self._lines.append(run_store.line(event))
        return self._write(urgent=isinstance(event, Finished))

    def close(self) -> None:
        """Write what is left, as far as the disk takes it, and let go of the folder."""
        if self._started is not None:
            self._write(urgent=True)
        if self._log >= 0:
            os.close(self._log)
        self._started, self._log = None, -1

    def _begin(self, event: Started) -> None:
        self._started, self._begun = event, self._clock()
        self._trouble, self._retry_at = "", 0.0
        self._stored.clear()
        self._held.clear()
        self._lines.clear()

    def _in_order(self) -> list[Measured]:
        return sorted(self._held.values(), key=lambda event: event.step)

    def _thin(self, event: Measured) -> None:
        """Store a measurement, or hold it if the last of its kind was only just stored."""
        kind, now = type(event), self._clock()
        held = self._held.pop(kind, None)
        if isinstance(event, Progressed) and isinstance(held, Progressed):
            event = _spanning(held, event)
        gap = max(LEAST_GAP, (now - self._begun) / PER_RUN)
        if now - self._stored.get(kind, -gap) < gap:
            self._held[kind] = event
            return
        self._stored[kind] = now
        self._lines.append(run_store.line(event))

    def _write(self, *, urgent: bool) -> list[Logged]:
        """Write the waiting lines, unless the disk took nothing a moment ago."""
        if not self._lines or (self._clock() < self._retry_at and not urgent):
            return []
        try:
            self._open()
            while self._lines:
                _write_whole(self._log, self._lines[0])
                self._lines.popleft()
            if urgent:
                os.fsync(self._log)
        except OSError as error:
            return self._complain(error)
        if not self._trouble:
            return []
        self._trouble, self._retry_at = "", 0.0
        return [Logged("The disk takes the run's log again.")]

    def _open(self) -> None:
        assert self._started is not None
        if self._log >= 0:
            return
        path = Path(self._started.folder)
        path.mkdir(parents=True, exist_ok=True)
        toml_file.write(path / run_store.EXPERIMENT, self._started.experiment)
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        self._log = os.open(path / run_store.LOG, flags, 0o644)
        if os.fstat(self._log).st_size:
            _write_whole(self._log, b"\n")  # whatever was torn before ends here

    def _complain(self, error: OSError) -> list[Logged]:
        """One note for each new trouble; the next line begins anew after a torn one."""
        self._retry_at = self._clock() + RETRY
        if self._log >= 0:
            os.close(self._log)
            self._log = -1
        reason = error.strerror or str(error)
        if reason == self._trouble:
            return []
        self._trouble = reason
        where = self._started.folder if self._started else ""
        return [
            Logged(f"The run goes on but its log cannot be written ({reason}): {where}. "
                   "Make room; it is tried again every few seconds.")
        ]  # fmt: skip


def _spanning(skipped: Progressed, event: Progressed) -> Progressed:
    """A report that also holds the highest and lowest loss of one that is left out."""
    lows = [x for x in (skipped.low, event.low) if isnan(x)] or [min(skipped.low, event.low)]
    highs = [x for x in (skipped.high, event.high) if isnan(x)] or [max(skipped.high, event.high)]
    return replace(event, low=lows[0], high=highs[0])


def _write_whole(file: int, text: bytes) -> None:
    """Write all of it: a disk with little room takes a part and complains at the rest."""
    left = memoryview(text)
    while left:
        left = left[os.write(file, left) :]
