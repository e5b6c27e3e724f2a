"""Limits of the engines in plain Python (`tuilab.scratch`): what they train and how fast."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.activation import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from tuilab.core.catalogue.layers.blocks import Repeat, Sequential
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.shape import Flatten
from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy
from tuilab.core.experiment.experiment import Experiment, name_of, value_at
from tuilab.core.format import format_counted, format_duration
from tuilab.core.network.layer import format_shape
from tuilab.core.network.plan import PlanRow

SUPPORTED_LAYERS = (Linear, ReLU, LeakyReLU, Tanh, Sigmoid, Identity, Flatten, Sequential, Repeat)
SUPPORTED_LOSSES = (CrossEntropy, BCE, MSE)
SUPPORTED_TASKS = ("classification", "regression")

UNSUPPORTED_KNOBS = {
    "augmentation.mixup": 0.0,
    "training.precision": "fp32",
    "training.checkpointing": False,
    "loss.weight": (),
    "loss.balanced": False,
    "loss.pos_weight": 1.0,
}
"""Knobs that these engines do not support, with the value that turns them off."""

SECONDS_PER_WEIGHT = {"scalar": 1e-5, "matrix": 2e-7}
"""Seconds for one weight and one example, forward and backward: the maximum measured on one core
with Python 3.11, from 200 to 3,000 weights (scalar 3 to 11 µs, matrix 0.10 to 0.18 µs)."""

MAX_STEP_SECONDS = 1.0
"""A longer step is refused, since a pause waits for its end."""

LONG_RUN_SECONDS = 600.0
"""A longer run gets a warning."""


def find_engine_errors(experiment: Experiment) -> Iterator[str]:
    """Yields why the chosen engine cannot train this experiment; nothing for torch."""
    training, data = experiment.training, experiment.data
    engine, task = training.engine, name_of(experiment.task)
    if engine == "torch":
        return
    if task not in SUPPORTED_TASKS:
        yield f"training.engine: {engine} does not support {task}; use torch"
        return
    if data.target_shape:
        yield (
            f"training.engine: {engine} needs one target per example, and {data.title} has one at "
            "each position; use torch"
        )
        return
    if not isinstance(experiment.loss, SUPPORTED_LOSSES):
        known = ", ".join(name_of(kind) for kind in SUPPORTED_LOSSES)
        yield f"loss.name: engine {engine} supports {known}; else use training.engine = torch"
    for key, default in UNSUPPORTED_KNOBS.items():
        section, _, field = key.partition(".")
        if hasattr(value_at(experiment, section), field) and value_at(experiment, key) != default:
            yield f"{key}: engine {engine} does not support it; use training.engine = torch"
    if training.device not in ("auto", "cpu"):
        yield f"training.device: engine {engine} is plain Python and runs on the CPU only; use cpu"
    yield from _check_layers(experiment.plan.rows, engine)
    yield from _check_step_time(experiment)


def _check_layers(rows: tuple[PlanRow, ...], engine: str) -> Iterator[str]:
    """Checks that the engine implements all layers."""
    known = ", ".join(kind.__name__ for kind in SUPPORTED_LAYERS)
    others = [row for row in rows if row.layer and not isinstance(row.layer, SUPPORTED_LAYERS)]
    if others:
        names = ", ".join(dict.fromkeys(type(row.layer).__name__ for row in others))
        yield (
            f"{others[0].key}: engine {engine} supports {known}, but not {names}; "
            "use training.engine = torch"
        )
        return
    for row in rows:
        if isinstance(row.layer, Linear) and row.input is not None and len(row.input) != 1:
            yield (
                f"{row.key}: engine {engine} needs one dimension here, and this is "
                f"{format_shape(row.input)}; put Flatten before it"
            )


def _check_step_time(experiment: Experiment) -> Iterator[str]:
    """Checks that a step does not take too long."""
    engine, parameters = experiment.training.engine, experiment.plan.parameters
    samples = getattr(experiment.data, "samples", 0)
    examples = experiment.data.batch_size or samples
    if not examples:
        yield f"data.batch_size: engine {engine} is slow; set the number of examples in a step"
        return
    max_examples = int(MAX_STEP_SECONDS / (SECONDS_PER_WEIGHT[engine] * max(parameters, 1)))
    if examples > max_examples:
        seconds = SECONDS_PER_WEIGHT[engine] * parameters * examples
        smaller = f"a data.batch_size of at most {max_examples}, " if max_examples else ""
        yield (
            f"training.engine: {engine} needs about {format_duration(seconds)} for a step with "
            f"{format_counted(examples, 'example')} and {format_counted(parameters, 'weight')}; "
            f"use {smaller}a smaller network, or torch"
        )


def find_engine_warnings(experiment: Experiment) -> Iterator[str]:
    """Yields a warning if the chosen engine would train for very long."""
    engine, epochs = experiment.training.engine, experiment.training.epochs
    if engine == "torch":
        return
    examples = getattr(experiment.data, "samples", 0) * (1 - experiment.data.validation)
    seconds = SECONDS_PER_WEIGHT[engine] * experiment.plan.parameters * examples * epochs
    if seconds > LONG_RUN_SECONDS:
        yield (
            f"training.engine: {engine} needs about {format_duration(seconds)} for "
            f"{format_counted(epochs, 'epoch')}; use torch, fewer epochs or a smaller network"
        )
