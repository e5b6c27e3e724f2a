"""What a goal can be about: numbers read off a run, by names that a lesson file can write.

accuracy/validation         the newest value of a series of the run
highest accuracy/validation, lowest loss/train, first loss/train
epoch loss                  mean over all training batches of the last epoch
accuracy/test               a result, once the run is over
parameters, steps, epochs, seconds, layers
count ReLU                  how many layers are of a kind, written by the learner or not
finding dead_relus          1 where the diagnosis is made, else 0
optimizer.lr                the value of a knob
A / B, A - B                of two of these, with spaces around the sign
"""

from collections.abc import Callable
from typing import Any

from tuilab.core.catalogue.layers import learner
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of, value_at
from tuilab.core.network.plan import Row
from tuilab.core.run.run import Run
from tuilab.core.run.series import Point, finite_points

OF_SERIES: dict[str, Callable[[list[Point]], float]] = {
    "highest": lambda points: max(point[3] for point in points),
    "lowest": lambda points: min(point[2] for point in points),
    "first": lambda points: points[0][1],
}

COUNTS: dict[str, Callable[[Run], float | None]] = {
    "parameters": lambda run: run.started.parameters if run.started else None,
    "steps": lambda run: run.step,
    "epochs": lambda run: run.progress.epoch if run.progress else None,
    "seconds": lambda run: run.progress.seconds if run.progress else None,
    "layers": lambda run: _layers(run.experiment),
}

METRICS = {
    "classification": (
        "accuracy", "majority", "top_5", "precision", "recall", "f1", "auroc", "ece",
        "worst_class", "worst_group",
    ),
    "regression": ("r2", "mae", "rmse", "worst_group"),
    "language_model": ("perplexity", "accuracy"),
    "autoencoder": ("reconstruction_error", "explained", "reconstruction", "kl"),
    "gan": ("modes", "good", "diversity", "told_apart", "discriminator_loss"),
}  # fmt: skip
"""What the runs of each task measure besides the loss."""

SERIES = (
    "gradient",
    "update",
    "weight",
    "zeros",
    "dead",
    "saturated",
    "state",
    "growth",
    "input",
)
"""What stands before the slash in the name of a series of layers."""


UNKNOWN = "no quantity of a run and no knob has this name"


def _parsed(name: str) -> tuple[str, ...]:
    """What kind of quantity a name means, and of what."""
    for sign in (" / ", " - "):
        if sign in name:
            return (sign.strip(), *name.split(sign, 1))
    word, _, rest = name.partition(" ")
    if name in COUNTS:
        return "number", name
    if rest and word in ("count", "epoch", "finding", *OF_SERIES):
        return word, rest
    if name.endswith("/test"):
        return "result", name
    return ("series" if "/" in name or name == "lr" else "knob"), name


def value(name: str, run: Run) -> Any:
    """The present value of a quantity; None where the run does not have it yet."""
    match _parsed(name):
        case ("/" | "-") as sign, left, right:
            return _combined(sign, value(left, run), value(right, run))
        case "number", _:
            return COUNTS[name](run)
        case "count", kind:
            return _count(kind, run.experiment)
        case "epoch", metric:
            return run.epoch.train.get(metric) if run.epoch is not None else None
        case "finding", fault:
            return float(any(diagnosis.name == fault for diagnosis in diagnose(run)))
        case "result", _:
            return _result(name, run)
        case "series", _:
            last = run.series[name].last if name in run.series else None
            return None if last is None else last[1]
        case "knob", _:
            return _knob(name, run.experiment)
        case word, series:
            return _of_series(OF_SERIES[word], series, run)


def _combined(sign: str, left: Any, right: Any) -> float | None:
    if left is None or right is None or (sign == "/" and not right):
        return None
    return float(left / right if sign == "/" else left - right)


def _of_series(choose: Callable[[list[Point]], float], name: str, run: Run) -> float | None:
    series = run.series.get(name)
    points = finite_points(series.points()) if series is not None else []
    return choose(points) if points else None


def _result(name: str, run: Run) -> float | None:
    if run.finished is None:
        return None
    return run.finished.results.get("test", {}).get(name.removesuffix("/test"))


def _layers(experiment: Experiment | None) -> int | None:
    if experiment is None:
        return None
    rows = [row for row in experiment.plan.rows if row.parameters and not row.is_block]
    return sum(_times(row, experiment) for row in rows)


def _times(row: Row, experiment: Experiment) -> int:
    """How often a line stands in the network, with the repeats around it."""
    times, lines = 1, experiment.network
    for index in row.path[:-1]:
        block = lines[index]
        word, _, count = str(block[0]).partition(" ")
        times *= int(count) if word == "Repeat" and count.isdigit() else 1
        lines = block if isinstance(block, tuple) else ()
    return times


def _kind(row: Row) -> str:
    return learner.kind(row.layer) if row.layer is not None else row.text.split(" ")[0]


def _count(wanted: str, experiment: Experiment | None) -> int | None:
    if experiment is None:
        return None
    rows = [row for row in experiment.plan.rows if _kind(row) == wanted]
    return sum(_times(row, experiment) for row in rows)


def _knob(key: str, experiment: Experiment | None) -> Any:
    if experiment is None:
        return None
    try:
        return value_at(experiment, key)
    except AttributeError:
        return None


def check(name: str, experiment: Experiment) -> None:
    """InputError if no run of this experiment could ever have the quantity."""
    match _parsed(name):
        case (("/" | "-"), left, right):
            check(left, experiment)
            check(right, experiment)
        case (("number" | "count" | "finding"), _):
            pass
        case "epoch", metric:
            check_series(f"{metric}/train", experiment)
        case "knob", _:
            if _knob(name, experiment) is None:
                raise InputError(UNKNOWN, name)
        case _, series:
            check_series(series, experiment)


def check_series(name: str, experiment: Experiment) -> None:
    """InputError if no run of this experiment could ever tell this series."""
    before, slash, after = name.partition("/")
    if slash and after in ("train", "validation", "test"):
        known = {"loss", *METRICS.get(name_of(experiment.task), METRICS["classification"])}
        if before not in known:
            told = ", ".join(sorted(known))
            raise InputError(f"a run of this task has no {before}; it has {told}", name)
    elif name != "lr" and not (slash and before in SERIES):
        raise InputError(UNKNOWN, name)
