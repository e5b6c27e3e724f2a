"""When to report, and what: about ten times a second, whatever the speed of the steps.

In between, a step costs one look at the clock and one entry in a list; the device is read
only when a report is due.
"""

import time
from collections import deque
from collections.abc import Iterator
from math import isfinite

import psutil
import torch
from torch import Tensor

from tuilab.core.protocol.events import AnyEvent, LayerStatsReported, Progressed
from tuilab.engine import checkpoint
from tuilab.engine.failures import not_finite
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.session import Session

INTERVAL = 0.1
"""Seconds between two reports, and between two evaluations of very short epochs."""

KEEP_GOOD = 1.0
"""Seconds between two copies of the state that a failed run can go back to."""

MOST_STEPS = 4096
"""Steps between two reports at most, so that what is kept for a report stays small."""

LARGE = 1 << 18
"""Numbers in an output of which only the newest is kept for a report."""

TELLING = 5
"""Steps from which on their speed says something: the first ones are far slower than the rest."""

_process = psutil.Process()


class ProgressReporter:
    """The clock of one training loop, and what has come together since its last report."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.has_failed = False
        self.is_due = False
        self._losses: list[Tensor] = []
        self._outputs: deque[tuple[Tensor, Tensor]] = deque(maxlen=8)
        self._examples = 0
        self._epoch: dict[str, list[float]] = {}
        self._last_probe: LayerStatsReported | None = None
        now = time.perf_counter()
        self._since = self._reported = self._kept_good = now
        self._evaluated = now - INTERVAL
        self._good_interval = KEEP_GOOD
        if session.good is None:
            session.good = checkpoint.state(session)

    # --- while steps go by ------------------------------------------------------------------

    def add(self, loss: Tensor, output: Tensor, targets: Tensor) -> None:
        """Remember a step until the next report."""
        self._losses.append(loss)
        if output.numel() > LARGE:
            self._outputs.clear()
        self._outputs.append((output, targets))
        self._examples += len(targets)

    def will_report(self) -> bool:
        """Whether a report is due after the step at hand."""
        is_late = time.perf_counter() - self._reported >= INTERVAL
        self.is_due = is_late or self._is_asked or len(self._losses) >= MOST_STEPS
        return self.is_due

    @property
    def _is_asked(self) -> bool:
        """Whether the step at hand is one to be told of whatever the clock says."""
        session, epoch = self.session, self.session.epoch + 1
        if session.step + 1 == session.report_at_step:
            return True
        ends = epoch == session.report_at_epoch or epoch >= session.experiment.training.epochs
        return ends and session.is_last_batch

    def pause_point(self, event: AnyEvent | None) -> Iterator[AnyEvent | None]:
        """Leave the loop with an event or none; time until it is entered again does not count."""
        left = time.perf_counter()
        yield event
        away = time.perf_counter() - left
        self._since += away
        self._reported += away

    @property
    def is_evaluation_due(self) -> bool:
        """Whether the epoch that ended is to be measured: the last one always is."""
        session, now = self.session, time.perf_counter()
        is_asked = session.is_over or session.epoch == session.report_at_epoch
        is_asked = is_asked or session.needs_every_epoch
        if not is_asked and now - self._evaluated < INTERVAL:
            return False
        self._evaluated = now
        return True

    # --- when a report is due ---------------------------------------------------------------

    def report(self, probe: StepProbe | None) -> Iterator[AnyEvent]:
        """What has happened since the last report."""
        losses = torch.stack(self._losses).tolist()
        first_bad = next((i for i, loss in enumerate(losses) if not isfinite(loss)), None)
        yield self._progress(losses)
        if probe is not None:
            self._last_probe = probe.after()
            yield self._last_probe
        if first_bad is not None:
            self.has_failed = True
            step = self.session.step - len(losses) + first_bad + 1
            yield not_finite(self.session, step, losses[first_bad], self._last_probe)
            return
        self._keep_good()
        self._losses.clear()
        self._outputs.clear()
        self._examples = 0

    def _progress(self, losses: list[float]) -> Progressed:
        session, now = self.session, time.perf_counter()
        elapsed = max(now - self._since, 1e-9)
        session.seconds += elapsed
        self._since = self._reported = now
        outputs, targets = (torch.cat(tensors) for tensors in zip(*self._outputs, strict=True))
        measured = {**session.task.measure(outputs, targets), **session.task.extras()}
        if session.penalty is not None:
            measured["penalty"] = float(session.penalty)
        loss = sum(losses) / len(losses)
        for name, value in {"loss": loss, **measured}.items():
            self._epoch.setdefault(name, []).append(value)
        steps = len(losses) / elapsed
        left = session.experiment.training.epochs - session.passed
        on_gpu = session.device.type == "cuda"
        return Progressed(
            run=session.run,
            step=session.step,
            epoch=session.passed,
            loss=loss,
            low=min(losses),
            high=max(losses),
            metrics=measured,
            lr=session.lr_used,
            steps_per_second=steps,
            examples_per_second=self._examples / elapsed,
            seconds=session.seconds,
            left=left * session.batches / steps if session.step >= TELLING else None,
            memory=_process.memory_info().rss,
            device_memory=torch.cuda.memory_allocated(session.device) if on_gpu else 0,
        )

    def _keep_good(self) -> None:
        """Copy the state while it is good, at a hundredth of the time at most."""
        now = time.perf_counter()
        if now - self._kept_good < self._good_interval:
            return
        self.session.trail.add(self.session.good)  # the one before, as it gives way to a new one
        checkpoint.keep_good(self.session)
        self._kept_good = time.perf_counter()
        self._good_interval = max(KEEP_GOOD, 100 * (self._kept_good - now))

    def end_epoch(self) -> dict[str, float]:
        """Means of the training loss and metric over the reports since the last evaluation."""
        if not self._epoch and self._losses:
            return {"loss": float(torch.stack(self._losses).mean())}
        means = {name: sum(values) / len(values) for name, values in self._epoch.items()}
        self._epoch.clear()
        return means
