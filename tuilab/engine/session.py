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
from tuilab.core.experiment.experiment import Experiment, get_live_changes, with_value
from tuilab.core.experiment.validation import find_errors
from tuilab.core.format import format_count, format_counted
from tuilab.core.protocol.events import Finished, KnobChanged, Started
from tuilab.engine.data.augmentation import augment
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.leakage import leaked_fraction
from tuilab.engine.data.rng import seed_for
from tuilab.engine.data.target_statistics import target_statistics
from tuilab.engine.device.threads import thread_count
from tuilab.engine.metrics import evaluate
from tuilab.engine.model import build_network
from tuilab.engine.model.initial_network import build_initialized
from tuilab.engine.optim import build_optimizer
from tuilab.engine.optim.early_stopping import EarlyStopping
from tuilab.engine.probes.activations import observed_modules
from tuilab.engine.recorder import Recorder
from tuilab.engine.snapshots import Snapshots
from tuilab.engine.tasks import build_task as tasks

PLAIN = Augmentation()


class Session:
    """The state of one run; `train` moves it on.

    Args:
        is_resuming: the weights will come from a checkpoint, so none of another run are read.
    """

    def __init__(
        self,
        run: str,
        experiment: Experiment,
        dataset: Dataset,
        device: torch.device,
        *,
        is_resuming: bool = False,
    ) -> None:
        self.run, self.experiment = run, experiment
        self.dataset, self.device = dataset, device
        torch.set_num_threads(thread_count(experiment, self.batch_size))
        # For the weights, then dropout and the like; data and order have generators of their own.
        torch.manual_seed(experiment.seed)
        source = "" if is_resuming else experiment.transfer.source
        self.network, self._note = build_initialized(experiment, dataset, source)
        self.network.to(device)
        self.is_channels_last = device.type == "cpu" and build_network.has_convolution(self.network)
        if self.is_channels_last:
            self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.min_batch_size = 2 if build_network.has_batch_norm(self.network) else 1
        self.task = tasks.build(experiment, self.network, dataset)
        self._use_optimizer(experiment.optimizer)
        self.parameters = list(self.network.parameters())
        self.parameters_by_layer = build_network.parameters_by_layer(self.network)
        self.observed_modules = observed_modules(self.network)
        self.step = self.epoch = self.offset = 0
        self.seconds = self.last_lr = 0.0
        self.penalty: Tensor | None = None
        "Value [] of the l1 and l2 terms in the last step; they are not in the reported loss."
        self.good_state: dict[str, Any] | None = None
        "The last state whose weights are known to be finite; see `checkpoint`."
        self.snapshots = Snapshots(experiment.training.snapshots)
        self.early_stopping = EarlyStopping(self.network, self.task.average)
        self.is_stopped = False
        "Early stopping has ended training before the last epoch."
        self.is_evaluation_pending = False
        "An epoch has ended that has yet to be measured."
        self.validation_losses: tuple[float, ...] = ()
        "One for each measured epoch."
        self.recorder = Recorder()
        self.report_at_step = self.report_at_epoch = -1
        "Where a report is due whatever the clock says."
        self._order: tuple[tuple[int, int], Tensor] | None = None
        "The order of an epoch, with the epoch and `training.reseed`."
        self._check_data()
        self.reseed()

    def _use_optimizer(self, config: Optimizer) -> None:
        """Starts with a new optimizer, which remembers no gradients."""
        self.optimizer = self.task.optimizer(config)
        self.phases = self.task.phases(self.optimizer)

    def _check_data(self) -> None:
        """Refuses what only shows once the data is loaded."""
        if not len(self.dataset.train):
            raise InputError("there are no examples to train on", "data")
        if self.experiment.training.precision == "fp16" and self.device.type == "cpu":
            raise InputError("fp16 needs a GPU; use bf16 on the CPU", "training.precision")
        smallest = min(len(self.dataset.train), self.batch_size)
        if smallest < self.min_batch_size:
            raise InputError(
                "batch norm cannot train on a batch of one example: its variance is zero; "
                "set batch_size to 2 or more, or use LayerNorm",
                "data.batch_size",
            )

    # --- position ---------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Returns whether no training is left."""
        return self.is_stopped or self.epoch >= self.experiment.training.epochs

    @property
    def batch_size(self) -> int:
        """Returns the examples in each step; all of them if the knob is 0."""
        return self.experiment.data.batch_size or len(self.dataset.train)

    @property
    def batches_per_epoch(self) -> int:
        """Returns the number of batches in one epoch."""
        return ceil(len(self.dataset.train) / self.batch_size)

    @property
    def is_epoch_over(self) -> bool:
        """Returns whether no batch of the epoch is left."""
        return len(self.dataset.train) - self.offset < self.min_batch_size

    @property
    def epochs_done(self) -> float:
        """Returns the epochs so far, with the fraction of the current one."""
        return self.epoch + self.offset / len(self.dataset.train)

    def set_learning_rate(self) -> None:
        """Gives the optimizer the learning rate of the current position."""
        self.last_lr = self.lr
        for group in self.optimizer.param_groups:
            group["lr"] = self.last_lr * group.get("scale", 1.0)

    @property
    def lr(self) -> float:
        """Returns the schedule's learning rate at the current position."""
        return self.rate_of(self.experiment)

    def rate_of(self, experiment: Experiment) -> float:
        """Returns the learning rate that an experiment has at the current position."""
        lr, epochs = experiment.optimizer.lr, experiment.training.epochs
        return experiment.schedule.rate(lr, self.epochs_done, epochs, self.validation_losses)

    def epoch_order(self) -> Tensor:
        """Returns the order of this epoch's examples [examples]: seed and epoch decide it alone."""
        key = self.epoch, self.experiment.training.reseed
        if self._order is None or self._order[0] != key:
            # On the CPU, so that it is the same for every device.
            generator = torch.Generator().manual_seed(self._training_seed * 1_000_003 + self.epoch)
            order = torch.randperm(len(self.dataset.train), generator=generator)
            if self.device.type == "cuda":
                order = order.pin_memory()
            self._order = (key, order.to(self.device, non_blocking=True))
        return self._order[1]

    def reseed(self) -> None:
        """Starts the random generators anew where `training.reseed` asks for other numbers."""
        if self.experiment.training.reseed:
            torch.manual_seed(self._training_seed)

    @property
    def _training_seed(self) -> int:
        """The seed of all that is random in training, other than the data and the weights."""
        seed, reseed = self.experiment.seed, self.experiment.training.reseed
        return seed_for(seed, f"reseed {reseed}") if reseed else seed

    def next_batch(self) -> tuple[Tensor, Tensor] | None:
        """Returns the next inputs and targets of this epoch [batch, ...]; None at its end.

        A last batch that batch norm could not train on is left out.
        """
        train, size = self.dataset.train, self.batch_size
        index = self.epoch_order()[self.offset : self.offset + size]
        if len(index) < self.min_batch_size:
            return None
        inputs = self.dataset.prepare(train.inputs.index_select(0, index))
        if self.experiment.augmentation != PLAIN:
            inputs = augment(inputs, self.experiment.augmentation, self._background)
        return self.to_memory_format(inputs), train.targets.index_select(0, index)

    def advance_to_batch(self) -> tuple[Tensor, Tensor]:
        """Returns the next inputs and targets [batch, ...]; ends epochs that have no more."""
        while (batch := self.next_batch()) is None:
            self.end_epoch()
        return batch

    def end_epoch(self) -> None:
        """Moves on to the next epoch."""
        self.epoch, self.offset = self.epoch + 1, 0
        done = self.epoch / self.experiment.training.epochs
        self.task.average.end_epoch(self.experiment.averaging, done)

    @property
    def needs_every_validation(self) -> bool:
        """Returns whether early stopping or the schedule needs each epoch's validation loss."""
        experiment = self.experiment
        return experiment.regularization.patience > 0 or experiment.schedule.watches_validation

    def record_validation(self, validation: dict[str, float]) -> str:
        """Records an epoch's validation metrics; returns a note if early stopping ends the run."""
        self.is_evaluation_pending = False
        if "loss" not in validation:
            return ""
        config = self.experiment.regularization
        self.validation_losses += (validation["loss"],)
        if not self.early_stopping.update(validation["loss"], self.epoch, config):
            return ""
        self.is_stopped = True
        epochs = format_counted(config.patience, "epoch")
        note = f"Stopped early: no better validation loss for {epochs}."
        if config.restore_best and self.early_stopping.restore():
            best = format_count(self.early_stopping.best_epoch)
            note += f" The weights are those of epoch {best} again."
        return note

    @property
    def _background(self) -> Tensor | float:
        """Returns the value of a black pixel after normalization."""
        shift, scale = self.dataset.shift, self.dataset.scale
        return 0.0 if shift is None or scale is None else -shift * scale

    def to_memory_format(self, inputs: Tensor) -> Tensor:
        """Returns inputs [batch, ...] in the memory format that the network is fast with."""
        if not self.is_channels_last or inputs.dim() != 4:
            return inputs
        # `.to` would leave the strides of a single channel as they are; an empty tensor has them.
        return torch.empty_like(inputs, memory_format=torch.channels_last).copy_(inputs)

    def predict(self, inputs: Tensor) -> Tensor:
        """Returns the outputs [batch, ...] for raw inputs [batch, ...], in evaluation mode."""
        return self.task.predict(self.to_memory_format(self.dataset.prepare(inputs)))

    def evaluate(self, examples: Examples) -> Generator[None, None, dict[str, float]]:
        """Yields after each chunk of the examples; returns their loss and metrics."""
        size = evaluate.CHUNK_SIZES.get(self.device.type, 1024)
        return self.task.evaluate(self.predict, examples, size)

    def measure(self, examples: Examples) -> dict[str, float]:
        """Returns the loss and metrics of examples in one go."""
        chunks = self.evaluate(examples)
        while True:
            try:
                next(chunks)
            except StopIteration as end:
                metrics: dict[str, float] = end.value
                return metrics

    # --- changes ----------------------------------------------------------------------------

    def set_knob(self, key: str, value: Any) -> KnobChanged:
        """Changes one live knob.

        Raises:
            InputError: if it is unknown, out of range or needs a restart.
        """
        before, after = self.experiment, with_value(self.experiment, key, value)
        if get_live_changes(before, after) is None:
            raise InputError("this needs a restart of the run", key)
        if new := set(find_errors(after)) - set(find_errors(before)):
            raise InputError(min(new))
        if key == "network":
            build_network.apply_live_knobs(self.network, after.network)
        if key == "optimizer.name":
            self._use_optimizer(after.optimizer)  # first: if it refuses, nothing has changed
        elif key.startswith("optimizer."):
            build_optimizer.update_hyperparameters(self.optimizer, after.optimizer)
        self.experiment = after
        self.discard_outdated(before)
        self.task.set_experiment(after)
        self.phases = self.task.phases(self.optimizer)
        if key == "training.snapshots":
            self.snapshots.set_budget(value)
        return KnobChanged(self.run, self.step, key, value)

    def discard_outdated(self, before: Experiment) -> None:
        """Discards what other knobs have led to: averages, an early stop, random numbers."""
        after, config = self.experiment, self.experiment.regularization
        if after.training.reseed != before.training.reseed:
            self.reseed()
        is_new_optimizer = type(after.optimizer) is not type(before.optimizer)
        is_outdated = is_new_optimizer and self.task.average.is_of_optimizer
        if is_outdated or type(after.averaging) is not type(before.averaging):
            self.task.average.clear()
        has_more_epochs = after.training.epochs > before.training.epochs
        is_asked_to_go_on = config != before.regularization or has_more_epochs
        if is_asked_to_go_on and (self.is_stopped or not before.regularization.patience):
            self.is_stopped = False
            self.early_stopping.extend(self.epoch, config)

    def copy_unchanged_weights(self, before: "Session") -> str:
        """Copies the weights of layers that did not change; returns a note that counts them."""
        unchanged_count, layers = build_network.copy_unchanged(before.network, self.network)
        return f"{unchanged_count} of {layers} layers keep their weights"

    # --- events -----------------------------------------------------------------------------

    def started_event(self, note: str = "") -> Started:
        """Returns the event that opens the run."""
        train, validation = self.dataset.train, self.dataset.validation
        return Started(
            run=self.run,
            experiment=self.experiment,
            device=str(self.device),
            parameters=sum(parameter.numel() for parameter in self.parameters),
            batches=self.batches_per_epoch,
            examples={name: len(split) for name, split in self.dataset.splits.items()},
            step=self.step,
            note=" ".join(filter(None, (note, self._note))),
            leakage=leaked_fraction(train, validation),
            threads=torch.get_num_threads(),
            targets=target_statistics(train),
        )

    def finished_event(self, reason: Literal["done", "stopped", "interrupted"]) -> Finished:
        """Returns the event that closes the run, with an evaluation of all three parts."""
        results = {name: self.measure(split) for name, split in self.dataset.splits.items()}
        return Finished(
            run=self.run, reason=reason, step=self.step, epoch=self.epoch, seconds=self.seconds,
            results={name: values for name, values in results.items() if values},
        )  # fmt: skip
