"""An experiment as a form: its knobs, the dropout of its network, and what is typed into them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tuilab.core.catalogue.layers.dropout import Dropout
from tuilab.core.experiment.experiment import (
    Experiment,
    choice_of,
    knobs,
    name_of,
    options,
    value_at,
    with_value,
)
from tuilab.core.experiment.knob_steps import stepped
from tuilab.core.experiment.knobs import Knob, declared, summary
from tuilab.core.experiment.toml_file import value
from tuilab.core.format import THIN_SPACE, compact
from tuilab.core.network import edit
from tuilab.core.network.parse import parse

DROPOUT = "network.dropout"
"""The key of the knob that stands for every Dropout line."""

DEVICE = "training.device"
"""The key whose choices only the host knows."""

_CHOICES = {
    "data.alphabet": {
        "digits": "0 to 9: ten classes",
        "letters": "A to Z: 26 classes",
        "both": "Digits and letters: 36 classes",
    },
    "data.differ": {
        "frequency": "How fast they swing: slow, medium, fast",
        "shape": "What form they have: sine, square, triangle, sawtooth",
    },
    "data.header": {
        "auto": "It does if it is unlike the lines below it: texts, all different, over numbers",
        "yes": "It does; the rows begin with the second line",
        "no": "It is a row like all others; the columns are called column 1, column 2, ...",
    },
    "data.tokens": {
        "chars": "A character; there are as many tokens as the text has different ones",
        "bytes": "A byte of the file; there are 256, whatever is in it",
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
        "default": "PyTorch's own for each layer",
        "zeros": "All zero",
    },
    "initialization.mode": {
        "fan_in": "The signal keeps its size on the way forward",
        "fan_out": "The gradient keeps its size on the way back",
    },
    "initialization.nonlinearity": {
        "auto": "The gain of what follows each layer; 1 where nothing does",
        "linear": "Gain 1",
        "sigmoid": "Gain 1",
        "tanh": "Gain 5/3",
        "relu": "Gain √2",
        "leaky_relu": "Gain √2, almost: for a slope of 0.01",
        "selu": "Gain 3/4; networks that normalize themselves need linear",
    },
    "training.precision": {
        "fp32": "32 bits: what everything else is compared with",
        "bf16": "16 bits with the range of 32: fast on newer GPUs, nothing to watch",
        "fp16": "16 bits of small range: for older GPUs; small gradients are scaled up",
    },
    "training.engine": {
        "torch": "PyTorch: for everything that is more than a few hundred weights",
        "scalar": "Number by number, each knows what it was made of (tuilab/scratch/scalar.py)",
        "matrix": "Layer by layer, as it is done on paper (tuilab/scratch/matrix.py)",
    },
    "optimizer.weight_decay_on": {
        "weights": "Matrices and kernels; not biases, norms, embeddings and positions",
        "all": "Every parameter, as PyTorch does by itself",
    },
    "optimizer.adjust_lr_fn": {
        "original": "√(rows ∕ columns) where there are more rows (Jordan)",
        "match_rms_adamw": "As long as a step of AdamW: lr as for that (Moonshot)",
    },
    "loss.function": {
        name: f"Your {name}, from the exercise losses"
        for name in ("mse", "huber", "bce", "focal", "cross_entropy")
    },
    "optimizer.step": {
        name: f"Your {name}, from the exercise optimizers"
        for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
    },
    "optimizer.line_search_fn": {
        "strong_wolfe": "Go as far as the loss falls well",
        "none": "Steps of the length lr",
    },
}  # fmt: skip


def form(experiment: Experiment) -> Iterator[Knob]:
    """Every knob, section by section, with one for the Dropout lines of the network."""
    yield from knobs(experiment)
    chances = edit.dropouts(experiment.network)
    if chances:
        yield replace(
            declared(Dropout)["p"],
            key=DROPOUT,
            label="dropout",
            help=f"Chance of a value to be dropped, in {_every(len(chances))} of the network",
            value=chances[0],
        )


def _every(lines: int) -> str:
    return "the Dropout line" if lines == 1 else f"all {lines} Dropout lines"


def read(knob: Knob, text: str) -> Any:
    """What a typed text stands for; `turned` says whether the knob can have it."""
    text = text.strip()
    if knob.kind in ("text", "choice"):
        return text.strip("\"'")
    if knob.kind == "list" and not text.startswith("["):
        return value(f"[{text}]")
    if knob.kind in ("int", "float"):
        return _number(knob, text)
    return value(text)


def _number(knob: Knob, text: str) -> Any:
    """A number as people write it: also `.5`, `1e3` for a whole one, and `10 000`."""
    try:
        number = float("".join(text.split()))
    except ValueError:
        return value(text)
    return int(number) if knob.kind == "int" and number.is_integer() else number


def turned(experiment: Experiment, key: str, value: Any) -> Experiment:
    """The experiment with a knob of the form changed; InputError says what is wrong."""
    if key != DROPOUT:
        return with_value(experiment, key, value)
    layer = parse(f"Dropout {value}")
    assert isinstance(layer, Dropout), "the line names it"
    return with_value(experiment, "network", edit.with_dropout(experiment.network, layer.p))


def nudged(experiment: Experiment, key: str, direction: int) -> Experiment:
    """The experiment with a knob of the form one step up (1) or down (-1)."""
    knob = next(knob for knob in form(experiment) if knob.key == key)
    return turned(experiment, key, stepped(knob, direction))


def value_of(experiment: Experiment, key: str) -> Any:
    """The value of one knob of the form; None where there is none."""
    if key == DROPOUT:
        return next(iter(edit.dropouts(experiment.network)), None)
    try:
        return value_at(experiment, key)
    except AttributeError:
        return None


def written(knob: Knob) -> str:
    """The value as a person would type it."""
    if isinstance(knob.value, int) and not isinstance(knob.value, bool):
        return str(knob.value)
    return compact(knob.value).replace(THIN_SPACE, "")


def about_section(section: str) -> str:
    """One line about a table of the experiment."""
    return summary(type(getattr(Experiment(), section)))


def helps(knob: Knob) -> dict[str, str]:
    """One line about each choice of a knob."""
    section, _, field = knob.key.partition(".")
    if field == choice_of(section):
        return {name_of(kind): summary(kind) for kind in options(section)}
    return _CHOICES.get(knob.key, {})
