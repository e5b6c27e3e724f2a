"""An experiment as a form: its knobs, one knob for all Dropout lines, and how input is parsed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.catalogue.metrics import MIN_TOP_5_CLASSES
from tuilab.core.experiment.experiment import (
    Experiment,
    choice_key,
    find_value,
    iter_knobs,
    name_of,
    option_types,
    with_value,
)
from tuilab.core.experiment.knob_steps import step_value
from tuilab.core.experiment.knobs import Knob, default_knobs, parse_mapping, summarize
from tuilab.core.experiment.toml_file import parse_value
from tuilab.core.files.typed_path import clean_path
from tuilab.core.format import format_value
from tuilab.core.network import edit
from tuilab.core.network.parse import parse

DROPOUT = "network.dropout"
"""Key of the knob that sets every Dropout line."""

DEVICE = "training.device"
"""Key whose choices only the host knows."""

THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
"""A number with commas between the thousands, as the form shows it."""

_CHOICES = {
    "data.alphabet": {
        "digits": "0 to 9: ten classes",
        "letters": "A to Z: 26 classes",
        "both": "Digits and letters: 36 classes",
    },
    "data.differ": {
        "frequency": "Their frequency: slow, medium, fast",
        "shape": "Their waveform: sine, square, triangle, sawtooth",
    },
    "data.header": {
        "auto": "Yes if it differs in kind from the lines below: distinct texts above numbers",
        "yes": "Yes; the rows begin with the second line",
        "no": "No; it is a row, and the columns are called column 1, column 2, ...",
    },
    "data.decimal": {
        "auto": "By the cells of the column, then of the file",
        ".": "Point: 1,234.5",
        ",": "Comma: 1.234,5",
    },
    "data.thousands": {
        "auto": "By the cells of the column, then of the file",
        "none": "Nothing",
        ",": "Commas: 1,234,567",
        ".": "Points: 1.234.567",
        "space": "Spaces of any width: 1 234 567",
        "'": "Apostrophes: 1'234'567",
    },
    "data.split": {
        "auto": "At random, but stratified where that would leave a class out of a part",
        "random": "At random: a rare class may be missing in a part",
        "stratified": "At random, with the same share of every class in each part",
        "grouped": "Whole groups of the column data.split_by: no group is in two parts",
        "ordered": "In order of the column data.split_by, or of the rows: the last are held out",
    },
    "data.tokens": {
        "chars": "Characters: one token for each distinct character of the text",
        "bytes": "Bytes: always 256 tokens",
    },
    "data.features": {
        "x1": "Left to right",
        "x2": "Bottom to top",
        "x1^2": "Distance from the vertical middle, squared",
        "x2^2": "Distance from the horizontal middle, squared",
        "x1*x2": "Positive in two opposite quadrants",
        "sin(x1)": "Waves from left to right",
        "sin(x2)": "Waves from bottom to top",
    },
    "initialization.bias": {
        "default": "PyTorch's default for each layer",
        "zeros": "All zero",
    },
    "initialization.mode": {
        "fan_in": "Keeps the variance of activations in the forward pass",
        "fan_out": "Keeps the variance of gradients in the backward pass",
    },
    "initialization.nonlinearity": {
        "auto": "The gain of the activation after each layer; 1 if there is none",
        "linear": "Gain 1",
        "sigmoid": "Gain 1",
        "tanh": "Gain 5/3",
        "relu": "Gain √2",
        "leaky_relu": "Gain almost √2, for a slope of 0.01",
        "selu": "Gain 3/4; self-normalizing networks need linear",
    },
    "training.precision": {
        "fp32": "32 bits: the reference for the others",
        "bf16": "16 bits with the range of fp32: fast on newer GPUs, no loss scaling needed",
        "fp16": "16 bits with a small range: for older GPUs; the loss is scaled up",
    },
    "training.engine": {
        "torch": "PyTorch: for everything with more than a few hundred weights",
        "scalar": "Autograd over single numbers in plain Python (tuilab/scratch/scalar.py)",
        "matrix": "Backpropagation layer by layer in plain Python (tuilab/scratch/matrix.py)",
    },
    "optimizer.weight_decay_on": {
        "weights": "Weight matrices and kernels; not biases, norms, embeddings and positions",
        "all": "Every parameter, as in PyTorch",
    },
    "optimizer.adjust_lr_fn": {
        "original": "√(rows ∕ columns) if there are more rows than columns (Jordan)",
        "match_rms_adamw": "Steps as long as those of AdamW, so that its lr fits (Moonshot)",
    },
    "loss.function": {
        name: f"Your {name} from the exercise losses"
        for name in ("mse", "huber", "bce", "focal", "cross_entropy")
    },
    "optimizer.step": {
        name: f"Your {name} from the exercise optimizers"
        for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
    },
    "optimizer.line_search_fn": {
        "strong_wolfe": "Search for a step length that meets the strong Wolfe conditions",
        "none": "Steps of length lr",
    },
}  # fmt: skip


def iter_form_knobs(experiment: Experiment) -> Iterator[Knob]:
    """Yields every knob, section by section, and one for the Dropout lines of the network."""
    class_count = len(experiment.data.classes)
    for knob in iter_knobs(experiment):
        is_unused = knob.key == "task.top_k" and 0 < class_count < MIN_TOP_5_CLASSES
        yield replace(knob, zero="off") if is_unused else knob
    probabilities = edit.dropout_probabilities(experiment.network)
    if probabilities:
        lines = _name_lines(len(probabilities))
        yield replace(
            default_knobs(Dropout)["p"],
            key=DROPOUT,
            label="dropout",
            help=f"Probability to drop a value, in {lines} of the network",
            value=probabilities[0],
        )


def _name_lines(count: int) -> str:
    return "the Dropout line" if count == 1 else f"all {count} Dropout lines"


def parse_input(knob: Knob, text: str) -> Any:
    """Parses typed text into a value; `with_knob` checks whether it is allowed."""
    text = text.strip()
    if knob.is_path:
        return clean_path(text)
    if knob.zero and text == knob.zero:
        return 0
    if knob.kind in ("text", "choice"):
        return text.strip("\"'")
    if knob.kind == "list" and not text.startswith("["):
        return parse_value(f"[{text}]")
    if knob.kind == "mapping":
        return parse_mapping(text)
    if knob.kind in ("int", "float"):
        return _parse_number(knob, text)
    return parse_value(text)


def _parse_number(knob: Knob, text: str) -> Any:
    """Parses a number in any usual notation: also `.5`, `1e3` for an int, `10,000`, `10 000`."""
    digits = "".join(text.split())
    try:
        number = float(digits.replace(",", "") if THOUSANDS.fullmatch(digits) else digits)
    except ValueError:
        return parse_value(text)
    return int(number) if knob.kind == "int" and number.is_integer() else number


def with_knob(experiment: Experiment, key: str, value: Any) -> Experiment:
    """Returns the experiment with a knob of the form changed; InputError says what is wrong."""
    if key != DROPOUT:
        return with_value(experiment, key, value)
    layer = parse(f"Dropout {value}")
    assert isinstance(layer, Dropout)
    return with_value(experiment, "network", edit.set_dropout(experiment.network, layer.p))


def with_stepped_knob(experiment: Experiment, key: str, direction: int) -> Experiment:
    """Returns the experiment with a knob of the form one step up (1) or down (-1)."""
    knob = next(knob for knob in iter_form_knobs(experiment) if knob.key == key)
    return with_knob(experiment, key, step_value(knob, direction))


def get_knob_value(experiment: Experiment, key: str) -> Any:
    """Returns the value of a knob of the form; None if the experiment has no such knob."""
    if key == DROPOUT:
        return next(iter(edit.dropout_probabilities(experiment.network)), None)
    return find_value(experiment, key)


def format_knob(knob: Knob) -> str:
    """Returns the value as text that `parse_input` reads."""
    return format_value(knob.value, commas=False)


def describe_section(section: str) -> str:
    """Returns one line about a table of the experiment."""
    return summarize(type(getattr(Experiment(), section)))


def describe_choices(knob: Knob) -> dict[str, str]:
    """Returns one line about each choice of a knob."""
    section, _, field = knob.key.partition(".")
    if field == choice_key(section):
        return {name_of(kind): summarize(kind) for kind in option_types(section)}
    return _CHOICES.get(knob.key, {})
