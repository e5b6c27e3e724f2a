"""What the engines in plain Python can train, and how long they take; see `tuilab.scratch`."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.activation import Identity, LeakyReLU, ReLU, Sigmoid, Tanh
from tuilab.core.catalogue.layers.blocks import Repeat, Sequential
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.shape import Flatten
from tuilab.core.catalogue.losses import BCE, MSE, CrossEntropy
from tuilab.core.experiment.experiment import Experiment, name_of, value_at
from tuilab.core.format import grouped
from tuilab.core.network.layer import show
from tuilab.core.network.plan import Row

LAYERS = (Linear, ReLU, LeakyReLU, Tanh, Sigmoid, Identity, Flatten, Sequential, Repeat)
LOSSES = (CrossEntropy, BCE, MSE)

TASKS = ("classification", "regression")

PLAIN = {
    "augmentation.mixup": 0.0,
    "training.precision": "fp32",
    "training.checkpointing": False,
    "loss.weight": (),
    "loss.balanced": False,
    "loss.pos_weight": 1.0,
}
"""Knobs that these engines do not have, with the value at which nobody misses them."""

COST = {"scalar": 1e-5, "matrix": 2e-7}
"""Seconds that one weight takes for one example, forward and backward: the most that was measured
on one core with Python 3.11, from 200 to 3,000 weights (3 to 11 and 0.10 to 0.18 millionths)."""

LONGEST_STEP = 1.0
"""Seconds after which a step is called too long: a pause waits for its end."""

LONG_RUN = 600.0
"""Seconds after which a run is called long."""


def impossible(experiment: Experiment) -> Iterator[str]:
    """Why the chosen engine cannot train this; nothing for torch."""
    training, data = experiment.training, experiment.data
    engine, task = training.engine, name_of(experiment.task)
    if engine == "torch":
        return
    if task not in TASKS or data.positions:
        what = f"{data.title}, which has a target at each position" if task in TASKS else task
        yield f"training.engine: {engine} is for one answer an example, not for {what}; take torch"
        return
    if not isinstance(experiment.loss, LOSSES):
        known = ", ".join(name_of(kind) for kind in LOSSES)
        yield f"loss.name: engine {engine} knows {known}; for others, take training.engine = torch"
    for key, plain in PLAIN.items():
        section, _, field = key.partition(".")
        if hasattr(value_at(experiment, section), field) and value_at(experiment, key) != plain:
            yield f"{key}: engine {engine} has no such thing; take training.engine = torch for it"
    if training.device not in ("auto", "cpu"):
        yield f"training.device: engine {engine} is plain Python and runs on no GPU; take cpu"
    yield from _layers(experiment.plan.rows, engine)
    yield from _too_long(experiment)


def _layers(rows: tuple[Row, ...], engine: str) -> Iterator[str]:
    """Whether all layers are among those that are written out."""
    known = ", ".join(kind.__name__ for kind in LAYERS)
    others = [row for row in rows if row.layer is not None and not isinstance(row.layer, LAYERS)]
    if others:
        names = ", ".join(dict.fromkeys(type(row.layer).__name__ for row in others))
        yield (
            f"{others[0].key}: engine {engine} knows {known}, but not {names}; "
            "take training.engine = torch"
        )
        return
    for row in rows:
        if isinstance(row.layer, Linear) and row.input is not None and len(row.input) != 1:
            yield (
                f"{row.key}: engine {engine} takes rows of numbers, and this is {show(row.input)}; "
                "put Flatten before it"
            )


def _too_long(experiment: Experiment) -> Iterator[str]:
    """Whether nobody would wait for a step."""
    engine, parameters = experiment.training.engine, experiment.plan.parameters
    samples = getattr(experiment.data, "samples", 0)
    examples = experiment.data.batch_size or samples
    if not examples:
        yield f"data.batch_size: engine {engine} is slow; say how many examples make a step"
        return
    most = int(LONGEST_STEP / (COST[engine] * max(parameters, 1)))
    if examples > most:
        seconds = COST[engine] * parameters * examples
        smaller = f"a data.batch_size of at most {most}, " if most else ""
        yield (
            f"training.engine: {engine} needs about {seconds:.0f} s for a step of "
            f"{grouped(examples)} examples through {grouped(parameters)} weights; "
            f"take {smaller}a smaller network, or torch"
        )


def doubtful(experiment: Experiment) -> Iterator[str]:
    """Whether the chosen engine would train for longer than it is worth."""
    engine, epochs = experiment.training.engine, experiment.training.epochs
    if engine == "torch":
        return
    examples = getattr(experiment.data, "samples", 0) * (1 - experiment.data.validation)
    seconds = COST[engine] * experiment.plan.parameters * examples * epochs
    if seconds > LONG_RUN:
        yield (
            f"training.engine: {engine} needs about {grouped(round(seconds / 60))} minutes for "
            f"{grouped(epochs)} epochs; take torch, fewer epochs or a smaller network"
        )
