"""One run's network, optimizer, data and position, used by one thread only.

All progress lives here and none in the training loop, so that a loop that was closed or has
crashed is replaced by a new one over the same session.
"""

from collections.abc import Generator
from math import ceil
from typing import Any, Literal

import torch
from torch import Tensor

from tuilab.core.catalogue.optimizers import Optimizer
from tuilab.core.catalogue.regularization import Augmentation
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, live_changes, with_value
from tuilab.core.experiment.validation import problems
from tuilab.core.protocol.events import Changed, Finished, Started
from tuilab.engine.data.augmentation import augmented
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.data.leakage import repeated
from tuilab.engine.device.threads import threads
from tuilab.engine.metrics import evaluate
from tuilab.engine.model import build_network
from tuilab.engine.model.initial import begin
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.early_stopping import Stopping
from tuilab.engine.snapshots import WeightSnapshots
from tuilab.engine.tasks import build_task as tasks

PLAIN = Augmentation()


class Session:
    """The state of one run; see `train` for what is done with it.

    Args:
        goes_on: its weights will come from a checkpoint; those of another run it had before.
    """

    def __init__(
        self,
        run: str,
        experiment: Experiment,
        dataset: Dataset,
        device: torch.device,
        *,
        goes_on: bool = False,
    ) -> None:
        self.run, self.experiment = run, experiment
        self.dataset, self.device = dataset, device
        torch.set_num_threads(threads(experiment, self.batch_size))
        torch.manual_seed(experiment.seed)  # weights, then dropout; data and order have their own
        source = "" if goes_on else experiment.transfer.source
        self.network, self._note = begin(experiment, dataset, source)
        self.network.to(device)
        self.channels_last = device.type == "cpu" and build_network.has_convolution(self.network)
        if self.channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.least = 2 if build_network.has_batch_norm(self.network) else 1
        self.task = tasks.build(experiment, self.network, dataset)
        self._follow(experiment.optimizer)
        self.parameters = list(self.network.parameters())
        self.labelled = build_network.labelled(self.network)
        self.step = self.epoch = self.offset = 0
        self.seconds = self.lr_used = 0.0
        self.penalty: Tensor | None = None
        "What the l1 and l2 terms added to the loss of the last step, which is told without them."
        self.good: dict[str, Any] | None = None
        "The last state known to be good; see `checkpoints`."
        self.trail = WeightSnapshots()
        self.stopping = Stopping(self.network, self.task.average)
        self.is_stopped = False
        "Training has ended before the last epoch: it has seen its best."
        self.is_unmeasured = False
        "An epoch has ended that is to be measured and is not yet."
        self.validation_losses: tuple[float, ...] = ()
        "One for each epoch that was measured."
        self.report_at_step = self.report_at_epoch = -1
        "Where a report is wanted whatever the clock says."
        self._order: tuple[int, Tensor] | None = None
        self._check()

    def _follow(self, knobs: Optimizer) -> None:
        """Begin with a new optimizer, without memory of past gradients."""
        self.optimizer = self.task.optimizer(knobs)
        self.phases = self.task.turns(self.optimizer)

    def _check(self) -> None:
        """What only shows with the data at hand."""
        if not len(self.dataset.train):
            raise InputError("there are no examples to train on", "data")
        if self.experiment.training.precision == "fp16" and self.device.type == "cpu":
            raise InputError("fp16 needs a GPU; take bf16 on the CPU", "training.precision")
        smallest = min(len(self.dataset.train), self.batch_size)
        if smallest < self.least:
            raise InputError(
                "batch norm cannot train on a batch of one example: its spread is zero; "
                "set batch_size to 2 or more, or use LayerNorm",
                "data.batch_size",
            )

    # --- position ---------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train."""
        return self.is_stopped or self.epoch >= self.experiment.training.epochs

    @property
    def batch_size(self) -> int:
        """Examples in each step: all there are where the knob says 0."""
        return self.experiment.data.batch_size or len(self.dataset.train)

    @property
    def batches(self) -> int:
        """Batches in one epoch."""
        return ceil(len(self.dataset.train) / self.batch_size)

    @property
    def is_last_batch(self) -> bool:
        """Whether the batch at hand is the last one of its epoch."""
        left = len(self.dataset.train) - self.offset - self.batch_size
        return left < self.least

    @property
    def passed(self) -> float:
        """Epochs so far, with the part of the present one."""
        return self.epoch + self.offset / len(self.dataset.train)

    def set_rate(self) -> None:
        """Give the optimizer the learning rate of the present position."""
        self.lr_used = self.lr
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr_used * group.get("scale", 1.0)

    @property
    def lr(self) -> float:
        """The learning rate that the schedule gives for the present position."""
        experiment = self.experiment
        lr, epochs = experiment.optimizer.lr, experiment.training.epochs
        return experiment.schedule.rate(lr, self.passed, epochs, self.validation_losses)

    def order(self) -> Tensor:
        """The order of this epoch's examples: decided by seed and epoch alone."""
        if self._order is None or self._order[0] != self.epoch:
            # Drawn on the CPU, so that it is the same on every device.
            generator = torch.Generator().manual_seed(self.experiment.seed * 1_000_003 + self.epoch)
            order = torch.randperm(len(self.dataset.train), generator=generator)
            if self.device.type == "cuda":
                order = order.pin_memory()
            self._order = (self.epoch, order.to(self.device, non_blocking=True))
        return self._order[1]

    def next_batch(self) -> tuple[Tensor, Tensor] | None:
        """The next inputs and targets of this epoch; None at its end.

        A last batch that batch norm could not train on is left out.
        """
        train, size = self.dataset.train, self.batch_size
        index = self.order()[self.offset : self.offset + size]
        if len(index) < self.least:
            return None
        inputs = self.dataset.prepared(train.inputs.index_select(0, index))
        if self.experiment.augmentation != PLAIN:
            inputs = augmented(inputs, self.experiment.augmentation, self._background)
        return self.arranged(inputs), train.targets.index_select(0, index)

    def end_epoch(self) -> None:
        """Every example has had its turn."""
        self.epoch, self.offset = self.epoch + 1, 0
        done = self.epoch / self.experiment.training.epochs
        self.task.average.end_epoch(self.experiment.averaging, done)

    @property
    def needs_every_epoch(self) -> bool:
        """Whether something is decided by the validation loss of each epoch."""
        experiment = self.experiment
        return experiment.regularization.patience > 0 or experiment.schedule.watches_validation

    def see(self, validation: dict[str, float]) -> str:
        """Take note of an epoch's validation; says so where the run ends by it."""
        if "loss" not in validation:
            return ""
        knobs = self.experiment.regularization
        self.validation_losses += (validation["loss"],)
        if not self.stopping.see(validation["loss"], self.epoch, knobs):
            return ""
        self.is_stopped = True
        note = f"Stopped early: no better validation loss for {knobs.patience} epochs."
        if knobs.restore_best and self.stopping.restore():
            note += f" The weights are those of epoch {self.stopping.best_epoch} again."
        return note

    @property
    def _background(self) -> Tensor | float:
        """What a pixel of nothing is after normalization."""
        shift, scale = self.dataset.shift, self.dataset.scale
        return 0.0 if shift is None or scale is None else -shift * scale

    def arranged(self, inputs: Tensor) -> Tensor:
        """Inputs in the memory order that the network is fast with."""
        if not self.channels_last or inputs.dim() != 4:
            return inputs
        # One channel leaves the order open; an empty tensor with strides of its own settles it.
        return torch.empty_like(inputs, memory_format=torch.channels_last).copy_(inputs)

    def predict(self, inputs: Tensor) -> Tensor:
        """Outputs for raw inputs: evaluation mode, no gradients."""
        return self.task.predict(self.arranged(self.dataset.prepared(inputs)))

    def evaluate(self, part: Part) -> Generator[None, None, dict[str, float]]:
        """Loss and metrics over a part, chunk by chunk."""
        size = evaluate.CHUNK.get(self.device.type, 1024)
        return self.task.evaluate(self.predict, part, size)

    # --- changes ----------------------------------------------------------------------------

    def set(self, key: str, value: Any) -> Changed:
        """Change one live knob; InputError if it is unknown, out of range or needs a restart."""
        before, after = self.experiment, with_value(self.experiment, key, value)
        if live_changes(before, after) is None:
            raise InputError("this needs a restart of the run", key)
        if new := set(problems(after)) - set(problems(before)):
            raise InputError(min(new))
        if key == "network":
            build_network.set_live(self.network, after.network)
        if key == "optimizer.name":
            self._follow(after.optimizer)  # it may refuse, and then nothing has changed
        elif key.startswith("optimizer."):
            build_optimizer.adjust(self.optimizer, after.optimizer)
        self.experiment = after
        self.reconsider(before)
        self.task.adjust(after)
        self.phases = self.task.turns(self.optimizer)
        return Changed(self.run, self.step, key, value)

    def reconsider(self, before: Experiment) -> None:
        """End what has come about under other knobs: a mean of weights, an early stop."""
        after, knobs = self.experiment, self.experiment.regularization
        if type(after.averaging) is not type(before.averaging):
            self.task.average.clear()
        is_asked = knobs != before.regularization or after.training.epochs > before.training.epochs
        if is_asked and (self.is_stopped or not before.regularization.patience):
            self.is_stopped = False
            self.stopping.go_on(self.epoch, knobs)

    def keep_weights(self, before: "Session") -> str:
        """Copy the weights of layers that did not change; says how many were kept."""
        kept, layers = build_network.copy_unchanged(before.network, self.network)
        return f"{kept} of {layers} layers keep their weights"

    # --- what it tells ----------------------------------------------------------------------

    def started(self, note: str = "") -> Started:
        """The event that opens the run."""
        data = self.dataset
        return Started(
            run=self.run,
            experiment=self.experiment,
            device=str(self.device),
            parameters=sum(parameter.numel() for parameter in self.parameters),
            batches=self.batches,
            examples={
                "train": len(data.train), "validation": len(data.validation), "test": len(data.test)
            },
            step=self.step,
            note=" ".join(filter(None, (note, self._note))),
            repeated=repeated(data.train.inputs, data.validation.inputs),
        )  # fmt: skip

    def finished(self, reason: Literal["done", "stopped", "interrupted"]) -> Finished:
        """The event that closes the run, with an evaluation of all three parts."""
        results = {}
        for name in ("train", "validation", "test"):
            evaluation = self.evaluate(getattr(self.dataset, name))
            while True:
                try:
                    next(evaluation)
                except StopIteration as end:
                    results[name] = end.value
                    break
        return Finished(
            run=self.run, reason=reason, step=self.step, epoch=self.epoch, seconds=self.seconds,
            results={name: values for name, values in results.items() if values},
        )  # fmt: skip
