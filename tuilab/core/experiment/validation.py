"""Why an experiment cannot be started, where, and what would be right."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.graph import GraphConvolution
from tuilab.core.catalogue.losses import Own, meaning
from tuilab.core.catalogue.regularization import PICTURES_ONLY
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of, value_at
from tuilab.core.experiment.plain_python import impossible
from tuilab.core.network.layer import Shape, Tokens, show
from tuilab.core.network.plan import Line


def problems(experiment: Experiment) -> list[str]:
    """Why this experiment cannot be started; empty if it can."""
    try:
        experiment.input  # noqa: B018  a file of the user's may not be there
    except InputError as error:
        return [f"data: {error}"]
    found = [f"{row.key}: {row.problem}" for row in experiment.plan.rows if row.problem]
    found.extend(_belonging(experiment))
    if not found:
        found.extend(_ending(experiment))
    found.extend(_combinations(experiment))
    found.extend(impossible(experiment))
    return found


def _belonging(experiment: Experiment) -> Iterator[str]:
    """Whether task, data and loss are for each other."""
    data, loss, task = experiment.data, experiment.loss, name_of(experiment.task)
    if task not in data.tasks:
        yield f"task: {data.title} is for {' or '.join(data.tasks)}, not {task}"
    if task not in loss.tasks:
        yield f"loss.name: {name_of(loss)} is for {' or '.join(loss.tasks)}, not {task}"
    if not data.shape or 0 in data.shape:
        yield "data.features: choose at least one feature"
    for row in experiment.plan.rows:
        if isinstance(row.layer, GraphConvolution) and not (row.problem or data.graph):
            yield (
                f"{row.key}: GraphConvolution mixes along the edges of a graph, and {data.title} "
                "has none; take Linear, or data with a graph"
            )


# --- what the network ends in ---------------------------------------------------------------------


def _ending(experiment: Experiment) -> Iterator[str]:
    """Whether the last layer fits the task, the classes and the loss."""
    plan, data, loss = experiment.plan, experiment.data, experiment.loss
    task = name_of(experiment.task)
    if task == "gan":
        yield from _sides(experiment)
        return
    classes = len(data.classes) if task == "classification" else 0
    name = f"own {loss.function}" if isinstance(loss, Own) else name_of(loss)
    if task == "classification" and loss.outputs(3) == 1 and classes != 2:
        yield f"loss.name: {name} is for two classes, {data.title} has {classes}; use cross_entropy"
        return
    if task not in meaning(loss).tasks:
        yield f"loss.name: {name} is for classes, not for {task}; use own mse or own huber"
        return
    wanted, what, last = _wanted(experiment, task, classes)
    if not experiment.network:
        yield f"network: there is no layer yet; add {last}"
    elif plan.output != wanted:
        if len(plan.output or ()) > len(wanted) == 1:
            last = f"Flatten, then {last}"  # a Linear acts on the last size alone
        yield (
            f"network: it ends in {show(plan.output)}, but {what} {show(wanted)}; "
            f"end it with {last}"
        )
    elif task == "perceptron":
        yield from _perceptron(experiment.network)
    elif not plan.parameters:
        yield f"network: no layer here has weights that could learn; add {last}"
    elif not plan.learns:
        yield "network: all layers are frozen; take frozen=true off one that should learn"


def _wanted(experiment: Experiment, task: str, classes: int) -> tuple[Shape, str, str]:
    """The shape that the network must end in, who needs it, and a layer that gives it."""
    data, loss = experiment.data, name_of(experiment.loss)
    if task == "autoencoder":
        return data.shape, f"an autoencoder of {data.title} gives back", f"{show(data.shape)}"
    if task == "perceptron":
        return (1,), "the perceptron rule needs", "Linear 1, then Step"
    if isinstance(data.shape, Tokens) and task == "language_model":
        count = data.shape.vocabulary
        return (*data.positions, count), f"{count} tokens need", f"Linear {count}"
    count = experiment.loss.outputs(classes)
    what = f"{classes} classes with {loss} need" if classes else f"one target with {loss} needs"
    return (*data.positions, count), what, f"Linear {count}"


def _perceptron(network: tuple[Line, ...]) -> Iterator[str]:
    """Rosenblatt's rule is for one layer of weights and a step."""
    names = [line.split()[0] if isinstance(line, str) else "block" for line in network]
    if [name for name in names if name != "Flatten"] != ["Linear", "Step"]:
        yield (
            "network: the perceptron rule is for Linear 1 and Step alone; "
            "with hidden layers, take task = classification and a loss with a gradient"
        )


def _sides(experiment: Experiment) -> Iterator[str]:
    """A GAN's network is a Generator and a Discriminator, one after the other."""
    rows = [row for row in experiment.plan.rows if row.depth == 0]
    data = experiment.data
    if [row.text.split()[0] if row.text else "" for row in rows] != ["Generator", "Discriminator"]:
        yield (
            'network: a GAN is two blocks, ["Generator", ...] from the noise to an example, '
            'and ["Discriminator", ...] from an example to one number'
        )
    elif rows[0].output != data.shape:
        yield (
            f"network[0]: the generator draws {show(rows[0].output)}, but an example of "
            f"{data.title} is {show(data.shape)}"
        )
    elif rows[1].output != (1,):
        yield (
            f"network[1]: the discriminator ends in {show(rows[1].output)}; "
            "it must answer with one number: end it with Linear 1"
        )


