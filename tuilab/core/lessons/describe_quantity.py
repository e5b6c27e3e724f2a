"""What a goal measures, in words: `accuracy/validation` is the validation accuracy."""

from tuilab.core.diagnosis.diagnosis import OLD_NAMES
from tuilab.core.lessons.quantities import parse_name

PARTS = {"train": "training", "validation": "validation", "test": "test"}

METRICS = {
    "r2": "R²", "f1": "F1", "auroc": "AUROC", "mae": "mean absolute error",
    "rmse": "root mean squared error", "ece": "calibration error (ECE)", "kl": "KL term",
    "worst_class": "recall of the worst class", "worst_group": "score of the worst group",
}  # fmt: skip
"""Metrics whose names alone do not say what they are."""

LAYER_FAMILIES = {
    "gradient": "gradient of", "update": "relative update of", "weight": "weight norm of",
    "zeros": "share of zeros of", "dead": "share of dead units of",
    "saturated": "share of saturated units of", "state": "size of", "growth": "growth of",
    "similarity": "similarity of", "input": "input",
}  # fmt: skip
"""Series of layers, by the part of their names before the slash."""

COUNTS = {"layers": "layers with parameters"}

KNOBS = {"optimizer.lr": "learning rate", "seed": "seed", "network": "network"}

SECTIONS = {"data": "data set", "loss": "loss function"}
"""The sections whose choice is not called as they are."""


def describe_quantity(name: str) -> str:
    """Returns a quantity of a run, or a hyperparameter, in words.

    >>> describe_quantity("final loss/validation"), describe_quantity("data.name")
    ('validation loss at the end', 'data set')
    """
    match parse_name(name):
        case ("/" | "-") as operator, left, right:
            sign = "∕" if operator == "/" else "−"
            return f"{describe_quantity(left)} {sign} {describe_quantity(right)}"
        case "number", count:
            return COUNTS.get(count, count)
        case "count", kind:
            return f"number of {kind} layers"
        case "epoch", metric:
            return f"mean training {_describe_metric(metric)} of the epoch"
        case "finding", fault:
            return f'diagnosis "{OLD_NAMES.get(fault, fault).replace("_", " ")}"'
        case "result", result:
            end = "" if name.endswith("/test") else " at the end"
            return f"{_describe_series(result)}{end}"
        case "series", series:
            return _describe_series(series)
        case "knob", key:
            return _describe_knob(key)
        case statistic:
            word, series = statistic
            return f"{word} {_describe_series(series)}"


def is_finding(name: str) -> bool:
    """Returns whether a quantity is whether the diagnosis finds something."""
    return parse_name(name)[0] == "finding"


def _describe_series(name: str) -> str:
    if name == "lr":
        return "current learning rate"
    family, _, part = name.partition("/")
    if part in PARTS:
        return f"{PARTS[part]} {_describe_metric(family)}"
    return f"{LAYER_FAMILIES.get(family, family)} {part}"


def _describe_metric(name: str) -> str:
    return METRICS.get(name, name.replace("_", " "))


def _describe_knob(key: str) -> str:
    section, _, label = key.partition(".")
    if label == "name":
        return SECTIONS.get(section, section)
    return KNOBS.get(key, f"{section} {label}".replace("_", " ").strip())
