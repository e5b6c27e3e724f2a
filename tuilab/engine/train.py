"""THE training loop: a generator that yields between batches.

To pause is not to call `next`; to stop is `.close()`; one step is one `next`; headless is a
`for` loop. Nothing here waits, prints or knows who is watching.
"""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_, clip_grad_value_

from tuilab.core.protocol.events import AnyEvent, EpochEnded, Logged
from tuilab.engine.optim.build_optimizer import needs_closure
from tuilab.engine.optim.gradient_transforms import disturb, limit, penalize
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.progress import ProgressReporter
from tuilab.engine.session import Session
from tuilab.engine.tasks.task import OptimizerPhase


def train(session: Session) -> Iterator[AnyEvent | None]:
    """Train to the last epoch, yielding after every batch so that it can be paused there.

    Yields events when some are due, else None. Ends early after a `Failed` event.
    """
    pulse = ProgressReporter(session)
    if session.is_unmeasured:
        yield from evaluate(session, pulse)
    while not session.is_over:
        while (batch := session.next_batch()) is not None:
            probe = training_step(session, *batch, pulse)
            if pulse.is_due:
                yield from pulse.report(probe)
                if pulse.has_failed:
                    return
            yield from pulse.pause_point(None)  # here a run is paused
        session.end_epoch()
        session.is_unmeasured = pulse.is_evaluation_due
        if session.is_unmeasured:
            yield from evaluate(session, pulse)


def training_step(
    session: Session, inputs: Tensor, targets: Tensor, pulse: ProgressReporter
) -> StepProbe | None:
    """One step: forward, loss, backward, and the optimizer moves the weights.

    The step is probed on the way when a report is due after it. A task may take several turns
    in a step, as a GAN does with its two sides.
    """
    session.set_rate()
    probe = StepProbe(session) if pulse.will_report() else None
    wanted = session.task.targets_for(inputs, targets)
    for turn in session.phases:
        loss, output = optimizer_step(session, turn, inputs, wanted, probe)
    session.task.average.step(session.experiment.averaging)
    pulse.add(loss, output, wanted)
    session.step += 1
    session.offset += len(targets)
    return probe


def optimizer_step(
    session: Session, turn: OptimizerPhase, inputs: Tensor, wanted: Tensor, probe: StepProbe | None
) -> tuple[Tensor, Tensor]:
    """Move the weights of one turn along its gradient; the loss and the output before that."""
    before: list[tuple[Tensor, Tensor]] = []

    def gradient() -> Tensor:
        turn.optimizer.zero_grad(set_to_none=True)
        loss, output = backward(session, turn, inputs, wanted)
        seen = None if before else probe
        penalty = regularize_and_clip(session, turn, seen)
        before.append((loss, output))
        session.penalty = penalty
        return loss if penalty is None else loss + penalty

    scaler = session.task.scaler
    if needs_closure(session.experiment.optimizer):  # it looks at several points in a step
        turn.optimizer.step(lambda: float(gradient()))
    elif scaler is not None:
        gradient()
        scaler.step(turn.optimizer)
        scaler.update()
    else:
        gradient()
        turn.optimizer.step()
    limit(turn.weights, session.experiment.regularization)
    return before[0]


def regularize_and_clip(
    session: Session, turn: OptimizerPhase, probe: StepProbe | None
) -> Tensor | None:
    """Penalties, limits and noise on the gradients of a turn; the value of the penalties."""
    training, knobs = session.experiment.training, session.experiment.regularization
    if session.task.scaler is not None:
        session.task.scaler.unscale_(turn.optimizer)
    penalty = penalize(turn.weights, knobs)
    if probe is not None:
        probe.see(turn.parameters)
    if training.clip_grad_value:
        clip_grad_value_(turn.parameters, training.clip_grad_value, foreach=True)
    if training.clip_grad_norm:
        clip_grad_norm_(turn.parameters, training.clip_grad_norm, foreach=True)
    disturb(turn.parameters, knobs, session.step)
    return penalty


def backward(
    session: Session, turn: OptimizerPhase, inputs: Tensor, wanted: Tensor
) -> tuple[Tensor, Tensor]:
    """Forward and backward over one batch, in parts where memory is short.

    Each part's mean loss counts by its share of the batch, so that the gradient is that of the
    whole batch however it is divided; only batch norm and chance (dropout, mixup, noise) see
    each part by itself.
    """
    parts = min(session.experiment.training.accumulation, len(inputs) // session.least)
    whole = session.task.weight(wanted) if parts > 1 else 0
    if not whole:  # in one go, as it is also where nothing counts
        return turn.backward(inputs, wanted, 1.0)
    total = None
    outputs = []
    for x, y in zip(inputs.tensor_split(parts), wanted.tensor_split(parts), strict=True):
        share = session.task.weight(y) / whole
        loss, output = turn.backward(x, y, share)
        if share:  # a mean over nothing is no number
            total = loss * share if total is None else total + loss * share
        outputs.append(output)
    assert total is not None
    return total, torch.cat(outputs)


def evaluate(session: Session, pulse: ProgressReporter) -> Iterator[AnyEvent | None]:
    """Measure the epoch that has just ended, with a chance to pause between chunks."""
    evaluation = session.evaluate(session.dataset.validation)
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            validation: dict[str, float] = end.value
            break
        yield from pulse.pause_point(None)
    train = pulse.end_epoch()
    note = session.see(validation)
    session.is_unmeasured = False
    counts = session.task.matrix()
    yield from pulse.pause_point(
        EpochEnded(session.run, session.step, session.epoch, train, validation, counts)
    )
    if note:
        yield from pulse.pause_point(Logged(note))
