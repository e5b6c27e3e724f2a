"""The metrics that a run can show in a chart: their names, titles and guide lines."""

from collections.abc import Iterable

from tuilab.core.catalogue.data.texts import TextDataSet
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.format import format_compact
from tuilab.core.network.layer import Tokens
from tuilab.core.run.run import Run

Guide = tuple[float, str]
"""A value to compare a line with, and its text."""

OTHER_FAMILIES = (
    "loss", "lr", "gradient", "update", "weight", "zeros", "dead", "saturated", "input",
    "majority", "discriminator_loss",
)  # fmt: skip
"""Families of series that are not metrics, or are shown in another chart."""

DEFAULT_METRICS = {
    "regression": "r2", "language_model": "perplexity", "autoencoder": "reconstruction_error",
    "gan": "discriminator_accuracy", "multi_label": "label_accuracy",
}  # fmt: skip
"""The first metric of a task before anything is measured, where that is not accuracy."""

METRIC_TITLES = {
    "r2": "R²", "f1": "F1", "auroc": "AUROC", "ece": "Calibration", "mae": "MAE", "rmse": "RMSE",
    "kl": "KL", "reconstruction_error": "Error", "reconstruction": "Rec. loss", "top_5": "Top 5",
    "discriminator_accuracy": "D accuracy",
}  # fmt: skip


def metric_title(metric: str) -> str:
    """Returns a metric as a heading shows it; a heading is markup, so a bracket is a parenthesis.

    >>> metric_title("top_5"), metric_title("[@click=quit]")
    ('Top 5', '(@click=quit]')
    """
    plain = metric.replace("_", " ").replace("[", "(").capitalize()
    return METRIC_TITLES.get(metric, plain)


def list_metrics(run: Run, experiment: Experiment | None = None) -> list[str]:
    """Returns the metrics that a run has, the task's own first.

    Args:
        experiment: that of the next run, whose task's own metric is listed before there is one.
    """
    series = (*run.series, *(run.seeds.bands if run.seeds else ()))
    families = (name.partition("/")[0] for name in series)
    measured = [*(run.epoch.validation if run.epoch else ()), *families]
    names = [name for name in dict.fromkeys(measured) if name not in OTHER_FAMILIES]
    experiment = run.experiment or experiment
    default = DEFAULT_METRICS.get(name_of(experiment.task), "") if experiment else ""
    return names or [default or "accuracy"]


def label_series(series: Iterable[str], families: tuple[str, ...]) -> dict[str, str]:
    """Returns the series of these families with their labels, training first."""
    names = [name for name in series if name.partition("/")[0] in families]
    names.sort(key=lambda name: (families.index(name.partition("/")[0]), "/validation" in name))
    has_sides = any(name.startswith("discriminator_loss/") for name in names)
    return {name: _label(name, has_sides) for name in names}


def _label(name: str, has_sides: bool) -> str:
    """Returns the label of a series; no two of a chart have the same one."""
    family, _, part = name.partition("/")
    if family == "lr":
        return "learning rate"
    if not has_sides:
        return part
    side = "discriminator" if family == "discriminator_loss" else "generator"
    return side if part == "train" else f"{side}, {part}"


def find_loss_guides(experiment: Experiment | None) -> tuple[Guide, ...]:
    """Returns the lowest value that a training loss with smoothed labels can reach."""
    if experiment is None:
        return ()
    loss, data = experiment.loss, experiment.data
    if getattr(loss, "balanced", False) or getattr(loss, "weight", ()):
        return ()  # With weights, each class has its own minimum.
    try:
        shape = data.shape
        classes = shape.vocabulary if isinstance(shape, Tokens) else len(data.classes)
        minimum = loss.floor(len(data.classes) or classes)
    except InputError:  # The file of the text is not on this machine.
        return ()
    return ((minimum, f"floor of training {format_compact(minimum)}"),) if minimum > 0 else ()


def find_metric_guides(run: Run, metric: str) -> tuple[Guide, ...]:
    """Returns what a metric is without learning anything."""
    majority = run.epoch.validation.get("majority") if run.epoch else None
    if metric == "accuracy" and majority is not None:
        return ((majority, f"majority class {format_compact(majority)}"),)
    if metric == "discriminator_accuracy":
        return ((0.5, "guessing 0.5"),)
    if metric == "perplexity" and run.experiment is not None:
        return _find_unigram_guide(run.experiment)
    return ()


def _find_unigram_guide(experiment: Experiment) -> tuple[Guide, ...]:
    if not isinstance(experiment.data, TextDataSet):
        return ()
    try:
        perplexity = experiment.data.unigram_perplexity
    except InputError:
        return ()
    return ((perplexity, f"by frequency alone {format_compact(perplexity)}"),)