# --- knobs that exclude each other ----------------------------------------------------------------


def _combinations(experiment: Experiment) -> Iterator[str]:
    """Knobs that cannot act together, or not on this data."""
    optimizer = experiment.optimizer
    momentum, dampening = (getattr(optimizer, knob, 0) for knob in ("momentum", "dampening"))
    if getattr(optimizer, "nesterov", False) and not momentum:
        yield "optimizer.nesterov: Nesterov needs a momentum above 0"
    if getattr(optimizer, "nesterov", False) and dampening:
        yield "optimizer.dampening: Nesterov needs a dampening of 0"
    elif dampening and not momentum:
        yield "optimizer.dampening: there is no momentum to dampen; set it above 0"
    if experiment.schedule.watches_validation and not getattr(experiment.data, "validation", 1):
        name = name_of(experiment.schedule)
        yield f"schedule.name: {name} needs validation examples; set data.validation above 0"
    if experiment.regularization.patience and not experiment.data.validation:
        yield (
            "regularization.patience: early stopping watches the validation loss; "
            "set data.validation above 0"
        )
    if optimizer.needs_closure:
        yield from _several_points(experiment)
    yield from _unheard(experiment)
    yield from _class_weights(experiment)
    yield from _augmentation(experiment)


def _several_points(experiment: Experiment) -> Iterator[str]:
    """What an optimizer cannot have that compares the loss at several points of a step."""
    name, task = name_of(experiment.optimizer), name_of(experiment.task)
    if task in ("gan", "perceptron"):
        yield f"optimizer.name: {name} needs one loss to follow down, and {task} has none; take sgd"
    if experiment.training.precision == "fp16":
        yield f"training.precision: {name} looks at several points in a step; take fp32 with it"
    for key in ("regularization.gradient_noise", "augmentation.mixup"):
        if value_at(experiment, key):
            yield f"{key}: {name} looks at several points in a step, which chance would move; set 0"


def _unheard(experiment: Experiment) -> Iterator[str]:
    """Knobs that the task does not look at, or cannot act by."""
    task, training = name_of(experiment.task), experiment.training
    if task == "gan" and training.accumulation > 1:
        yield (
            "training.accumulation: a GAN draws new noise for each part, so the parts are not the "
            "batch; set data.batch_size lower instead"
        )
    if experiment.data.graph and training.accumulation > 1:
        yield "training.accumulation: a graph is one example, which has no parts; set it to 1"
    if task == "perceptron" and training.precision != "fp32":
        yield "training.precision: the perceptron rule counts mistakes, in fp32 alone"
    if task == "perceptron" and training.checkpointing:
        yield "training.checkpointing: the perceptron rule keeps no activations to forget"
    if task in ("gan", "autoencoder") and getattr(experiment.data, "label_noise", False):
        yield f"data.label_noise: {task} takes no notice of labels; set it to 0"
    for name in ("label_noise", "imbalance"):
        if task == "regression" and getattr(experiment.data, name, False):
            yield f"data.{name}: a regression has no classes; set it to 0"
    watching = experiment.regularization.patience or experiment.schedule.watches_validation
    if task == "gan" and watching:
        key = (
            "schedule.name" if experiment.schedule.watches_validation else "regularization.patience"
        )
        yield (
            f"{key}: in a GAN a lower loss of one side is a higher one of the other, and says "
            "nothing about how far training is; do without it"
        )


def _class_weights(experiment: Experiment) -> Iterator[str]:
    """A weight for each class, and not all of them nothing."""
    data, weights = experiment.data, getattr(experiment.loss, "weight", ())
    classes = len(data.classes)
    if isinstance(data.shape, Tokens) and not classes:
        classes = data.shape.vocabulary
    if weights and len(weights) != classes:
        yield f"loss.weight: {len(weights)} weights for {classes} classes; give one for each"
    elif weights and not any(weights):
        yield "loss.weight: all classes weigh 0, so there is nothing to learn"


def _augmentation(experiment: Experiment) -> Iterator[str]:
    """Changes to examples that mean nothing for this data or task."""
    knobs, data, task = experiment.augmentation, experiment.data, name_of(experiment.task)
    for name in PICTURES_ONLY:
        if getattr(knobs, name) and len(data.shape) != 3:
            yield f"augmentation.{name}: it acts on pictures, {data.title} has none; set it to 0"
    if isinstance(data.shape, Tokens) and knobs.noise:
        yield f"augmentation.noise: {data.title} is made of tokens, not of numbers; set it to 0"
    if knobs.mixup and (task not in ("classification", "regression") or data.positions):
        yield f"augmentation.mixup: it mixes examples with one target each, not for {task} here"
    elif knobs.mixup and isinstance(data.shape, Tokens):
        yield f"augmentation.mixup: {data.title} is made of tokens, which cannot be mixed"
