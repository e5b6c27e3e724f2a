"""THE training loop: a generator that yields between batches.

To pause is not to call `next`; to stop is `.close()`; one step is one `next`; headless is a
`for` loop. Nothing here waits, prints or knows who is watching.
"""

from collections.abc import Iterator

from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from tuilab.engine.probes import StepProbe
from tuilab.engine.pulse import Pulse
from tuilab.engine.session import Session
from tuilab.lab.messages import AnyEvent, EpochEnded


def train(session: Session) -> Iterator[AnyEvent | None]:
    """Train to the last epoch, yielding after every batch so that it can be paused there.

    Yields events when some are due, else None. Ends early after a `Failed` event.
    """
    pulse = Pulse(session)
    while not session.is_over:
        while (batch := session.next_batch()) is not None:
            probe = learn(session, *batch, pulse)
            if pulse.is_due:
                yield from pulse.report(probe)
                if pulse.has_failed:
                    return
            yield from pulse.rest(None)  # here a run is paused
        session.end_epoch()
        if pulse.is_evaluation_due:
            yield from evaluate(session, pulse)


def learn(session: Session, inputs: Tensor, targets: Tensor, pulse: Pulse) -> StepProbe | None:
    """One step: forward, loss, backward, and the optimizer moves the weights.

    The step is probed on the way when a report is due after it.
    """
    optimizer, limit = session.optimizer, session.experiment.training.clip_grad_norm
    for group in optimizer.param_groups:
        group["lr"] = session.lr
    optimizer.zero_grad(set_to_none=True)
    backward(session, inputs, targets, pulse)
    probe = StepProbe(session) if pulse.beat() else None
    if limit:
        clip_grad_norm_(session.parameters, limit, foreach=True)
    optimizer.step()
    session.step += 1
    session.offset += len(targets)
    return probe


def backward(session: Session, inputs: Tensor, targets: Tensor, pulse: Pulse) -> None:
    """Forward and backward over one batch, in parts where memory is short.

    Each part's mean loss counts by its share of the batch, so that the gradient is that of the
    whole batch however it is divided.
    """
    parts = min(session.experiment.training.accumulation, len(targets) // session.least)
    if parts <= 1:
        output = session.network(inputs)
        loss = session.loss(output, targets)
        loss.backward()  # type: ignore[no-untyped-call]
        pulse.add(loss.detach(), output.detach(), targets)
        return
    total = None
    for x, y in zip(inputs.tensor_split(parts), targets.tensor_split(parts), strict=True):
        output = session.network(x)
        loss = session.loss(output, y) * (len(y) / len(targets))
        loss.backward()  # type: ignore[no-untyped-call]
        total = loss.detach() if total is None else total + loss.detach()
    assert total is not None
    pulse.add(total, output.detach(), y)


def evaluate(session: Session, pulse: Pulse) -> Iterator[AnyEvent | None]:
    """Measure the epoch that has just ended, with a chance to pause between chunks."""
    evaluation = session.evaluate(session.dataset.validation)
    while True:
        try:
            next(evaluation)
        except StopIteration as end:
            validation: dict[str, float] = end.value
            break
        yield from pulse.rest(None)
    train = pulse.end_epoch()
    yield from pulse.rest(EpochEnded(session.run, session.step, session.epoch, train, validation))
