"""What a run has recorded and not yet reported: losses step by step, and the means of the epoch."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

import torch
from torch import Tensor

from tuilab.core.protocol.records import LossPoint
from tuilab.engine import schedule

NEWEST_BATCHES = 8
"""Batches whose metrics are those of a report."""

LARGE_OUTPUT = 1 << 16
"""Numbers in an output; of larger ones only every eighth is measured."""

MAX_NUMBERS = 8 * LARGE_OUTPUT
"""Numbers in the outputs that are kept to be measured together."""


class Recorder:
    """Collects the loss of every step; reads the device only when asked to."""

    def __init__(self) -> None:
        self.points: list[LossPoint] = []
        "Complete points that have not been reported."
        self.nonfinite: tuple[int, float] | None = None
        "Step and loss where the loss was NaN or infinite for the first time."
        self.epoch_means: dict[str, float] = {}
        "Loss and metrics over the batches of the epoch that has ended last."
        self._losses: list[float] = []
        "All losses since the last report."
        self._pending: list[tuple[int, Tensor, float]] = []
        "Step, loss [] on the device and learning rate of the steps that have not been read."
        self._window: list[float] = []
        "The losses of the point that is not complete yet."
        self._outputs: list[tuple[Tensor, Tensor]] = []
        "Outputs [batch, ...] and what they are compared with: unmeasured ones and the newest."
        self._unmeasured = self._numbers = 0
        "How many steps are not in the means of the epoch yet, and the numbers in their outputs."
        self._epoch_loss, self._epoch_steps = 0.0, 0
        self._epoch_metrics: dict[str, float] = {}
        self._epoch_examples = 0

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def has_news(self) -> bool:
        """Returns whether a step has been recorded since the last report."""
        return bool(self._pending or self._losses)

    def add(self, step: int, loss: Tensor, lr: float) -> None:
        """Records a step; the loss [] stays on the device."""
        self._pending.append((step, loss, lr))

    def add_output(self, output: Tensor, targets: Tensor) -> None:
        """Keeps the output [batch, ...] and targets [batch, ...] of a step."""
        if output.numel() > LARGE_OUTPUT:
            self._outputs.clear()
        self._outputs.append((output, targets))
        self._numbers += min(output.numel(), LARGE_OUTPUT)
        self._unmeasured += 1

    @property
    def newest_outputs(self) -> list[tuple[Tensor, Tensor]]:
        """Outputs [batch, ...] of the newest batches, with what they are compared with."""
        return self._outputs[-NEWEST_BATCHES:]

    @property
    def is_full(self) -> bool:
        """Whether the outputs that are not in the means of the epoch yet are to be measured."""
        return self._numbers >= MAX_NUMBERS

    def take_unmeasured(self) -> list[tuple[Tensor, Tensor]]:
        """Returns the outputs [batch, ...] that are not in the means of the epoch, with targets.

        Keeps only the newest.
        """
        unmeasured = self._outputs[-self._unmeasured :]
        self._outputs = self.newest_outputs
        self._unmeasured = self._numbers = 0
        return unmeasured

    def read(self) -> None:
        """Reads the losses that are still on the device."""
        if not self._pending:
            return
        losses: list[float] = torch.stack([loss for _, loss, _ in self._pending]).tolist()
        steps = [(step, lr, schedule.ends_point(step)) for step, _, lr in self._pending]
        self.add_read(steps, losses)
        self._pending.clear()

    def add_read(self, steps: Sequence[tuple[int, float, bool]], losses: list[float]) -> None:
        """Records losses that have been read.

        Args:
            steps: the step of each, its learning rate, and whether it ends a point of the curve.
        """
        window, total = self._window, self._epoch_loss
        for (step, lr, ends_point), loss in zip(steps, losses, strict=True):
            total += loss
            if self.nonfinite is None and not isfinite(loss):
                self.nonfinite = step, loss
            if ends_point and not window:
                self.points.append(LossPoint(step, loss, loss, loss, lr))
                continue
            window.append(loss)
            if ends_point:
                self.points.append(_merge(step, window, lr))
                window.clear()
        self._epoch_loss = total
        self._epoch_steps += len(losses)
        self._losses += losses

    def take(self) -> tuple[list[float], list[LossPoint]]:
        """Returns all losses, and the complete points, since the last call."""
        self.read()
        losses, points = self._losses, self.points
        self._losses, self.points = [], []
        return losses, points

    def add_metrics(self, metrics: dict[str, float], examples: int) -> None:
        """Adds the metrics of the newest batches to the means of the epoch, if they have any."""
        if not metrics:
            return
        for name, value in metrics.items():
            self._epoch_metrics[name] = self._epoch_metrics.get(name, 0.0) + value * examples
        self._epoch_examples += examples

    def end_epoch(self) -> None:
        """Computes the means over the epoch's batches, and starts those of the next one."""
        self.read()
        sums, count = self._epoch_metrics, self._epoch_examples
        self.epoch_means = {name: total / count for name, total in sums.items()}
        if self._epoch_steps:
            self.epoch_means = {"loss": self._epoch_loss / self._epoch_steps, **self.epoch_means}
        self._epoch_loss, self._epoch_steps = 0.0, 0
        self._epoch_metrics, self._epoch_examples = {}, 0

    def state_dict(self) -> dict[str, Any]:
        """Returns what a checkpoint keeps: the incomplete point, the sums, the newest outputs."""
        self.read()
        return {
            "window": list(self._window),
            "loss": [self._epoch_loss, self._epoch_steps],
            "metrics": self._epoch_metrics,
            "examples": self._epoch_examples,
            "means": self.epoch_means,
            "outputs": [list(pair) for pair in self._outputs],
            "unmeasured": self._unmeasured,
            "numbers": self._numbers,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Sets a new recorder to a state."""
        self.epoch_means = dict(state["means"])
        self._window = list(state["window"])
        self._outputs = [(output, targets) for output, targets in state["outputs"]]
        self._unmeasured = state["unmeasured"]
        # Large outputs are counted but not kept; older checkpoints have no count.
        newest = self._outputs[-self._unmeasured :] if self._unmeasured else []
        kept_numbers = sum(min(output.numel(), LARGE_OUTPUT) for output, _ in newest)
        self._numbers = state.get("numbers", kept_numbers)
        self._epoch_loss, self._epoch_steps = state["loss"]
        self._epoch_metrics, self._epoch_examples = dict(state["metrics"]), state["examples"]


def _merge(step: int, losses: list[float], lr: float) -> LossPoint:
    """Returns a point with mean, lowest and highest loss; all are NaN if one of them is."""
    mean = sum(losses) / len(losses)
    if mean != mean:
        return LossPoint(step, mean, mean, mean, lr)
    return LossPoint(step, mean, min(losses), max(losses), lr)
