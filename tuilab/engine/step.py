"""One training step: all that happens to the weights between two batches.

The training loop, the finders, the trace of a NaN and the views of a step all run this code; a
`StepObserver` shows them what happens inside.
"""

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from tuilab.engine.optim.gradient_transforms import add_gradient_noise, clamp_weight_norms, penalize
from tuilab.engine.session import Session
from tuilab.engine.tasks.task import OptimizerPhase


class StepObserver:
    """Callbacks from inside a step, which do nothing; a subclass overrides those it needs."""

    def on_forward(self, inputs: Tensor) -> None:
        """Runs before each forward pass, with the inputs of a batch or of a part: [batch, ...]."""

    def on_loss(self, loss: Tensor) -> None:
        """Runs between forward and backward pass, with the loss [] and its graph."""

    def on_backward(self) -> None:
        """Runs after the backward pass of the whole batch, with gradients as autograd left them."""

    def on_gradients(self, phase: OptimizerPhase) -> None:
        """Runs when the gradients are unscaled and include penalties, before they are clipped."""

    def on_step(self, phase: OptimizerPhase, loss: Tensor, output: Tensor) -> None:
        """Runs when the weights have moved, with loss [] and output [batch, ...] from before."""


UNOBSERVED = StepObserver()


def training_step(
    session: Session, inputs: Tensor, targets: Tensor, observer: StepObserver
) -> tuple[Tensor, Tensor, Tensor]:
    """Moves the weights once, by one batch: inputs [batch, ...] and targets [batch, ...].

    Returns: the mean loss [], the output [batch, ...] and what it was compared with, detached.
    """
    session.set_learning_rate()
    targets = session.task.targets_for(inputs, targets)
    for phase in session.phases:  # one for most tasks; the two sides of a GAN take turns
        loss, output = optimizer_step(session, phase, inputs, targets, observer)
    session.task.average.step(session.experiment.averaging, session.optimizer)
    session.step += 1
    session.offset += len(targets)
    return loss, output, targets


def optimizer_step(
    session: Session, phase: OptimizerPhase, inputs: Tensor, targets: Tensor, observer: StepObserver
) -> tuple[Tensor, Tensor]:
    """Moves the weights of one phase; returns the loss [] and the output [batch, ...] before it."""
    results: list[tuple[Tensor, Tensor]] = []

    def closure() -> Tensor:
        first_observer = UNOBSERVED if results else observer  # L-BFGS calls this several times
        loss, output = forward_backward(session, phase, inputs, targets, first_observer)
        session.penalty = regularize_and_clip(session, phase, first_observer)
        results.append((loss, output))
        return loss if session.penalty is None else loss + session.penalty

    scaler = session.task.scaler
    if session.experiment.optimizer.needs_closure:
        # L-BFGS measures loss and gradient at several points before it decides where to go, so it
        # gets a function that does so; all others need the one gradient that is there already.
        phase.optimizer.step(lambda: float(closure()))
    else:
        closure()
        if scaler is None:
            phase.optimizer.step()
        else:
            scaler.step(phase.optimizer)  # skips the step if fp16 has made a gradient infinite
            scaler.update()
    clamp_weight_norms(phase.weights, session.experiment.regularization, phase.transposed)
    observer.on_step(phase, *results[0])
    return results[0]


def forward_backward(
    session: Session, phase: OptimizerPhase, inputs: Tensor, targets: Tensor, observer: StepObserver
) -> tuple[Tensor, Tensor]:
    """Computes a batch's gradients; returns its mean loss [] and output [batch, ...], detached.

    Where memory is short the batch comes in micro-batches ("gradient accumulation"), each weighted
    by its share; only batch norm and randomness (dropout, mixup, noise) see each by itself.
    """
    for parameter in phase.parameters:  # what `zero_grad()` does, twenty times as fast
        parameter.grad = None  # not zeros: a parameter without a gradient stays as it is
    task, losses, outputs, parts = session.task, [], [], [(inputs, targets, 1.0)]
    count = min(session.experiment.training.accumulation, len(inputs) // session.min_batch_size)
    if count > 1 and (total := task.loss_weight(targets)):  # 0: no target counts
        pairs = zip(inputs.tensor_split(count), targets.tensor_split(count), strict=True)
        parts = [(x, y, task.loss_weight(y) / total) for x, y in pairs]
    for x, y, share in parts:
        observer.on_forward(x)
        with phase.context():
            loss, output = phase.compute_loss(x, y)
            observer.on_loss(loss)
            if share:  # the mean over no targets is not a number
                weighted = loss if share == 1 else loss * share
                losses.append(weighted.detach())
                if task.scaler is not None:  # fp16 would round small gradients to zero
                    weighted = task.scaler.scale(weighted)
                weighted.backward()  # type: ignore[no-untyped-call]
        outputs.append(output.detach())
    observer.on_backward()
    output = outputs[0] if len(outputs) == 1 else torch.cat(outputs)
    return sum(losses[1:], losses[0]), output


def regularize_and_clip(
    session: Session, phase: OptimizerPhase, observer: StepObserver
) -> Tensor | None:
    """Adds penalties to the gradients, clips them, adds noise; returns the penalties' value []."""
    training, config = session.experiment.training, session.experiment.regularization
    if session.task.scaler is not None:  # first: the limits are meant for the true gradients
        session.task.scaler.unscale_(phase.optimizer)
    penalty = penalize(phase.weights, config)  # a part of the loss, so it is clipped with it
    observer.on_gradients(phase)
    if training.clip_grad_value:
        clip_grad_value_(phase.parameters, training.clip_grad_value, foreach=True)
    if training.clip_grad_norm:  # the last limit: this is the norm that the optimizer gets
        clip_grad_norm_(phase.parameters, training.clip_grad_norm, foreach=True)
    add_gradient_noise(phase.parameters, config, session.step)  # not clipped: it keeps its size
    return penalty
