"""The driver takes one session through its run: when it trains, how far, and what is saved."""

import time
from collections.abc import Callable, Iterator
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tuilab.core.errors import InputError
from tuilab.core.protocol.commands import Inspect, Probe, Set
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Failed,
    Finished,
    Logged,
    Paused,
    Progressed,
    Resumed,
)
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.host import run_store

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.inspect.dispatch import Dispatcher
    from tuilab.engine.session import Session

Reason = Literal["done", "stopped", "interrupted"]

FIRST_SAVE, LAST_SAVE = 5.0, 60.0
"""Seconds of training to the first checkpoint that nobody asked for, and between later ones."""

SAVE_SHARE = 50
"""A checkpoint that takes a second is not written again for so many seconds."""


class RunController:
    """One session under way, used by the worker's thread only."""

    def __init__(self, session: "Session", path: Path, tell: Callable[[AnyEvent], None]) -> None:
        self.session = session
        self.is_active = True
        "There is a run that can be stopped."
        self.is_training = False
        self._tell = tell
        self._checkpoint = path / run_store.CHECKPOINT
        self._batches: Iterator[AnyEvent | None] | None = None
        self._last_step = self._last_epoch = inf
        "Where to pause."
        self._spacing = FIRST_SAVE
        self._save_at = session.seconds + FIRST_SAVE
        self._is_spoiled = False
        "The session is past a loss that was not finite."
        self._complaint = ""
        self._inspector: Dispatcher | None = None
        self._assigned: list[Assigned] = []
        "Weights that were written by hand, to be taken back from the last one on."

    def advance(self, nothing_asked: Callable[[], bool]) -> None:
        """Train until somebody asks for something, the aim is reached or the run ends."""
        session, last_step = self.session, self._last_step
        assert self._batches is not None
        for event in self._batches:
            if event is not None:
                self._receive(event)
                if not self.is_training:
                    return
            elif session.step >= last_step:
                self.pause()
                return
            elif not nothing_asked():
                return
        self.end("done")

    def _receive(self, event: AnyEvent) -> None:
        self._tell(event)
        match event:
            case Progressed():
                if event.seconds >= self._save_at and isfinite(event.loss):
                    self.save()
            case EpochEnded():
                # The last epoch's end is the run's end: no pause in front of it.
                if event.epoch >= self._last_epoch and not self.session.is_over:
                    self.pause()
            case Failed():
                self._is_spoiled = True
                self.halt(event)

    def pause(self) -> None:
        """Wait between two batches."""
        self.is_training = False
        if self.is_active:
            self._tell(Paused(self.session.run, self.session.step))

    def halt(self, failure: Failed) -> None:
        """Wait after a failure, or give the run up if it cannot be recovered from."""
        self.is_training = False
        self.is_active = failure.recoverable
        self._batches = None

    def begin(self, steps: int = 0, epochs: int = 0) -> None:
        """Train so many batches, so many epochs, or to the end."""
        session = self.session
        self._last_step = session.step + steps if steps else inf
        self._last_epoch = session.epoch + epochs if epochs else inf
        session.report_at_step = session.step + steps if steps else -1
        session.report_at_epoch = session.epoch + epochs if epochs else -1
        if self._batches is None:
            from tuilab.engine.train import train

            self._batches = train(session)
        self.is_training = self.is_active = True

    def resume(self, steps: int = 0, epochs: int = 0) -> None:
        """Go on from where it waits; after the end too, if there are epochs left by now."""
        session = self.session
        if session.is_over and not self.is_active:
            done = (
                f"All {session.experiment.training.epochs:,} epochs are done; raise training.epochs"
            )
            early = "It has stopped early; raise regularization.patience or training.epochs"
            self._tell(Logged(f"{early if session.is_stopped else done} to go on."))
            return
        if not self.is_training:
            self._tell(Resumed(session.run, session.step))
        self.begin(steps, epochs)

    def set(self, command: Set | Assign) -> None:
        """Change a live knob or a weight; what cannot be is noted and changes nothing."""
        try:
            if isinstance(command, Assign):
                self._tell(self._assign(command))
            else:
                self._tell(self.session.set(command.key, command.value))
        except InputError as error:
            self._tell(Logged(f"Nothing was changed: {error}"))

    def _assign(self, command: Assign) -> AnyEvent:
        from tuilab.engine.inspect.units.set_weight import assign

        return assign(self.session, command, self._assigned)

    def rewind(self) -> None:
        """Go back to the last good state and wait there."""
        from tuilab.engine import checkpoint

        self._batches = None
        self.is_training, self.is_active, self._is_spoiled = False, True, False
        self._tell(checkpoint.rewind(self.session))

    def inspect(self, command: Inspect) -> None:
        """Tell what a view is to show; a view that fails is no reason to stop."""
        from tuilab.engine.inspect.dispatch import Dispatcher

        if self._inspector is None:
            self._inspector = Dispatcher(self.session)
        try:
            self._tell(self._inspector.inspect(command.request))
        except Exception as error:
            self._complain(f"The view could not be drawn: {error}")

    def draw(self, probe: Probe) -> None:
        """Tell what the network says of its data; a picture that fails is no reason to stop."""
        from tuilab.engine.inspect.result import result_inspector

        try:
            picture = result_inspector.picture(self.session, probe)
        except Exception as error:
            self._complain(f"The result could not be drawn: {error}")
            return
        if picture is not None:
            self._tell(picture)

    def save(self) -> None:
        """Write a checkpoint; if that fails it is noted and tried again later."""
        from tuilab.engine import checkpoint

        begun = time.perf_counter()
        try:
            if self._is_spoiled:  # what is kept is the last good state
                self.rewind()
            self._tell(checkpoint.save(self.session, self._checkpoint))
        except Exception as error:  # a full disk, a GPU that is gone: the run or its end goes on
            reason = getattr(error, "strerror", None) or str(error)
            self._complain(f"No checkpoint could be written ({reason}): {self._checkpoint}")
        cost = time.perf_counter() - begun
        self._save_at = self.session.seconds + max(self._spacing, SAVE_SHARE * cost)
        self._spacing = min(LAST_SAVE, 2 * self._spacing)

    def end(self, reason: Reason, *, measure: bool = True) -> None:
        """Save a checkpoint and finish."""
        self.save()
        self.is_training = self.is_active = False
        self._batches = None
        session = self.session
        event = Finished(session.run, reason, session.step, session.epoch, session.seconds, {})
        self._tell((self._measured(reason) if measure else None) or event)

    def _measured(self, reason: Reason) -> Finished | None:
        """The end with its results; None if measuring them fails: the end must not."""
        try:
            return self.session.finished(reason)
        except Exception as error:  # out of memory, most often: evaluation takes larger batches
            self._complain(f"The results could not be measured: {error}")
            return None

    def _complain(self, text: str) -> None:
        """Log a trouble once, however often it comes back in a row."""
        if text != self._complaint:
            self._complaint = text
            self._tell(Logged(text))


def take_over(session: "Session", before: "Session | None", checkpoint: str) -> str:
    """Give a new session what it goes on from; says what that was."""
    if checkpoint:
        from tuilab.engine.checkpoint import restore

        restore(session, Path(checkpoint))
        return f"goes on from step {session.step:,}"
    return session.keep_weights(before) if before is not None else ""
