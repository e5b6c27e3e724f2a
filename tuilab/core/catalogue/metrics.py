"""Metrics by name: one line about each, and which of them come first."""

from collections.abc import Container

METRIC_HELP = {
    "loss": "What training minimizes; on held-out examples without smoothing and class weights",
    "accuracy": "Fraction of correct predictions",
    "majority": "Accuracy of always predicting the most frequent class: the baseline",
    "balanced_accuracy": "Mean recall of all classes: each counts the same, however rare it is",
    "top_5": "Fraction of examples whose class is among the five most likely; task.top_k: others",
    "precision": "Fraction of predictions of a class that are right; mean, or the second of two",
    "recall": "Fraction of the examples of a class that are found; mean, or the second of two",
    "f1": "Harmonic mean of precision and recall of a class; mean, or the second of two",
    "auroc": "Probability that an example of a class is ranked above one of another",
    "average_precision": "Mean precision over all thresholds that find one more of a class",
    "ece": "Expected calibration error: difference between confidence and accuracy",
    "worst_class": "Recall of the worst class",
    "worst_group": "Accuracy (or mean absolute error) of the worst group of examples",
    "label_accuracy": "Fraction of labels that are predicted right, present or absent",
    "exact_match": "Fraction of examples all of whose labels are predicted right",
    "perplexity": "Number of equally likely tokens that the prediction amounts to",
    "r2": "Fraction of the variance of the targets that is explained; 0: no better than the mean",
    "mae": "Mean absolute error, in units of the target",
    "rmse": "Root mean squared error, in units of the target",
    "reconstruction_error": "Mean squared error of the reconstruction",
    "explained_variance": "Fraction of the variance of the inputs; 0: no better than the mean",
    "modes": "Modes of the data that get at least a tenth of their fair share of the samples",
    "high_quality": "Fraction of samples within three standard deviations of a mode",
    "diversity": "Standard deviation of the samples, as a fraction of that of the examples",
    "discriminator_accuracy": "Accuracy of the discriminator on real and generated; ½: guessing",
    "discriminator_loss": "The loss that the discriminator minimizes",
    "reconstruction": "Reconstruction term of a variational loss",
    "kl": "KL term of a variational loss: distance of the codes from N(0, 1), in nats per example",
    "penalty": "What L1 and L2 add to the loss",
}
"""Every metric that the engine reports."""

OLD_NAMES = {
    "told_apart": "discriminator_accuracy", "good": "high_quality",
    "explained": "explained_variance",
}  # fmt: skip
"""Names in runs and lessons of older versions."""

SECONDARY = (
    "precision", "recall", "average_precision", "balanced_accuracy", "ece", "worst_class",
    "worst_group", "top_5", "rmse",
    "discriminator_loss",
)  # fmt: skip
"""The metrics that are left out where there is little room."""

MIN_TOP_5_CLASSES = 10
"""The number of classes from which on `top_5` is reported unasked."""

LOWER_IS_BETTER = (
    "loss", "ece", "perplexity", "mae", "rmse", "reconstruction_error", "discriminator_loss",
    "reconstruction", "kl", "penalty",
)  # fmt: skip
"""Metrics whose smallest value is the best one; of all others it is the largest."""

GROUP_PREFIX = "group "
"""The prefix of the score of a single group."""

MAX_HEADLINE_METRICS = 5
"""How many numbers a line shows."""


def is_higher_better(name: str, others: Container[str] = ()) -> bool:
    """Returns whether the largest value of a metric is the best one.

    Args:
        others: metrics of the same run: the score of a group is an accuracy or an error.
    """
    if name == "worst_group" or name.startswith(GROUP_PREFIX):
        return "mae" not in others
    return name not in LOWER_IS_BETTER


def headline_metrics(
    values: dict[str, float], limit: int = MAX_HEADLINE_METRICS
) -> dict[str, float]:
    """Returns the most important metrics: the task's own, the loss, and others up to `limit`."""
    names = [
        name
        for name in values
        if name != "loss" and name not in SECONDARY and not name.startswith(GROUP_PREFIX)
    ]
    first, rest = names[:1], names[1:]
    loss = ["loss"] if "loss" in values else []
    return {name: values[name] for name in (*first, *loss, *rest)[:limit]}
