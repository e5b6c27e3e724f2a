"""When a run reports, and what: about ten times a second, however fast the steps are.

In between, a step costs one reading of the clock and one entry in a list; the device is read only
for a report.
"""

import time
from collections import deque
from collections.abc import Generator, Iterator
from math import isfinite

import psutil
import torch
from torch import Tensor

from tuilab.core.protocol.events import AnyEvent, EpochEnded, Progressed
from tuilab.engine import checkpoint
from tuilab.engine.failures import describe_non_finite_loss
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.session import Session

REPORT_INTERVAL = 0.1
"""Seconds between two reports, and between two evaluations of short epochs."""

GOOD_STATE_INTERVAL = 1.0
"""Seconds between two copies of the state that a failed run can go back to."""

MAX_STEPS = 4096
"""Steps between two reports, so that what is kept for one stays small."""

LARGE_OUTPUT = 1 << 18
"""Numbers in an output; of larger outputs only the newest is kept for a report."""

WARM_UP_STEPS = 5
"""Steps before the time left is estimated: the first ones are far slower than the rest."""

_process = psutil.Process()


class ProgressReporter:
    """The clock of one training loop, and what has been collected since its last report."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.has_failed = False
        self._losses: list[Tensor] = []
        self._outputs: deque[tuple[Tensor, Tensor]] = deque(maxlen=8)
        self._examples = 0
        self._epoch_metrics: dict[str, list[float]] = {}
        "Of all reports since the last evaluation."
        now = time.perf_counter()
        self._counted_until = self._reported_at = self._kept_good_at = now
        self._evaluated_at = now - REPORT_INTERVAL
        self._good_interval = GOOD_STATE_INTERVAL
        if session.good_state is None:
            session.good_state = checkpoint.capture_state(session)

    # --- after each step --------------------------------------------------------------------

    def add(self, loss: Tensor, output: Tensor, targets: Tensor) -> None:
        """Keeps a step for the next report.

        Args:
            loss: [], left on the device like the others.
            output: [batch, ...].
            targets: what the output is compared with, [batch, ...].
        """
        self._losses.append(loss)
        if output.numel() > LARGE_OUTPUT:
            self._outputs.clear()
        self._outputs.append((output, targets))
        self._examples += len(targets)

    def will_report(self) -> bool:
        """Returns whether a report is due after the next step."""
        is_late = time.perf_counter() - self._reported_at >= REPORT_INTERVAL
        return is_late or self._is_requested or len(self._losses) >= MAX_STEPS

    @property
    def _is_requested(self) -> bool:
        """Returns whether the next step is reported whatever the clock says."""
        session, epoch = self.session, self.session.epoch + 1
        if session.step + 1 == session.report_at_step:
            return True
        ends = epoch == session.report_at_epoch or epoch >= session.experiment.training.epochs
        return ends and session.is_last_batch

    def pause_point(self, event: AnyEvent | None = None) -> Iterator[AnyEvent | None]:
        """Leaves the loop with an event or none; time outside is not counted as training."""
        start = time.perf_counter()
        yield event
        paused = time.perf_counter() - start
        self._counted_until += paused
        self._reported_at += paused

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

    def will_evaluate(self) -> bool:
        """Returns whether the epoch that has just ended is measured: the last one always is."""
        session, now = self.session, time.perf_counter()
        is_requested = session.is_over or session.epoch == session.report_at_epoch
        is_needed = is_requested or session.needs_every_validation
        if not is_needed and now - self._evaluated_at < REPORT_INTERVAL:
            return False
        self._evaluated_at = now
        return True

    # --- when a report is due ---------------------------------------------------------------

    def report(self, probe: StepProbe) -> Iterator[AnyEvent]:
        """Yields the events on the steps since the last report; the last step was measured."""
        losses = torch.stack(self._losses).tolist()
        yield self._progress(losses)
        stats = probe.report()
        yield stats
        for number, loss in enumerate(losses):
            if not isfinite(loss):
                self.has_failed = True
                step = self.session.step - len(losses) + number + 1
                yield describe_non_finite_loss(self.session, step, loss, stats)
                return
        self._keep_good_state()
        self._losses.clear()
        self._outputs.clear()
        self._examples = 0

    def _progress(self, losses: list[float]) -> Progressed:
        session, now = self.session, time.perf_counter()
        elapsed = max(now - self._counted_until, 1e-9)
        session.seconds += elapsed
        self._counted_until = self._reported_at = now
        outputs, targets = (torch.cat(tensors) for tensors in zip(*self._outputs, strict=True))
        metrics = {**session.task.measure(outputs, targets), **session.task.extra_metrics()}
        if session.penalty is not None:
            metrics["penalty"] = float(session.penalty)
        loss = sum(losses) / len(losses)
        for name, value in {"loss": loss, **metrics}.items():
            self._epoch_metrics.setdefault(name, []).append(value)
        speed = len(losses) / elapsed
        epochs_left = session.experiment.training.epochs - session.epochs_done
        seconds_left = epochs_left * session.batches_per_epoch / speed
        is_gpu = session.device.type == "cuda"
        return Progressed(
            run=session.run,
            step=session.step,
            epoch=session.epochs_done,
            loss=loss,
            low=min(losses),
            high=max(losses),
            metrics=metrics,
            lr=session.last_lr,
            steps_per_second=speed,
            examples_per_second=self._examples / elapsed,
            seconds=session.seconds,
            seconds_left=seconds_left if session.step >= WARM_UP_STEPS else None,
            memory=_process.memory_info().rss,
            device_memory=torch.cuda.memory_allocated(session.device) if is_gpu else 0,
        )

    def _keep_good_state(self) -> None:
        """Copies the state now and then; the copies take a hundredth of the time at most."""
        now = time.perf_counter()
        if now - self._kept_good_at < self._good_interval:
            return
        self.session.snapshots.add(self.session.good_state)  # the one that is replaced now
        checkpoint.keep_good_state(self.session)
        self._kept_good_at = time.perf_counter()
        self._good_interval = max(GOOD_STATE_INTERVAL, 100 * (self._kept_good_at - now))

    def end_epoch(self, validation: dict[str, float]) -> EpochEnded:
        """Returns the event of a measured epoch, with the means of its reports."""
        session = self.session
        means = {name: sum(values) / len(values) for name, values in self._epoch_metrics.items()}
        if not means and self._losses:  # no report fell into a short epoch
            means = {"loss": float(torch.stack(self._losses).mean())}
        self._epoch_metrics.clear()
        matrix = session.task.matrix()
        return EpochEnded(session.run, session.step, session.epoch, means, validation, matrix)
