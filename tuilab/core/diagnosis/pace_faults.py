"""Faults of how steps follow one another: momentum, single examples, a schedule spent early."""

from collections.abc import Iterator
from statistics import median

from tuilab.core.catalogue.layers.normalization import BatchNorm1d, BatchNorm2d
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import Evidence, chart, late_median, slice_curve
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.format import format_count, format_number, format_percent

MAX_MOMENTUM = 0.97
"""With more, a step sums up more than some thirty gradients."""

SPENT_RATE = 0.02
"""A part of the largest learning rate with which hardly anything is learned any more."""


LEFT_TO_LEARN = 0.2
"""A part of the first loss that is still worth learning."""


def detect_high_momentum(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects momentum that carries the weights past the minimum again and again."""
    optimizer = evidence.experiment.optimizer
    betas = getattr(optimizer, "betas", (0.0, 0.999))
    momentum = max(getattr(optimizer, "momentum", 0.0), betas[0])
    if momentum < MAX_MOMENTUM or evidence.is_short or evidence.is_good:
        return
    if len(evidence.train_loss) < 20:
        return
    peak, lowest = evidence.get_maximum("loss/train", 1), min(y for _, y in evidence.train_loss)
    now = late_median(evidence.train_loss)
    steps = 1 / (1 - momentum)
    yield make_diagnosis(
        "momentum_too_high",
        "The momentum is too high",
        [
            f"With momentum {format_number(momentum, 4)} a step sums up the last "
            f"{steps:.0f} gradients or so, as if the learning rate were "
            f"{format_number(steps * optimizer.lr, 2)}.",
            f"The training loss has been between {format_number(lowest, 3)} and "
            f"{format_number(peak, 3)}; the median of the last steps is {format_number(now, 3)}.",
        ],
        "Old gradients still move the weights when the slope has long turned around.",
        (
            evidence.propose("β₁ = 0.9", "optimizer.betas", (0.9, betas[1]))
            if betas[0] == momentum
            else evidence.propose("momentum 0.9", "optimizer.momentum", 0.9)
        )
        + evidence.propose_rates(0.1),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_tiny_batch(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects steps for one or two examples that undo each other."""
    size = getattr(evidence.experiment.data, "batch_size", 0)
    if not 0 < size <= 2 or evidence.is_good or evidence.is_short:
        return
    if evidence.find_layers(BatchNorm1d, BatchNorm2d) or evidence.task == "perceptron":
        return
    updates = [median(y for _, y in c) for c in evidence.get_layer_curves("update").values() if c]
    if not updates or max(updates) < 2e-3:
        return
    tail = [y for _, y in slice_curve(evidence.validation_loss, 0.3, 1.0)]
    sentences = [
        f"A step follows {format_count(size)} example{'s' if size > 1 else ''}; it changes a layer "
        f"by {format_percent(max(updates), 1)} of its norm."
    ]
    if len(tail) > 1:
        sentences.append(
            f"The validation loss goes up and down between {format_number(min(tail), 3)} and "
            f"{format_number(max(tail), 3)}."
        )
    yield make_diagnosis(
        "batch_too_small",
        "The batch is too small for this learning rate",
        sentences,
        "The gradient of so few examples is mostly noise; large steps along it never settle.",
        evidence.propose("batch size 32", "data.batch_size", 32)
        + evidence.propose_rates(0.1, 0.01),
        *chart(evidence.train_loss, "training loss"),
    )


def detect_spent_schedule(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a learning rate that is almost 0 long before the end, with much left to learn."""
    rates = evidence.get_curve("lr")
    started = evidence.run.started
    if len(rates) < 20 or started is None or evidence.is_short:
        return
    now = late_median(evidence.train_loss)
    if evidence.is_good and now < LEFT_TO_LEARN * evidence.first_loss:
        return
    total = started.batches * evidence.experiment.training.epochs
    highest_at, highest = max(rates, key=lambda point: point[1])
    spent = [x for x, y in rates if x > highest_at and y < SPENT_RATE * highest]
    if not highest or not spent or rates[-1][1] >= SPENT_RATE * highest:
        return
    if spent[0] > 0.6 * total:
        return
    yield make_diagnosis(
        "schedule_ends_early",
        "The learning rate is decayed too early",
        [
            f"It fell to less than {format_percent(SPENT_RATE)} of its maximum by step "
            f"{format_count(int(spent[0]))} of {format_count(total)} and is "
            f"{format_number(rates[-1][1], 2)} now.",
            f"The training loss has stopped at {format_number(now, 3)}.",
        ],
        "After that, steps are too small to learn anything more.",
        evidence.propose("schedule cosine, which ends with the run", "schedule.name", "cosine")
        + evidence.propose("a constant learning rate", "schedule.name", "constant"),
        *chart(rates, "learning rate"),
    )
