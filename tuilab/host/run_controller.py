"""Takes one session through its run: when it trains, where it pauses, and what is saved."""

import time
from collections.abc import Callable, Iterator
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from tuilab.core.errors import InputError
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import SetKnob
from tuilab.core.protocol.events import (
    AnyEvent,
    Checking,
    ChecksReported,
    EpochEnded,
    Failed,
    Finished,
    Logged,
    Paused,
    Progressed,
    Resumed,
)
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.host import run_store
from tuilab.host.run_snapshots import RunSnapshots

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.checkpoint_store import CheckpointStore
    from tuilab.engine.inspect.dispatch import Dispatcher
    from tuilab.engine.progress import ProgressReporter
    from tuilab.engine.session import Session

Reason = Literal["done", "stopped", "interrupted"]

MIN_SAVE_INTERVAL, MAX_SAVE_INTERVAL = 5.0, 60.0
"""Seconds of training until the first automatic checkpoint, and between later ones."""

PACE_SLICE = 0.02
"""Longest sleep, in seconds, before it is looked whether a command has come."""

CHECK_INTERVAL = 0.1
"""Seconds between two reports of the progress of a check."""

SAVE_SHARE = 50
"""The interval is at least this many times as long as writing a checkpoint takes."""


class RunController:
    """One session in progress, used only by the worker's thread.

    Args:
        folder: the run's folder.
        publish: called with every event.
        flush_log: writes all events so far into the log of the run.
        is_paced: whether it keeps to `training.pace`.
    """

    def __init__(
        self,
        session: "Session",
        folder: Path,
        publish: Callable[[AnyEvent], None],
        flush_log: Callable[[], None],
        *,
        is_paced: bool = False,
    ) -> None:
        self.session = session
        self.is_active = True
        "Whether there is a run that can be stopped."
        self.is_training = False
        self._publish, self._flush_log = publish, flush_log
        self._checkpoint = folder / run_store.CHECKPOINT
        self._store: CheckpointStore | None = None
        self._batches: Iterator[AnyEvent | None] | None = None
        self._reporter: ProgressReporter | None = None
        self._last_step = self._last_epoch = inf
        "Where to pause."
        self._is_paced = is_paced
        self._paced_step, self._next_step_at = session.step, -inf
        "The step that was taken last, and when the next one is due."
        self._save_interval = MIN_SAVE_INTERVAL
        self._save_at = session.seconds + MIN_SAVE_INTERVAL
        self._has_nonfinite_loss = False
        "Whether the session is past a loss that was not finite."
        self._complaint = ""
        self._dispatcher: Dispatcher | None = None
        self.snapshots = RunSnapshots(session, folder, publish)
        self._checks: Iterator[Checking | ChecksReported] | None = None
        self._checked_at = -inf
        "When the progress of the checks was reported last."
        self._weights_set: list[WeightSet] = []
        "Weights set by hand, to be undone from the last one on."

    def train(self, is_idle: Callable[[], bool]) -> None:
        """Trains until a command arrives, the target is reached or the run ends."""
        session, last_step = self.session, self._last_step
        assert self._batches is not None
        if not self._wait(is_idle):
            return
        for event in self._batches:
            if event is not None:
                self._handle(event)
                if not self.is_training:
                    return
            elif session.step >= last_step:
                self.pause()
                return
            elif not (is_idle() and self._wait(is_idle)):
                return
        self.end("done")

    @property
    def _pace(self) -> float:
        return self.session.experiment.training.pace if self._is_paced else 0.0

    def _wait(self, is_idle: Callable[[], bool]) -> bool:
        """Waits until the next step is due; returns False if a command came first."""
        pace, step = self._pace, self.session.step
        if not pace:
            return True
        if step != self._paced_step:
            self._paced_step, now = step, time.monotonic()
            due = self._next_step_at if self._next_step_at > -inf else now
            self._next_step_at = max(due + 1 / pace, now)
        while (left := self._next_step_at - time.monotonic()) > 0:
            time.sleep(min(left, PACE_SLICE, 1 / pace))
            if not is_idle():
                return False
        return True

    def _handle(self, event: AnyEvent) -> None:
        if isinstance(event, Progressed):
            event = self._at_pace(event)
        self._publish(event)
        match event:
            case Progressed():
                if event.seconds >= self._save_at and isfinite(event.loss):
                    self.save()
                self.snapshots.report_problem()
            case EpochEnded():
                # The last epoch's end is the run's end: no pause before it.
                if event.epoch >= self._last_epoch and not self.session.is_over:
                    self.pause()
            case Failed():
                self._has_nonfinite_loss = True
                self.fail(event)

    def pause(self) -> None:
        """Stops between two batches."""
        self.is_training = False
        if self.is_active:
            self._report()
            self._publish(Paused(self.session.run, self.session.step))

    def _report(self) -> None:
        """Reports the steps that the clock has not reported yet."""
        if self._reporter is not None:
            for event in self._reporter.flush():
                self._publish(self._at_pace(event))

    def _at_pace(self, event: Progressed) -> Progressed:
        """Returns a report with the speed that the pace allows."""
        pace, left = self._pace, event.seconds_left
        if not 0 < pace < event.steps_per_second:
            return event
        ratio = event.steps_per_second / pace
        return replace(
            event,
            steps_per_second=pace,
            examples_per_second=event.examples_per_second / ratio,
            seconds_left=None if left is None else left * ratio,
        )

    def fail(self, failure: Failed) -> None:
        """Stops after a failure; gives the run up if it cannot be recovered."""
        self.is_training = False
        self.is_active = failure.recoverable
        self._batches = None

    def start(self, steps: int = 0, epochs: int = 0) -> None:
        """Starts training for this many batches or epochs, or to the end."""
        session = self.session
        self._last_step = session.step + steps if steps else inf
        self._last_epoch = session.epoch + epochs if epochs else inf
        self._next_step_at = -inf  # the first step is taken at once
        session.report_at_step = session.step + steps if steps else -1
        session.report_at_epoch = session.epoch + epochs if epochs else -1
        if self._batches is None:
            from tuilab.engine.progress import ProgressReporter
            from tuilab.engine.train import train

            self._reporter = ProgressReporter(session)
            self._batches = train(session, self._reporter)
        self.is_training = self.is_active = True

    def resume(self, steps: int = 0, epochs: int = 0) -> None:
        """Continues a paused run, or a finished one if there are more epochs by now."""
        session = self.session
        if session.is_over and not self.is_active:
            total = format_count(session.experiment.training.epochs)
            finished = f"All {total} epochs are done; raise training.epochs"
            stopped = "It stopped early; raise regularization.patience or training.epochs"
            self._publish(Logged(f"{stopped if session.is_stopped else finished} to continue."))
            return
        if not self.is_training:
            self._publish(Resumed(session.run, session.step))
        self.start(steps, epochs)

    def change(self, command: SetKnob | SetWeight) -> None:
        """Changes a live knob or a weight; what is not possible is logged and changes nothing."""
        from tuilab.engine.inspect.units.set_weight import set_weight

        try:
            if isinstance(command, SetWeight):
                if self.snapshots.is_in_past:
                    raise InputError("this is a snapshot; go back to now to set a weight")
                self._publish(set_weight(self.session, command, self._weights_set))
            else:
                before = self.session.lr
                self._publish(self.session.set_knob(command.key, command.value))
                self._report_rate_change(command.key, before)
                self._is_paced |= command.key == "training.pace"
                self._next_step_at = -inf
        except InputError as error:
            self._publish(Logged(f"Nothing was changed: {error}"))

    def _report_rate_change(self, key: str, before: float) -> None:
        """Says that the learning rate jumps, if a knob other than itself has changed it."""
        from tuilab.engine.checkpoint import describe_rate_change

        if not key.startswith("optimizer."):
            for sentence in describe_rate_change(before, self.session.lr):
                self._publish(Logged(f"Step {format_count(self.session.step)}: {sentence}."))

    def rewind(self) -> None:
        """Goes back to the last good state and waits there."""
        from tuilab.engine import checkpoint

        if not self._has_nonfinite_loss:
            self._report()  # what led to the state may not have been reported yet
        self._batches = None
        self.is_training, self.is_active, self._has_nonfinite_loss = False, True, False
        self.snapshots.come_back()
        self._publish(checkpoint.rewind(self.session))

    def inspect(self, request: AnyInspectRequest) -> None:
        """Answers a view; an error in it does not stop the run."""
        from tuilab.engine.inspect.dispatch import Dispatcher

        if self._dispatcher is None:
            self._dispatcher = Dispatcher(self.session)
        source = self.snapshots if self.snapshots.is_in_past else self._dispatcher
        try:
            self._publish(source.inspect(request))
        except Exception as error:
            self._complain(f"The view could not be drawn: {error}")

    def keep_snapshot(self) -> None:
        """Takes a snapshot now, with all steps until then in the history."""
        self._report()
        self.snapshots.keep()

    def travel(self, step: int | None) -> None:
        """Shows an earlier state, or the present one; an error in it does not stop the run."""
        try:
            self.snapshots.travel(step)
        except Exception as error:  # most often out of memory, for a second network
            self._complain(f"The snapshot cannot be shown: {error}")
            self.snapshots.come_back()

    @property
    def is_checking(self) -> bool:
        """Whether checks for the diagnosis are in progress."""
        return self._checks is not None

    def start_checks(self) -> None:
        """Starts the checks for the diagnosis, unless they are in progress or the run trains."""
        if self.is_training:
            self._publish(Logged("Nothing to check: the run trains; pause it first."))
        elif self._checks is None:
            from tuilab.engine.studies.checks import run_checks

            self._checks, self._checked_at = run_checks(self.session), -inf

    def check(self, is_idle: Callable[[], bool]) -> None:
        """Goes on with the checks until a command arrives; an error in one ends them."""
        assert self._checks is not None
        try:
            for event in self._checks:
                now = time.monotonic()
                is_due = now - self._checked_at >= CHECK_INTERVAL
                if is_due or isinstance(event, ChecksReported) or not event.fraction:
                    self._publish(event)
                    self._checked_at = now
                if not is_idle():
                    return
            self._checks = None
        except Exception as error:  # most often out of memory
            self.cancel_checks()
            self._complain(f"The checks could not be finished: {error}")

    def cancel_checks(self) -> bool:
        """Ends the checks, if any are in progress; returns whether there were."""
        if self._checks is None:
            return False
        self._checks = None
        self._publish(Checking(self.session.run, 0, 0, "", 0.0))
        return True

    def save(self) -> None:
        """Writes a checkpoint; if that fails, it is logged and tried again later."""
        start_time = time.perf_counter()
        try:
            self._report()
            if self._has_nonfinite_loss:  # the last good state is saved instead
                self.rewind()
            self._flush_log()
            self._publish(self._open_store().save(self.session))
        except Exception as error:  # such as a full disk or a lost GPU: the run continues
            reason = getattr(error, "strerror", None) or str(error)
            self._complain(f"No checkpoint could be written ({reason}): {self._checkpoint}")
        cost = time.perf_counter() - start_time
        self._save_at = self.session.seconds + max(self._save_interval, SAVE_SHARE * cost)
        self._save_interval = min(MAX_SAVE_INTERVAL, 2 * self._save_interval)

    def _open_store(self) -> "CheckpointStore":
        """Returns where the checkpoints are kept."""
        from tuilab.engine.checkpoint_store import CheckpointStore

        if self._store is None:
            self._store = CheckpointStore(self._checkpoint, self._complain)
        return self._store

    def _save_final(self) -> str:
        """Saves the end of the run; returns what is lost, if that is impossible."""
        self._flush_log()
        final = self._open_store().save_final(self.session)
        if final.saved is not None:
            self._publish(final.saved)
        for text in filter(None, (final.note, final.lost)):
            self._complain(text)
        return final.lost

    def end(self, reason: Reason, *, measure: bool = True) -> None:
        """Saves a checkpoint and finishes."""
        from tuilab.engine import checkpoint

        self._report()
        session, step = self.session, self.session.step
        if self._has_nonfinite_loss:
            # Not published: the history up to the failure stays, to be diagnosed.
            checkpoint.rewind(session)
            self._has_nonfinite_loss = False
        self.snapshots.close()
        lost = self._save_final()
        self.is_training = self.is_active = False
        self._batches = None
        event = Finished(session.run, reason, step, session.epoch, session.seconds, {})
        evaluated = self._evaluate(reason) if measure else None
        self._publish(replace(evaluated or event, step=step, lost=lost))

    def _evaluate(self, reason: Reason) -> Finished | None:
        """Returns the end with its results; None if the evaluation fails, the run ends anyway."""
        try:
            return self.session.finished_event(reason)
        except Exception as error:  # most often out of memory: evaluation uses larger batches
            self._complain(f"The results could not be evaluated: {error}")
            return None

    def _complain(self, text: str) -> None:
        """Logs a problem once, however often it occurs in a row."""
        if text != self._complaint:
            self._complaint = text
            self._publish(Logged(text))
