"""Sessions of one experiment that differ in their seed and take every step together."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from tuilab.core.errors import InputError
from tuilab.engine import schedule
from tuilab.engine.data.dataset import Dataset
from tuilab.engine.device.threads import thread_count
from tuilab.engine.metrics import evaluate
from tuilab.engine.metrics.scores import ClassScores
from tuilab.engine.optim.parameter_groups import ParameterGroups
from tuilab.engine.preserve import preserving_random_state
from tuilab.engine.seeds.stacked_layers import Stacker
from tuilab.engine.seeds.stacked_losses import build_stacked_loss
from tuilab.engine.seeds.stacked_optimizer import (
    build_stacked_optimizer,
    clamp_each_norm,
    clip_each,
    copy_optimizer_state,
    penalize_each,
)
from tuilab.engine.seeds.stacked_probe import StackedProbe
from tuilab.engine.seeds.stacked_scores import score_classes
from tuilab.engine.session import Session

TOLERANCE = 1e-4
"""Largest difference of outputs of a network in the stack and alone, before the first step."""


@dataclass(frozen=True, slots=True)
class StackedExamples:
    """A split of all data sets: prepared inputs [nets, n, *shape] and targets [nets, n, …]."""

    inputs: Tensor
    targets: Tensor

    @classmethod
    def of(cls, datasets: Sequence[Dataset], split: str) -> "StackedExamples":
        """Stacks one split of data sets of the same size."""
        parts = [dataset.splits[split] for dataset in datasets]
        inputs = [
            dataset.prepare(part.inputs) for dataset, part in zip(datasets, parts, strict=True)
        ]
        return cls(torch.stack(inputs), torch.stack([part.targets for part in parts]))


class SeedGroup:
    """A stack of networks with its optimizer and position; their sessions have its weights.

    Each session is as it would be alone: same initial weights, order of batches and dropout masks.
    Only sums are rounded differently, which shows where a gradient is nothing but rounding: that of
    a bias right before a batch norm, which Adam and its relatives turn into steps of full length.
    Optimizer and position of a session follow when `release` is called.

    Args:
        sessions: at their first step, with no obstacle to train together.
        generators: the random generator of each, as it was when the session had been made.
    """

    def __init__(self, sessions: Sequence[Session], generators: Sequence[Generator]) -> None:
        """Stacks the networks.

        Raises:
            InputError: a layer or the loss cannot be stacked; the sessions stay usable.
        """
        self.sessions, self.generators = list(sessions), list(generators)
        self.leader = sessions[0]
        "The session whose position is that of all."
        torch.set_num_threads(thread_count(self.leader.experiment, self.leader.batch_size))
        self.stacker = Stacker(generators)
        self.network = self.stacker.build([session.network for session in sessions])
        stacked = self.stacker.parameters
        self.parameters = [stacked[parameter] for parameter in self.leader.parameters]
        self.weights = [stacked[weight] for weight in self.leader.phases[0].weights]
        datasets = [session.dataset for session in sessions]
        self.splits = {name: StackedExamples.of(datasets, name) for name in datasets[0].splits}
        self.loss = build_stacked_loss(self.leader.experiment.loss)
        self._check()
        groups = ParameterGroups(self.leader.network)
        self.optimizer = build_stacked_optimizer(self.leader.experiment.optimizer, groups, stacked)
        self.penalty: Tensor | None = None
        "Value of the l1 and l2 terms of each network in the last step, [nets]."
        self.matrices: list[list[list[int]]] = [[] for _ in sessions]
        "The confusion matrix of each network's last evaluation; empty where there is none."
        self._order = (-1, torch.empty(0))

    def _check(self) -> None:
        """Compares each network in the stack with itself alone, and tries a step.

        Raises:
            InputError: they differ, or a layer or the loss cannot be mapped over networks.
        """
        size = max(self.leader.min_batch_size, min(4, self.leader.batch_size))
        train = self.splits["train"]
        inputs, targets = train.inputs[:, :size], train.targets[:, :size]
        states = [generator.get_state() for generator in self.generators]
        buffers = [buffer.clone() for buffer in self.network.buffers()]
        try:
            with preserving_random_state(self.leader.device), warnings.catch_warnings():
                # What has no rule for mapping is called once for each network: nothing is gained.
                warnings.filterwarnings("error", message="There is a performance drop")
                self.network.eval()
                with torch.no_grad():
                    outputs = self.network(inputs)
                for session, ours, batch in zip(self.sessions, outputs, inputs, strict=True):
                    alone = session.task.predict(batch)
                    if not torch.allclose(ours, alone, rtol=TOLERANCE, atol=TOLERANCE):
                        raise InputError("the networks are not the same in a stack")
                self.network.train()
                self._backward(self.network(inputs), targets)
        except (RuntimeError, ValueError, UserWarning) as error:
            raise InputError(f"a layer cannot be mapped over networks ({error})") from None
        finally:
            self.network.train()
            for buffer, before in zip(self.network.buffers(), buffers, strict=True):
                buffer.copy_(before)
            for generator, state in zip(self.generators, states, strict=True):
                generator.set_state(state)
            for parameter in self.parameters:
                parameter.grad = None

    # --- steps ------------------------------------------------------------------------------

    def next_batch(self) -> tuple[Tensor, Tensor] | None:
        """Returns the next inputs and targets of all networks [nets, batch, …]; None at the end."""
        leader, train = self.leader, self.splits["train"]
        order = self._epoch_order()
        index = order[:, leader.offset : leader.offset + leader.batch_size]
        if index.shape[1] < leader.min_batch_size:
            return None
        flat = index.flatten()
        inputs = train.inputs.flatten(0, 1).index_select(0, flat)
        targets = train.targets.flatten(0, 1).index_select(0, flat)
        shape = tuple(index.shape)
        return (
            inputs.view(*shape, *inputs.shape[1:]), targets.view(*shape, *targets.shape[1:])
        )  # fmt: skip

    def _epoch_order(self) -> Tensor:
        """Returns the order of this epoch's examples in the rows of all data sets: [nets, n]."""
        if self._order[0] != self.leader.epoch:
            for session in self.sessions:
                session.epoch = self.leader.epoch
            orders = torch.stack([session.epoch_order() for session in self.sessions])
            starts = torch.arange(len(orders), device=orders.device) * orders.shape[1]
            self._order = self.leader.epoch, orders + starts[:, None]
        return self._order[1]

    def probe(self, inputs: Tensor) -> StackedProbe:
        """Returns what measures the next step, with these inputs [nets, batch, *shape]."""
        has_inputs = schedule.are_inputs_measured(self.leader.step + 1)
        return StackedProbe(
            self.leader, self.stacker, self.parameters, inputs if has_inputs else None
        )

    def step(
        self, inputs: Tensor, targets: Tensor, probe: StackedProbe | None
    ) -> tuple[Tensor, Tensor]:
        """Moves all weights once; returns the losses [nets] and outputs [nets, batch, …]."""
        leader, experiment = self.leader, self.leader.experiment
        leader.last_lr = leader.lr
        for group in self.optimizer.param_groups:
            group["lr"] = leader.last_lr * group.get("scale", 1.0)
        for parameter in self.parameters:
            parameter.grad = None
        outputs = self.network(inputs)
        losses = self._backward(outputs, targets)
        self.penalty = penalize_each(self.weights, experiment.regularization)
        if probe is not None:
            probe.on_gradients()
        training = experiment.training
        clip_each(self.parameters, training.clip_grad_norm, training.clip_grad_value)
        self.optimizer.step()
        clamp_each_norm(self.weights, experiment.regularization.max_norm)
        leader.step += 1
        leader.offset += inputs.shape[1]
        return losses.detach(), outputs.detach()

    def _backward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Computes the gradients of all networks; returns their losses [nets]."""
        losses = self.loss(outputs, targets)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        return losses

    # --- evaluation -------------------------------------------------------------------------

    def evaluate(self, split: str) -> list[dict[str, float]]:
        """Returns the loss and metrics of a split for each network; matrices stay in the tasks."""
        inputs, targets = self.splits[split].inputs, self.splits[split].targets
        if not inputs.shape[1]:
            return [{} for _ in self.sessions]
        outputs = self._predict(inputs)
        scores = self.leader.task.build_scores()
        has_groups = self.sessions[0].dataset.splits[split].groups is not None
        if type(scores) is not ClassScores or targets.dim() > 2 or has_groups:
            return [self._evaluate_one(net, split, outputs[net]) for net in range(len(outputs))]
        loss = build_stacked_loss(self.leader.experiment.loss.for_evaluation())
        losses = loss(outputs, targets).tolist()
        results = score_classes(self.leader.experiment.loss, scores.top_k, outputs, targets)
        self.matrices = [matrix for _, matrix in results]
        return [
            {"loss": value, **values} for value, (values, _) in zip(losses, results, strict=True)
        ]

    @torch.no_grad()
    def _predict(self, inputs: Tensor) -> Tensor:
        """Returns the outputs [nets, n, …] in evaluation mode for inputs [nets, n, *shape]."""
        self.network.eval()
        size = evaluate.CHUNK_SIZES.get(self.leader.device.type, 1024)
        try:
            return torch.cat(
                [self.network(chunk) for chunk in torch.split(inputs, size, dim=1)], dim=1
            )
        finally:
            self.network.train()

    def _evaluate_one(self, net: int, split: str, outputs: Tensor) -> dict[str, float]:
        """Returns the loss and metrics of one network for its outputs [n, …]."""
        session = self.sessions[net]
        examples = session.dataset.splits[split]
        steps = session.task.evaluate(lambda _: outputs, examples, len(examples))
        while True:
            try:
                next(steps)
            except StopIteration as end:
                metrics: dict[str, float] = end.value
                self.matrices[net] = session.task.matrix()
                return metrics

    # --- back to the sessions ---------------------------------------------------------------

    def sync_positions(self) -> None:
        """Gives all sessions the position of the group."""
        leader = self.leader
        for session in self.sessions:
            session.step, session.epoch, session.offset = leader.step, leader.epoch, leader.offset
            session.seconds, session.last_lr = leader.seconds, leader.last_lr

    def release(self, net: int) -> Session:
        """Returns a session that can go on alone where the group is now.

        Torch's own generator is set to that of the session, which a checkpoint stores.
        """
        self.sync_positions()
        session = self.sessions[net]
        pairs = list(zip(self.parameters, session.parameters, strict=True))
        copy_optimizer_state(self.optimizer, pairs, net, session.optimizer)
        torch.set_rng_state(self.generators[net].get_state())
        return session
