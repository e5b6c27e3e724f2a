"""The quantities of a run that a goal can name.

accuracy/validation         the newest value of a series of the run
highest accuracy/validation, lowest loss/train, first loss/train
epoch loss                  mean over all training batches of the last epoch
final accuracy/validation   a result, once the run is over: with the weights that were kept
accuracy/test               the same; only a prediction may look at the test set
parameters, steps, epochs, seconds, layers
count ReLU                  how many layers are of a kind, the learner's own included
finding dead_relus          1 if the diagnosis finds it, else 0
optimizer.lr                the value of a knob
A / B, A - B                of two of these, with spaces around the operator
"""

import re
from collections.abc import Callable
from typing import Any

from tuilab.core.catalogue import metrics
from tuilab.core.catalogue.layers import learner
from tuilab.core.diagnosis.diagnosis import OLD_NAMES, diagnose
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, find_value, name_of
from tuilab.core.network.plan import PlanRow
from tuilab.core.run.run import Run
from tuilab.core.run.series import Point, select_finite

SERIES_STATISTICS: dict[str, Callable[[list[Point]], float]] = {
    "highest": lambda points: max(point[3] for point in points),
    "lowest": lambda points: min(point[2] for point in points),
    "first": lambda points: points[0][1],
}

RUN_COUNTS: dict[str, Callable[[Run], float | None]] = {
    "parameters": lambda run: run.started.parameters if run.started else None,
    "steps": lambda run: run.step,
    "epochs": lambda run: run.progress.epoch if run.progress else None,
    "seconds": lambda run: run.progress.seconds if run.progress else None,
    "layers": lambda run: _count(run, lambda row: bool(row.parameters) and not row.is_block),
}

METRICS = {
    "classification": (
        "accuracy", "majority", "balanced_accuracy", "top_5", "precision", "recall", "f1", "auroc",
        "average_precision", "ece", "worst_class", "worst_group",
    ),
    "multi_label": (
        "label_accuracy", "exact_match", "precision", "recall", "f1", "auroc", "average_precision",
    ),
    "regression": ("r2", "mae", "rmse", "worst_group"),
    "language_model": ("perplexity", "accuracy"),
    "autoencoder": ("reconstruction_error", "explained_variance", "reconstruction", "kl"),
    "gan": ("modes", "high_quality", "diversity", "discriminator_accuracy", "discriminator_loss"),
}  # fmt: skip
"""The metrics of each task besides the loss."""

LAYER_SERIES = (
    "gradient", "update", "weight", "zeros", "dead", "saturated", "state", "growth", "input"
)  # fmt: skip
"""The part before the slash in the name of a series of layers."""


_OLD_METRIC = re.compile(rf"\b({'|'.join(metrics.OLD_NAMES)})(?=/|$)")

UNKNOWN_QUANTITY = "no quantity of a run and no hyperparameter has this name"


def parse_name(name: str) -> tuple[str, ...]:
    """Returns the kind of quantity that a name means, and of what."""
    name = _OLD_METRIC.sub(lambda match: metrics.OLD_NAMES[match[0]], name)
    for operator in (" / ", " - "):
        if operator in name:
            return (operator.strip(), *name.split(operator, 1))
    word, _, rest = name.partition(" ")
    if name in RUN_COUNTS:
        return "number", name
    if word == "final":
        return "result", rest
    if rest and word in ("count", "epoch", "finding", *SERIES_STATISTICS):
        return word, rest
    if name.endswith("/test"):
        return "result", name
    return ("series" if "/" in name or name == "lr" else "knob"), name


def read_quantity(name: str, run: Run) -> Any:
    """Returns the current value of a quantity; None where the run does not have it yet."""
    match parse_name(name):
        case ("/" | "-") as operator, left, right:
            return _combine(operator, read_quantity(left, run), read_quantity(right, run))
        case "number", count:
            return RUN_COUNTS[count](run)
        case "count", kind:
            return _count(run, lambda row: _name_layer(row) == kind)
        case "epoch", metric:
            return run.epoch.train.get(metric) if run.epoch is not None else None
        case "finding", fault:
            fault = OLD_NAMES.get(fault, fault)
            return float(any(diagnosis.name == fault for diagnosis in diagnose(run)))
        case "result", result:
            return _read_result(result, run)
        case "series", series:
            return _read_last(series, run)
        case "knob", key:
            return None if run.experiment is None else find_value(run.experiment, key)
        case word, series:
            return _summarize_series(SERIES_STATISTICS[word], series, run)


def _read_last(name: str, run: Run) -> float | None:
    series = run.find_series(name)
    last = series.last if series is not None else None
    return None if last is None else last[1]


def _combine(operator: str, left: Any, right: Any) -> float | None:
    if left is None or right is None or (operator == "/" and not right):
        return None
    return float(left / right if operator == "/" else left - right)


def _summarize_series(
    statistic: Callable[[list[Point]], float], name: str, run: Run
) -> float | None:
    series = run.find_series(name)
    points = select_finite(series.points()) if series is not None else []
    return statistic(points) if points else None


def _read_result(name: str, run: Run) -> float | None:
    if run.finished is None:
        return None
    metric, _, part = name.partition("/")
    return run.finished.results.get(part, {}).get(metric)


def _count(run: Run, is_counted: Callable[[PlanRow], bool]) -> int | None:
    """Returns how many layers of the network fulfill a condition."""
    if run.experiment is None:
        return None
    rows = filter(is_counted, run.experiment.plan.rows)
    return sum(_count_repeats(row, run.experiment) for row in rows)


def _count_repeats(row: PlanRow, experiment: Experiment) -> int:
    """Returns how often a line occurs in the network, with the repeats around it."""
    times, lines = 1, experiment.network
    for index in row.path[:-1]:
        block = lines[index]
        word, _, count = str(block[0]).partition(" ")
        times *= int(count) if word == "Repeat" and count.isdigit() else 1
        lines = block if isinstance(block, tuple) else ()
    return times


def _name_layer(row: PlanRow) -> str:
    return learner.standard_name(row.layer) if row.layer is not None else row.text.split(" ")[0]


def check_quantity(name: str, experiment: Experiment) -> None:
    """Raises an InputError if no run of this experiment can have the quantity."""
    match parse_name(name):
        case (("/" | "-"), left, right):
            check_quantity(left, experiment)
            check_quantity(right, experiment)
        case (("number" | "count" | "finding"), _):
            pass
        case "epoch", metric:
            check_series(f"{metric}/train", experiment)
        case "knob", _:
            if find_value(experiment, name) is None:
                raise InputError(UNKNOWN_QUANTITY, name)
        case _, series:
            check_series(series, experiment)


def check_series(name: str, experiment: Experiment) -> None:
    """Raises an InputError if no run of this experiment can have this series."""
    family, slash, part = name.partition("/")
    if slash and part in ("train", "validation", "test"):
        available = {"loss", *METRICS.get(name_of(experiment.task), METRICS["classification"])}
        if family not in available:
            names = ", ".join(sorted(available))
            raise InputError(f"a run of this task has no {family}; it has {names}", name)
    elif name != "lr" and not (slash and family in LAYER_SERIES):
        raise InputError(UNKNOWN_QUANTITY, name)
