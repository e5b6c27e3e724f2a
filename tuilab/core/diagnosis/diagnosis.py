"""The diagnosis of a run: applies all rules, then drops what is a consequence of something else.

A rule is a function of the evidence that yields at most one diagnosis; add new ones to RULES.
"""

from collections.abc import Callable, Iterator
from statistics import StatisticsError

from tuilab.core.diagnosis import (
    architecture_faults,
    batch_norm_faults,
    check_faults,
    generalization_faults,
    layer_faults,
    learning_faults,
    pace_faults,
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
    task_faults.detect_posterior_collapse,
    generalization_faults.detect_raw_targets,
    pace_faults.detect_high_momentum,
    pace_faults.detect_tiny_batch,
    pace_faults.detect_spent_schedule,
    architecture_faults.detect_visible_answer,
    architecture_faults.detect_missing_positions,
    architecture_faults.detect_over_smoothing,
    architecture_faults.detect_short_memory,
    architecture_faults.detect_frozen_layers,
)
"""All rules."""

NOT_LEARNING = ("plateau", "underfitting", "learning_rate_too_low", "labels_shuffled")
"""Symptoms of a network that does not learn, whatever the cause."""

EXPLAINS: dict[str, tuple[str, ...]] = {
    "loss_not_finite": ("dead_relus", "saturation", "no_gradient", *NOT_LEARNING),
    "symmetric_initialization": (
        "no_gradient", "dead_relus", "vanishing_gradients", "class_imbalance",
        "exploding_gradients", "learning_rate_too_high", *NOT_LEARNING
    ),
    "exploding_gradients": ("clipping_every_step", *NOT_LEARNING),
    "learning_rate_too_high": (
        "exploding_gradients", "saturation", "class_imbalance", "dead_relus", "no_gradient",
        "vanishing_gradients", "mode_collapse", *NOT_LEARNING
    ),
    "inputs_not_normalized": (
        "exploding_gradients", "learning_rate_too_high", "dead_relus", "saturation",
        "no_gradient", "loss_not_finite", *NOT_LEARNING,
    ),
    "dead_relus": ("no_gradient", "class_imbalance", *NOT_LEARNING[:-1]),
    "saturation": ("exploding_gradients", "vanishing_gradients", "overfitting", *NOT_LEARNING),
    "vanishing_gradients": NOT_LEARNING,
    "no_gradient": ("vanishing_gradients", *NOT_LEARNING),
    "no_nonlinearity": NOT_LEARNING,
    "softmax_before_cross_entropy": NOT_LEARNING,
    "output_does_not_fit": ("dead_relus", "no_gradient", "vanishing_gradients", *NOT_LEARNING),
    "weight_decay_too_strong": (
        "vanishing_gradients", "dead_relus", "class_imbalance", "learning_rate_too_high",
        "no_gradient", "mode_collapse", *NOT_LEARNING,
    ),
    "dropout_too_strong": ("batch_norm_gap", "learning_rate_too_high", *NOT_LEARNING),
    "clipping_every_step": NOT_LEARNING,
    "learning_rate_too_low": ("class_imbalance", "plateau", "underfitting"),
    "class_imbalance": ("plateau", "underfitting", "labels_shuffled"),
    "labels_shuffled": ("overfitting",),
    "batch_too_small_for_batch_norm": (
        "batch_norm_gap", "vanishing_gradients", "exploding_gradients",
        "learning_rate_too_high", *NOT_LEARNING[:2],
    ),
    "momentum_too_high": (
        "learning_rate_too_high", "exploding_gradients", "saturation", "no_gradient",
        "loss_not_finite", "overfitting", *NOT_LEARNING[:3],
    ),
    "batch_too_small": ("learning_rate_too_high", "saturation", "no_gradient", *NOT_LEARNING),
    "schedule_ends_early": ("learning_rate_too_low", "plateau", "underfitting", "mode_collapse"),
    "frozen_layers": ("underfitting", "plateau", "learning_rate_too_low"),
    "targets_not_normalized": (
        "loss_not_finite", "exploding_gradients", "learning_rate_too_low",
        "learning_rate_too_high", "no_gradient",
        *NOT_LEARNING[:2],
    ),
    "over_smoothing": (
        "vanishing_gradients", "overfitting", "learning_rate_too_high", *NOT_LEARNING[:3]
    ),
    "no_positions": ("underfitting", "plateau"),
    "posterior_collapse": ("underfitting", "plateau", "dead_relus"),
    "memory_too_short": ("plateau", "underfitting", "vanishing_gradients"),
    "underfitting_by_regularization": (
        "learning_rate_too_high", "dead_relus", "vanishing_gradients", "no_gradient",
        "class_imbalance", "exploding_gradients", "mode_collapse", *NOT_LEARNING,
    ),
    "mode_collapse": ("dead_relus",),
    "exploding_state": ("exploding_gradients", "learning_rate_too_high", *NOT_LEARNING),
    "batch_norm_gap": ("overfitting", "labels_shuffled"),
}  # fmt: skip
"""Faults with the symptoms that they explain, which are then not reported."""

LAST_RESORT = ("dead_relus",)
"""What many faults lead to, and what does no harm in many sound runs: only reported alone."""

OLD_NAMES = {"inputs_not_normalised": "inputs_not_normalized"}
"""Names in older lessons."""


def diagnose(run: Run) -> list[Diagnosis]:
    """Returns the problems of a run, the surest first."""
    if run.experiment is None or not run.series:
        return []
    evidence = Evidence(run, run.experiment)
    rules = (*RULES, *check_faults.CHECK_RULES)
    reported = [diagnosis for rule in rules for diagnosis in _apply_rule(rule, evidence)]
    diagnoses = check_faults.merge(reported)
    explained = {symptom for cause in diagnoses for symptom in EXPLAINS.get(cause.name, ())}
    causes = [diagnosis for diagnosis in diagnoses if diagnosis.name not in explained]
    if any(diagnosis.name not in LAST_RESORT for diagnosis in causes):
        causes = [diagnosis for diagnosis in causes if diagnosis.name not in LAST_RESORT]
    return sorted(causes, key=lambda diagnosis: -diagnosis.confidence)


def _apply_rule(rule: Rule, evidence: Evidence) -> list[Diagnosis]:
    """Returns the diagnosis of a rule; none if the history lacks what its statistics need."""
    try:
        return list(rule(evidence))
    except (ArithmeticError, LookupError, StatisticsError, ValueError):
        return []
