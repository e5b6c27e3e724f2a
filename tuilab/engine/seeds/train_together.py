"""The training loop of several seeds at once; it reports of each run what `train` would."""

import time
from collections.abc import Iterator, Sequence

import psutil
import torch
from torch import Tensor

from tuilab.core.format import format_count
from tuilab.core.protocol.events import AnyEvent, EpochEnded, Failed, Progressed
from tuilab.engine import schedule
from tuilab.engine.recorder import LARGE_OUTPUT, MAX_NUMBERS, NEWEST_BATCHES
from tuilab.engine.seeds.seed_group import SeedGroup
from tuilab.engine.seeds.stacked_probe import StackedProbe
from tuilab.engine.seeds.stacked_scores import measure_accuracies
from tuilab.engine.session import Session
from tuilab.engine.tasks.task import Task

REPORT_INTERVAL, INTERVAL_PER_NET = 0.25, 0.01
"""Seconds between two reports: at least the first, and more for many networks."""

MAX_STEPS = 4096
"""Steps between two reports."""

_process = psutil.Process()

Batch = tuple[Tensor, Tensor]
"""Outputs [nets, batch, …] and targets [nets, batch, …] of a step."""


class GroupTraining:
    """One loop over a group: yields the events of all its runs, and None after every step.

    A run whose loss is no longer finite ends with `Failed`; the others go on.
    """

    def __init__(self, group: SeedGroup) -> None:
        self.group = group
        self.active = list(range(len(group.sessions)))
        "The numbers of the networks that have not failed."
        self._pending: list[tuple[int, float, Tensor]] = []
        "Step, learning rate and losses [nets] that have not been read."
        self._outputs: list[Batch] = []
        self._unmeasured = self._numbers = self._examples = self._steps = 0
        self._start = self._reported_at = time.perf_counter()
        self._interval = max(REPORT_INTERVAL, INTERVAL_PER_NET * len(group.sessions))

    def run(self) -> Iterator[AnyEvent | None]:
        """Trains to the last epoch."""
        group, leader = self.group, self.group.leader
        while not leader.is_over and self.active:
            while (batch := group.next_batch()) is not None:
                is_measured = schedule.is_measured(leader.step + 1)
                probe = group.probe(batch[0]) if is_measured else None
                losses, outputs = group.step(*batch, probe)
                self._add(losses, outputs, batch[1])
                yield from self._report(probe)
                yield None
            yield from self._end_epoch()

    def finish(self, reason: str) -> Iterator[tuple[Session, dict[str, dict[str, float]]]]:
        """Yields each session that has not failed, ready to be saved, with its results.

        Args:
            reason: how it ended; only of a run that is done or stopped there are results.
        """
        is_measured = reason != "interrupted" and bool(self.active)
        results = {name: self.group.evaluate(name) for name in self.group.splits if is_measured}
        for net in self.active:
            self._hand_over(net)
            session = self.group.release(net)
            values = {name: rows[net] for name, rows in results.items() if rows[net]}
            yield session, values

    def give_up(self) -> list[Session]:
        """Returns the sessions of the networks that had not failed, which have by now."""
        sessions = [self.group.sessions[net] for net in self.active]
        self.active.clear()
        return sessions

    def flush(self) -> Iterator[AnyEvent]:
        """Yields reports of the steps that have none yet, if there are any."""
        if self._steps:
            yield from self._progress()

    # --- what a step leaves -----------------------------------------------------------------

    def _add(self, losses: Tensor, outputs: Tensor, targets: Tensor) -> None:
        """Records a step; the numbers stay on the device. See `Recorder.add_output`."""
        leader, size = self.group.leader, outputs[0].numel()
        self._pending.append((leader.step, leader.last_lr, losses))
        if size > LARGE_OUTPUT:
            self._outputs.clear()
        self._outputs.append((outputs, targets))
        self._numbers += min(size, LARGE_OUTPUT)
        self._unmeasured += 1
        self._steps += 1
        self._examples += outputs.shape[1]
        if self._numbers >= MAX_NUMBERS or leader.is_epoch_over:
            batches = self._outputs[-self._unmeasured :]
            examples = sum(one.shape[1] for _, one in batches)
            for net, metrics in zip(self.active, self._measure(batches), strict=True):
                self.group.sessions[net].recorder.add_metrics(metrics, examples)
            self._outputs = self._outputs[-NEWEST_BATCHES:]
            self._unmeasured = self._numbers = 0

    def _measure(self, batches: Sequence[Batch]) -> list[dict[str, float]]:
        """Returns the metrics of some steps for each active network."""
        outputs, targets = (torch.cat(tensors, dim=1) for tensors in zip(*batches, strict=True))
        task, penalty = self.group.leader.task, self.group.penalty
        is_plain = type(task) is Task and targets.dim() == 2 and not targets.is_floating_point()
        if is_plain:
            accuracies = measure_accuracies(outputs, targets)
            rows = [{"accuracy": accuracies[net]} for net in self.active]
        else:
            rows = [task.measure(outputs[net], targets[net]) for net in self.active]
        if penalty is not None:
            penalties = penalty.tolist()
            for net, row in zip(self.active, rows, strict=True):
                row["penalty"] = penalties[net]
        return rows

    def _read(self) -> None:
        """Gives the losses that are still on the device to the recorders of the sessions."""
        if not self._pending:
            return
        rows = torch.stack([losses for _, _, losses in self._pending], dim=1).tolist()
        steps = [(step, lr, schedule.ends_point(step)) for step, lr, _ in self._pending]
        self._pending.clear()
        for net in self.active:
            self.group.sessions[net].recorder.add_read(steps, rows[net])

    def _hand_over(self, net: int) -> None:
        """Gives a session's recorder the newest outputs, which a checkpoint stores."""
        recorder = self.group.sessions[net].recorder
        measured = len(self._outputs) - self._unmeasured
        for number, (outputs, targets) in enumerate(self._outputs):
            if number == measured:
                recorder.take_unmeasured()
            recorder.add_output(outputs[net], targets[net])
        if measured == len(self._outputs):
            recorder.take_unmeasured()

    # --- what is reported -------------------------------------------------------------------

    def _report(self, probe: StackedProbe | None) -> Iterator[AnyEvent]:
        """Yields the events after a step, which was measured if it has a probe."""
        leader = self.group.leader
        if probe is not None:
            self.group.sync_positions()
            metrics = self._measure(self._outputs[-NEWEST_BATCHES:])
            events = probe.report(self.group.sessions)
            for net, values in zip(self.active, metrics, strict=True):
                events[net].metrics.update(values)
                yield events[net]
        if probe is not None or leader.is_epoch_over:
            self._read()
            yield from self._drop_failed()
        is_late = time.perf_counter() - self._reported_at >= self._interval
        ends = leader.is_epoch_over and leader.epoch + 1 >= leader.experiment.training.epochs
        if is_late or ends or self._steps >= MAX_STEPS:
            yield from self._progress()

    def _drop_failed(self) -> Iterator[AnyEvent]:
        """Ends the runs whose loss is not finite."""
        for net in list(self.active):
            session = self.group.sessions[net]
            if session.recorder.nonfinite is None:
                continue
            step, loss = session.recorder.nonfinite
            self.active.remove(net)
            kind = "NaN (not a number)" if loss != loss else "infinite"
            yield Failed(
                session.run, f"The loss became {kind} at step {format_count(step)}",
                hint="It was trained together with other seeds, so no earlier state was kept. "
                f"Trained alone, with seed = {session.experiment.seed}, it says where and why.",
                step=session.step,
            )  # fmt: skip

    def _progress(self) -> Iterator[AnyEvent]:
        """Yields a report of each run on the steps since the last one."""
        group, leader, now = self.group, self.group.leader, time.perf_counter()
        if not self._steps:
            return
        elapsed = max(now - self._reported_at, 1e-9)
        leader.seconds += elapsed
        group.sync_positions()
        self._read()
        metrics = self._measure(self._outputs[-NEWEST_BATCHES:])
        speed, memory = self._steps / elapsed, _process.memory_info().rss
        steps_left = (leader.experiment.training.epochs - leader.epochs_done) * (
            leader.batches_per_epoch
        )
        device_memory = (
            torch.cuda.memory_allocated(leader.device) if leader.device.type == "cuda" else 0
        )
        for net, values in zip(self.active, metrics, strict=True):
            session = group.sessions[net]
            losses, points = session.recorder.take()
            yield Progressed(
                session.run, session.step, session.epochs_done, sum(losses) / len(losses),
                min(losses), max(losses), values, session.last_lr, speed,
                self._examples / elapsed, session.seconds, steps_left / speed,
                memory, device_memory, points,
            )  # fmt: skip
        self._steps = self._examples = 0
        self._reported_at = time.perf_counter()

    def _end_epoch(self) -> Iterator[AnyEvent]:
        """Moves on to the next epoch; yields its evaluations, if it has any."""
        group, leader = self.group, self.group.leader
        leader.epoch, leader.offset = leader.epoch + 1, 0
        group.sync_positions()
        self._read()
        for net in self.active:
            group.sessions[net].recorder.end_epoch()
        if not (leader.is_over or schedule.is_evaluated(leader.epoch)):
            return
        validation = group.evaluate("validation")
        for net in self.active:
            session, values = group.sessions[net], validation[net]
            session.record_validation(values)
            matrix = group.matrices[net] if values else []
            yield EpochEnded(
                session.run, session.step, session.epoch, session.recorder.epoch_means, values,
                matrix,
            )  # fmt: skip
