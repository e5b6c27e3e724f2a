"""The diagnosis of a run: applies all rules, then drops what is a consequence of something else.

A rule is a function of the evidence that yields at most one diagnosis; add new ones to RULES.
"""

from collections.abc import Callable, Iterator
from statistics import StatisticsError

from tuilab.core.diagnosis import (
    batch_norm_faults,
    check_faults,
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
    learning_faults.detect_nonfinite_loss,
    learning_faults.detect_high_rate,
    learning_faults.detect_low_rate,
    learning_faults.detect_exploding_gradients,
    learning_faults.detect_vanishing_gradients,
    learning_faults.detect_missing_gradient,
    learning_faults.detect_constant_clipping,
    learning_faults.detect_plateau,
    layer_faults.detect_dead_relus,
    layer_faults.detect_saturation,
    layer_faults.detect_symmetry,
    layer_faults.detect_adjacent_linear,
    layer_faults.detect_double_softmax,
    layer_faults.detect_wrong_output,
    generalization_faults.detect_overfitting,
    generalization_faults.detect_underfitting,
    generalization_faults.detect_imbalance,
    generalization_faults.detect_shuffled_labels,
    generalization_faults.detect_raw_inputs,
    generalization_faults.detect_leakage,
    regularization_faults.detect_strong_dropout,
    regularization_faults.detect_strong_decay,
    regularization_faults.detect_strong_penalty,
    batch_norm_faults.detect_small_batch,
    batch_norm_faults.detect_gap,
    task_faults.detect_mode_collapse,
    task_faults.detect_exploding_state,
)
"""All rules."""

NOT_LEARNING = ("plateau", "underfitting", "learning_rate_too_low", "labels_shuffled")
"""Symptoms of a network that does not learn, whatever the cause."""

EXPLAINS: dict[str, tuple[str, ...]] = {
    "loss_not_finite": ("dead_relus", "saturation", "no_gradient", *NOT_LEARNING),
    "symmetric_initialization": (
        "no_gradient", "dead_relus", "vanishing_gradients", "class_imbalance", *NOT_LEARNING
    ),
    "exploding_gradients": ("clipping_every_step", *NOT_LEARNING),
    "learning_rate_too_high": (
        "exploding_gradients", "saturation", "class_imbalance", "dead_relus", "no_gradient",
        "vanishing_gradients", *NOT_LEARNING
    ),
    "inputs_not_normalized": (
        "exploding_gradients", "learning_rate_too_high", "dead_relus", "saturation",
        "no_gradient", *NOT_LEARNING,
    ),
    "dead_relus": ("no_gradient", "class_imbalance", *NOT_LEARNING[:-1]),
    "saturation": ("exploding_gradients", "vanishing_gradients", "overfitting", *NOT_LEARNING),
    "vanishing_gradients": NOT_LEARNING,
    "no_gradient": ("vanishing_gradients", *NOT_LEARNING),
    "no_nonlinearity": NOT_LEARNING,
    "softmax_before_cross_entropy": NOT_LEARNING,
    "output_does_not_fit": ("dead_relus", *NOT_LEARNING),
    "weight_decay_too_strong": (
        "vanishing_gradients", "dead_relus", "class_imbalance", "learning_rate_too_high",
        "no_gradient", *NOT_LEARNING,
    ),
    "dropout_too_strong": ("batch_norm_gap", *NOT_LEARNING),
    "clipping_every_step": NOT_LEARNING,
    "learning_rate_too_low": ("class_imbalance", "plateau", "underfitting"),
    "class_imbalance": ("plateau", "underfitting"),
    "labels_shuffled": ("overfitting",),
    "batch_too_small_for_batch_norm": ("batch_norm_gap",),
    "underfitting_by_regularization": (
        "learning_rate_too_high", "dead_relus", "vanishing_gradients", "no_gradient",
        "class_imbalance", "exploding_gradients", *NOT_LEARNING,
    ),
    "mode_collapse": ("dead_relus", "learning_rate_too_high"),
    "exploding_state": ("exploding_gradients", "learning_rate_too_high", *NOT_LEARNING),
    "batch_norm_gap": ("overfitting", "labels_shuffled"),
}  # fmt: skip
"""Faults with the symptoms that they explain, which are then not reported."""

OLD_NAMES = {"inputs_not_normalised": "inputs_not_normalized"}
"""Names in older lessons."""


def diagnose(run: Run) -> list[Diagnosis]:
    """Returns the problems of a run, the surest first."""
    if run.experiment is None or not run.series:
        return []
    evidence = Evidence(run, run.experiment)
    rules = (*RULES, *check_faults.CHECK_RULES)
    found = [diagnosis for rule in rules for diagnosis in _apply_rule(rule, evidence)]
    diagnoses = check_faults.merge(found)
    explained = {symptom for cause in diagnoses for symptom in EXPLAINS.get(cause.name, ())}
    causes = [diagnosis for diagnosis in diagnoses if diagnosis.name not in explained]
    return sorted(causes, key=lambda diagnosis: -diagnosis.confidence)


def _apply_rule(rule: Rule, evidence: Evidence) -> list[Diagnosis]:
    """Returns the diagnosis of a rule; none if the history is too short for its statistics."""
    try:
        return list(rule(evidence))
    except (ArithmeticError, StatisticsError, ValueError):
        return []
