"""THE training loop: a generator that yields between batches.

To pause is not to call `next`; to stop is `.close()`; one step is one `next`; without a screen it
is a `for` loop. Nothing here waits, prints or knows who is watching.
"""

from collections.abc import Generator, Iterator

from tuilab.core.protocol.events import AnyEvent, Logged
from tuilab.engine import schedule
from tuilab.engine.probes.step_probe import StepProbe
from tuilab.engine.progress import ProgressReporter
from tuilab.engine.session import Session
from tuilab.engine.step import UNOBSERVED, training_step


def train(
    session: Session, reporter: ProgressReporter | None = None
) -> Generator[AnyEvent | None, None, None]:
    """Trains to the last epoch or a `Failed` event; yields an event or None after every batch."""
    reporter = reporter or ProgressReporter(session)
    if session.is_evaluation_pending:  # an earlier loop was closed before it had measured
        yield from evaluate(session, reporter)
    while not session.is_over:
        while (batch := session.next_batch()) is not None:
            # No step reads its loss from the device (`loss.item()`): the CPU would wait for the
            # GPU each time. A report, due ten times a second, reads all of them at once; so do
            # the few steps whose gradients and activations are measured.
            probe = StepProbe(session) if schedule.is_measured(session.step + 1) else None
            reporter.add(*training_step(session, *batch, probe or UNOBSERVED))
            yield from reporter.report(probe)
            if reporter.has_failed:
                return
            yield from reporter.pause_point()
        session.end_epoch()
        session.is_evaluation_pending = reporter.end_epoch()
        if session.is_evaluation_pending:
            yield from evaluate(session, reporter)


def evaluate(session: Session, reporter: ProgressReporter) -> Iterator[AnyEvent | None]:
    """Measures the epoch that has just ended, with a pause point after each chunk of examples."""
    validation = yield from reporter.pause_points(session.evaluate(session.dataset.validation))
    event = reporter.epoch_ended(validation)
    note = session.record_validation(validation)
    yield from reporter.pause_point(event)
    if note:
        yield from reporter.pause_point(Logged(note))
