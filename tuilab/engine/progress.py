"""What a run reports, and when: about ten times a second, however fast the steps are.

The clock decides only when the screen is fed: which steps and epochs are in the history follows
from their numbers (`schedule`). In between, a step costs one reading of the clock and one entry in
a list; the device is read only for a report.
"""

import time
from collections.abc import Generator, Iterable, Iterator

import psutil
import torch
from msgspec import structs
from torch import Tensor

from tuilab.core.protocol.events import AnyEvent, EpochEnded, Progressed
from tuilab.engine import checkpoint, schedule
from tuilab.engine.failures import describe_non_finite_loss
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.session import Session

REPORT_INTERVAL = 0.1
"""Seconds between two reports."""

GOOD_STATE_INTERVAL = 1.0
"""Seconds between two states that a failed run can go back to: the last steps before a failure
have led to it."""

MAX_STEPS = 4096
"""Steps between two reports, so that what is kept for one stays small."""

WARM_UP_STEPS = 5
"""Steps before the time left is estimated: the first ones are far slower than the rest."""

_process = psutil.Process()


class ProgressReporter:
    """The clock of one training loop, and what has been collected since its last report."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.has_failed = False
        self._examples = 0
        now = time.perf_counter()
        self._counted_until = self._reported_at = self._kept_good_at = now
        if session.good_state is None:
            session.good_state = checkpoint.capture_state(session)
            session.snapshots.add(session.good_state)

    # --- after each step --------------------------------------------------------------------

    def add(self, loss: Tensor, output: Tensor, targets: Tensor) -> None:
        """Records a step.

        Args:
            loss: [], left on the device like the others.
            output: [batch, ...].
            targets: what the output is compared with, [batch, ...].
        """
        session, recorder = self.session, self.session.recorder
        recorder.add(session.step, loss, session.last_lr)
        recorder.add_output(output, targets)
        self._examples += len(targets)
        if recorder.is_full or session.is_epoch_over:
            batches = recorder.take_unmeasured()
            examples = sum(len(targets) for _, targets in batches)
            recorder.add_metrics(self._measure(batches), examples)

    def _measure(self, batches: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
        """Returns the metrics of outputs [batch, ...] and targets [batch, ...]."""
        task, penalty = self.session.task, self.session.penalty
        outputs, targets = (torch.cat(tensors) for tensors in zip(*batches, strict=True))
        penalties = {} if penalty is None else {"penalty": float(penalty)}
        measured = task.measure(outputs, targets)  # empty if no position has a target
        return {**measured, **task.extra_metrics(), **penalties} if measured else {}

    def _is_due(self) -> bool:
        """Returns whether a report is due after this step."""
        session, epoch = self.session, self.session.epoch + 1
        is_late = time.perf_counter() - self._reported_at >= REPORT_INTERVAL
        if is_late or session.step == session.report_at_step:
            return True
        if len(session.recorder) >= MAX_STEPS:
            return True
        ends = epoch == session.report_at_epoch or epoch >= session.experiment.training.epochs
        return ends and session.is_epoch_over

    def pause_point(self, event: AnyEvent | None = None) -> Iterator[AnyEvent | None]:
        """Leaves the loop with an event or none; time outside is not counted as training.

        The next report is due by the clock all the same: a run with a pace waits outside.
        """
        start = time.perf_counter()
        yield event
        paused = time.perf_counter() - start
        self._counted_until += paused

    def pause_points(
        self, chunks: Generator[None, None, dict[str, float]]
    ) -> Generator[AnyEvent | None, None, dict[str, float]]:
        """Leaves the loop after each chunk of an evaluation; returns its metrics."""
        while True:
            try:
                next(chunks)
            except StopIteration as end:
                metrics: dict[str, float] = end.value
                return metrics
            yield from self.pause_point()

    # --- what is reported -------------------------------------------------------------------

    def report(self, probe: StepProbe | None) -> Iterator[AnyEvent | None]:
        """Yields the events after a step, which was measured if it has a probe."""
        recorder, stats = self.session.recorder, None
        if probe is not None:
            stats = structs.replace(probe.report(), metrics=self._measure(recorder.newest_outputs))
            yield from self.pause_point(stats)
        if stats is not None or self.session.is_epoch_over:
            recorder.read()
            if recorder.nonfinite is not None:
                self.has_failed = True
                yield self.progress()
                yield describe_non_finite_loss(self.session, *recorder.nonfinite, stats)
                return
        schedule = self.session.snapshots.schedule
        if self._is_due():
            yield self.progress()
            schedule.relax()
        if schedule.is_due(self.session.step) and recorder.nonfinite is None:
            self._keep_state()

    def flush(self) -> Iterator[Progressed]:
        """Yields a report on the steps that have none yet, if there are any."""
        if self.session.recorder.has_news:
            yield self.progress()

    def progress(self) -> Progressed:
        """Returns a report on the steps since the last one; there must be one step."""
        session, now = self.session, time.perf_counter()
        elapsed = max(now - self._counted_until, 1e-9)
        session.seconds += elapsed
        self._counted_until = self._reported_at = now
        losses, points = session.recorder.take()
        speed = len(losses) / elapsed
        examples, self._examples = self._examples, 0
        epochs_left = session.experiment.training.epochs - session.epochs_done
        seconds_left = epochs_left * session.batches_per_epoch / speed
        is_gpu = session.device.type == "cuda"
        return Progressed(
            run=session.run,
            step=session.step,
            epoch=session.epochs_done,
            loss=sum(losses) / len(losses),
            low=min(losses),
            high=max(losses),
            metrics=self._measure(session.recorder.newest_outputs),
            lr=session.last_lr,
            steps_per_second=speed,
            examples_per_second=examples / elapsed,
            seconds=session.seconds,
            seconds_left=seconds_left if session.step >= WARM_UP_STEPS else None,
            memory=_process.memory_info().rss,
            device_memory=torch.cuda.memory_allocated(session.device) if is_gpu else 0,
            points=points,
        )

    def _keep_state(self) -> None:
        """Copies the state; now and then it becomes the one to go back to after a failure."""
        session, start = self.session, time.perf_counter()
        state = checkpoint.capture_finite_state(session)
        if state is not None and session.recorder.nonfinite is None:  # copying has read the losses
            session.snapshots.add(state)
            if start - self._kept_good_at >= GOOD_STATE_INTERVAL:
                session.good_state, self._kept_good_at = state, start
        cost = time.perf_counter() - start + session.snapshots.take_cost()
        session.snapshots.schedule.add_cost(cost)

    def end_epoch(self) -> bool:
        """Ends the means of an epoch; returns whether it is evaluated: the last one always is."""
        session = self.session
        session.recorder.end_epoch()
        is_requested = session.is_over or session.epoch == session.report_at_epoch
        is_needed = is_requested or session.needs_every_validation
        return is_needed or schedule.is_evaluated(session.epoch)

    def epoch_ended(self, validation: dict[str, float]) -> EpochEnded:
        """Returns the event of an evaluated epoch, with the means over its batches."""
        session = self.session
        means, matrix = session.recorder.epoch_means, session.task.matrix()
        return EpochEnded(session.run, session.step, session.epoch, means, validation, matrix)
