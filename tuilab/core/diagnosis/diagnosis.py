"""The diagnosis of a run: every rule asked, and what is only a consequence left out.

A rule is a function of the evidence that yields at most one diagnosis; to add one is to write it
and to name it in RULES.
"""

from collections.abc import Callable, Iterator
from statistics import StatisticsError

from tuilab.core.diagnosis import (
    batch_norm_faults,
    generalization_faults,
    layer_faults,
    learning_faults,
    regularization_faults,
    task_faults,
)
from tuilab.core.diagnosis.evidence import Evidence
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.run.run import Run

Rule = Callable[[Evidence], Iterator[Diagnosis]]

RULES: tuple[Rule, ...] = (
    learning_faults.not_finite,
    learning_faults.too_high,
    learning_faults.too_low,
    learning_faults.exploding,
    learning_faults.vanishing,
    learning_faults.without_gradient,
    learning_faults.clipping,
    learning_faults.plateau,
    layer_faults.dead_relus,
    layer_faults.saturation,
    layer_faults.symmetric,
    layer_faults.linear,
    layer_faults.softmax,
    layer_faults.output,
    generalization_faults.overfitting,
    generalization_faults.underfitting,
    generalization_faults.imbalance,
    generalization_faults.shuffled,
    generalization_faults.raw_inputs,
    generalization_faults.leak,
    regularization_faults.strong_dropout,
    regularization_faults.strong_decay,
    regularization_faults.held_back,
    batch_norm_faults.small_batch,
    batch_norm_faults.gap,
    task_faults.mode_collapse,
    task_faults.exploding_state,
)
"""Every rule there is."""

STILL = ("plateau", "underfitting", "learning_rate_too_low", "labels_shuffled")
"""What a network that does not learn looks like, whatever the reason."""

EXPLAINS: dict[str, tuple[str, ...]] = {
    "loss_not_finite": ("dead_relus", "saturation", "no_gradient", *STILL),
    "symmetric_initialization": (
        "no_gradient", "dead_relus", "vanishing_gradients", "class_imbalance", *STILL
    ),
    "exploding_gradients": ("clipping_every_step", *STILL),
    "learning_rate_too_high": ("exploding_gradients", "saturation", "class_imbalance", *STILL),
    "inputs_not_normalised": (
        "exploding_gradients", "learning_rate_too_high", "dead_relus", "saturation",
        "no_gradient", *STILL,
    ),
    "dead_relus": ("no_gradient", "class_imbalance", *STILL[:-1]),
    "saturation": ("exploding_gradients", "vanishing_gradients", "overfitting", *STILL),
    "vanishing_gradients": STILL,
    "no_gradient": ("vanishing_gradients", *STILL),
    "no_nonlinearity": STILL,
    "softmax_before_cross_entropy": STILL,
    "output_does_not_fit": ("dead_relus", *STILL),
    "weight_decay_too_strong": (
        "vanishing_gradients", "dead_relus", "class_imbalance", "learning_rate_too_high",
        "no_gradient", *STILL,
    ),
    "dropout_too_strong": ("batch_norm_gap", *STILL),
    "clipping_every_step": STILL,
    "learning_rate_too_low": ("class_imbalance", "plateau", "underfitting"),
    "class_imbalance": ("plateau", "underfitting"),
    "labels_shuffled": ("overfitting",),
    "batch_too_small_for_batch_norm": ("batch_norm_gap",),
    "underfitting_by_regularization": (
        "learning_rate_too_high", "dead_relus", "vanishing_gradients", "no_gradient",
        "class_imbalance", "exploding_gradients", *STILL,
    ),
    "mode_collapse": ("dead_relus", "learning_rate_too_high"),
    "exploding_state": ("exploding_gradients", "learning_rate_too_high", *STILL),
    "batch_norm_gap": ("overfitting", "labels_shuffled"),
}  # fmt: skip
"""Which faults are not told where another one brings them about."""


def diagnose(run: Run) -> list[Diagnosis]:
    """What is wrong with a run, the surest first; nothing where nothing is sure."""
    if run.experiment is None or not run.series:
        return []
    seen = Evidence(run, run.experiment)
    found = [diagnosis for rule in RULES for diagnosis in _asked(rule, seen)]
    explained = {symptom for cause in found for symptom in EXPLAINS.get(cause.name, ())}
    told = [diagnosis for diagnosis in found if diagnosis.name not in explained]
    return sorted(told, key=lambda diagnosis: -diagnosis.confidence)


def _asked(rule: Rule, seen: Evidence) -> list[Diagnosis]:
    """What one rule says; a history too short for its medians and shares is told nothing."""
    try:
        return list(rule(seen))
    except (ArithmeticError, StatisticsError, ValueError):
        return []
