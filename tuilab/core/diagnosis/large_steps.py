"""Steps that are too large for the weights: at which learning rate, with what damage, what to do.

The learning rate can change during training; evidence belongs to the rate of its own steps.
"""

from collections.abc import Iterator
from itertools import pairwise
from math import inf, isfinite
from statistics import median

from msgspec.structs import replace

from tuilab.core.diagnosis.evidence import Evidence
from tuilab.core.diagnosis.finding import Fix
from tuilab.core.format import format_count, format_number, format_percent

USUAL_UPDATE = 0.03
"""A step usually changes the weights of a layer by at most this share of their norm."""

MIN_LOWERED = 0.101
"""A rate at most this part of the one that was too high is as low as the advice."""


def find_largest_updates(evidence: Evidence) -> list[float]:
    """Returns the largest relative change of each layer in a measured step."""
    names = evidence.get_layer_curves("update", min_points=4)
    return [evidence.get_maximum(f"update/{name}") for name in names]


def describe_large_updates(largest: list[float]) -> Iterator[str]:
    """Yields a sentence on the largest relative change, if it is larger than usual."""
    if (share := max(largest, default=0.0)) > USUAL_UPDATE:
        yield (
            f"A step changes the weights by up to {format_percent(share)} of their norm; at most "
            f"{format_percent(USUAL_UPDATE)} is usual."
        )


def has_destroyed_weights(evidence: Evidence) -> bool:
    """Returns whether a step was larger than the weights of half of the layers, or made them NaN.

    Little of the weights from before is left then: lower rates seldom recover from it.
    """
    largest = find_largest_updates(evidence)
    return evidence.has_overflowed or (bool(largest) and median(largest) > 1)


def explain_large_steps(evidence: Evidence) -> str:
    """Returns why large steps matter, and whether a lower rate still helps these weights."""
    if has_destroyed_weights(evidence):
        return (
            "Each step overshoots the minimum. After steps larger than the weights themselves, "
            "little is left of these: a lower rate helps a restarted run, but rarely this one."
        )
    return "Each step overshoots the minimum."


def find_rate_at_fault(evidence: Evidence) -> float:
    """Returns the learning rate of the steps that were too large.

    It is the first rate whose steps were larger than the weights, else that of the largest step,
    else that of the largest loss; the current one if nothing was measured.
    """
    current = evidence.experiment.optimizer.lr
    if len(evidence.run.learning_rates) < 2:
        return current
    updates = [f"update/{name}" for name in evidence.get_layer_curves("update")]
    sizes = _find_maxima_by_rate(evidence, updates)
    for size, rate in sizes:
        if size > 1:
            return rate
    sizes = sizes or _find_maxima_by_rate(evidence, ["loss/train"])
    return max(sizes)[1] if sizes else current


def _find_maxima_by_rate(evidence: Evidence, names: list[str]) -> list[tuple[float, float]]:
    """Returns the median maximum of some series, and the rate, of each part with one rate."""
    parts = pairwise([*evidence.run.learning_rates, (inf, 0.0)])
    all_points = [evidence.run.series[name].points() for name in names]
    sizes = []
    for (start, rate), (stop, _) in parts:
        values = [
            [y for x, y, *_ in points if start < x <= stop and isfinite(y)] for points in all_points
        ]
        if maxima := [max(of_series) for of_series in values if of_series]:
            sizes.append((median(maxima), rate))
    return sizes


def was_lowered(evidence: Evidence, rate: float) -> bool:
    """Returns whether a rate that was too high has been lowered as far as the advice goes."""
    return evidence.experiment.optimizer.lr <= MIN_LOWERED * rate


def describe_rate_change(evidence: Evidence, rate: float) -> Iterator[str]:
    """Yields a sentence on the current rate, if it is lower than the one that was too high."""
    current = evidence.experiment.optimizer.lr
    if current < rate and (changes := evidence.run.learning_rates):
        yield (
            f"The learning rate was {format_number(rate)} then; it has been "
            f"{format_number(current)} since step {format_count(changes[-1][0])}."
        )


def propose_smaller_steps(evidence: Evidence) -> list[Fix]:
    """Returns fixes with lower rates than the one that was too high, and one that clips gradients.

    They need a restart if the weights are destroyed. So does the current rate if it has been
    lowered: the run began with another one.
    """
    rate, current = find_rate_at_fault(evidence), evidence.experiment.optimizer.lr
    suggestion = evidence.suggested_rate
    fixes = evidence.propose_rates(0.1, 0.01, of=rate)
    if current < rate:
        fixes = [fix for fix in fixes if fix.value < current or fix.value == suggestion]
    if was_lowered(evidence, rate) and suggestion not in (fix.value for fix in fixes):
        which = "the optimizer's default" if evidence.rate_ratio == 1 else "the current one"
        label = f"learning rate {format_number(current)}, {which}"
        fixes = [Fix(label, "optimizer.lr", current), *fixes]
    fixes += evidence.propose_clipping()
    is_late = has_destroyed_weights(evidence)
    return [replace(fix, is_live=fix.is_live and not is_late) for fix in fixes]
