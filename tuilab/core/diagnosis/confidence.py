"""How sure each finding is: how often it was right where it was reported.

The numbers come from `python -m tests.bench.diagnosis --fit`: of all reports of a finding in the
tuned half of the generated experiments, sound ones included, the share that names the fault,
together with eight imagined reports of which 85% are right. That is also the number of a finding
that none of these experiments leads to; only that of dead ReLUs is lower, as a mere symptom.
"""

from tuilab.core.diagnosis.evidence import Curve
from tuilab.core.diagnosis.finding import Diagnosis, Fix

CONFIDENCES: dict[str, float] = {
    "answer_is_visible": 0.91,
    "batch_norm_gap": 0.92,
    "batch_too_small": 0.91,
    "batch_too_small_for_batch_norm": 0.93,
    "class_imbalance": 0.77,
    "clipping_every_step": 0.95,
    "dead_relus": 0.5,
    "dropout_too_strong": 0.94,
    "exploding_gradients": 0.94,
    "exploding_state": 0.88,
    "frozen_layers": 0.93,
    "inputs_not_normalized": 0.85,
    "labels_shuffled": 0.94,
    "learning_rate_too_high": 0.95,
    "learning_rate_too_low": 0.96,
    "loss_not_finite": 0.88,
    "memory_too_short": 0.66,
    "mode_collapse": 0.75,
    "momentum_too_high": 0.94,
    "no_gradient": 0.95,
    "no_nonlinearity": 0.91,
    "no_positions": 0.88,
    "output_does_not_fit": 0.94,
    "over_smoothing": 0.88,
    "overfitting": 0.92,
    "plateau": 0.87,
    "posterior_collapse": 0.9,
    "saturation": 0.89,
    "schedule_ends_early": 0.95,
    "softmax_before_cross_entropy": 0.95,
    "symmetric_initialization": 0.91,
    "targets_not_normalized": 0.85,
    "underfitting": 0.93,
    "underfitting_by_regularization": 0.92,
    "validation_leaks": 0.91,
    "vanishing_gradients": 0.95,
    "weight_decay_too_strong": 0.93,
}
"""Each finding with its confidence, from 0 to 1."""


def make_diagnosis(
    name: str,
    title: str,
    evidence: list[str],
    explanation: str,
    fixes: list[Fix],
    curve_points: Curve | None = None,
    curve_name: str = "",
) -> Diagnosis:
    """Returns a diagnosis with the confidence of its name."""
    return Diagnosis(
        name, title, evidence, explanation, CONFIDENCES[name], fixes, curve_points or [], curve_name
    )
