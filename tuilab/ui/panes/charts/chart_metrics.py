"""What the charts show of a run: which metrics there are, what they are called, what they are to
be compared with."""

from collections.abc import Iterator

from tuilab.core.catalogue.data.texts import Writing
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.network.layer import Tokens
from tuilab.core.run.run import Run
from tuilab.ui.plot.axes import short

Guide = tuple[float, str]

NOT_METRICS = (
    "loss", "lr", "gradient", "update", "weight", "zeros", "dead", "saturated", "input",
    "majority", "discriminator_loss",
)  # fmt: skip
"""Families of series that are no metric, or are shown with something else."""

USUAL = {
    "regression": "r2", "language_model": "perplexity", "autoencoder": "reconstruction_error",
    "gan": "told_apart",
}  # fmt: skip
"""The first metric of a task, before any was measured; else accuracy."""

TITLES = {
    "r2": "R²", "f1": "F1", "auroc": "AUROC", "ece": "Calibration", "mae": "MAE", "rmse": "RMSE",
    "kl": "KL", "reconstruction_error": "Error", "reconstruction": "Rec. loss", "top_5": "Top 5",
    "told_apart": "Told apart",
}  # fmt: skip


def title(metric: str) -> str:
    """A metric as a heading shows it."""
    return TITLES.get(metric, metric.replace("_", " ").capitalize())


def metrics_of(run: Run | None) -> list[str]:
    """The metrics that a run has, the task's own first; before a run the one that it will have."""
    if run is None:
        return ["accuracy"]
    measured = [*(run.epoch.validation if run.epoch else ()), *_families(run)]
    names = [name for name in dict.fromkeys(measured) if name not in NOT_METRICS]
    usual = USUAL.get(name_of(run.experiment.task), "") if run.experiment else ""
    return names or [usual or "accuracy"]


def _families(run: Run) -> Iterator[str]:
    yield from (name.partition("/")[0] for name in run.series)


def labels_of(run: Run, families: tuple[str, ...]) -> dict[str, str]:
    """The series of these families by name, training first, each with its label."""
    names = [name for name in run.series if name.partition("/")[0] in families]
    names.sort(key=lambda name: (families.index(name.partition("/")[0]), "/validation" in name))
    return {name: _label(name) for name in names}


def _label(name: str) -> str:
    family, _, part = name.partition("/")
    return {"lr": "learning rate", "discriminator_loss": "discriminator"}.get(family, part)


def loss_guides(experiment: Experiment | None) -> tuple[Guide, ...]:
    """The lowest value that a training loss with smoothed labels can reach."""
    if experiment is None:
        return ()
    loss, data = experiment.loss, experiment.data
    if getattr(loss, "balanced", False) or getattr(loss, "weight", ()):
        return ()  # Weighted, every class has a floor of its own.
    try:
        shape = data.shape
        classes = shape.vocabulary if isinstance(shape, Tokens) else len(data.classes)
        floor = loss.floor(len(data.classes) or classes)
    except InputError:  # the file of the text is not on this machine
        return ()
    return ((floor, f"floor of training {short(floor)}"),) if floor > 0 else ()


def metric_guides(run: Run, metric: str) -> tuple[Guide, ...]:
    """What a metric is to be compared with: what can be had without learning anything."""
    majority = run.epoch.validation.get("majority") if run.epoch else None
    if metric == "accuracy" and majority is not None:
        return ((majority, f"majority class {short(majority)}"),)
    if metric == "told_apart":
        return ((0.5, "cannot tell 0.5"),)
    if metric == "perplexity" and run.experiment is not None:
        return _unigram(run.experiment)
    return ()


def _unigram(experiment: Experiment) -> tuple[Guide, ...]:
    if not isinstance(experiment.data, Writing):
        return ()
    try:
        perplexity = experiment.data.unigram
    except InputError:
        return ()
    return ((perplexity, f"by frequency alone {short(perplexity)}"),)
