"""Reasons why an experiment cannot be started, each with its key and a fix."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.graph import GraphConvolution
from tuilab.core.catalogue.losses import LearnerLoss, equivalent_loss
from tuilab.core.catalogue.regularization import IMAGES_ONLY
from tuilab.core.catalogue.tasks import CLASS_TASKS, LABEL_TASKS
from tuilab.core.errors import InputError
from tuilab.core.experiment.byte_size import parse_byte_size
from tuilab.core.experiment.experiment import Experiment, name_of, value_at
from tuilab.core.experiment.plain_python import find_engine_errors
from tuilab.core.experiment.required_output import find_required_output
from tuilab.core.network.layer import Tokens, format_shape
from tuilab.core.network.line import Line


def find_errors(experiment: Experiment) -> list[str]:
    """Returns why an experiment cannot be started, as `key: sentence`; empty if it can."""
    try:
        experiment.input_shape  # noqa: B018  a data file may be missing
    except InputError as error:
        return [f"data: {error}"]
    errors = [f"{row.key}: {row.problem}" for row in experiment.plan.rows if row.problem]
    errors.extend(_check_task(experiment))
    if not errors:
        errors.extend(_check_output(experiment))
    errors.extend(_check_combinations(experiment))
    errors.extend(_check_snapshots(experiment))
    errors.extend(find_engine_errors(experiment))
    return errors


def _check_snapshots(experiment: Experiment) -> Iterator[str]:
    try:
        parse_byte_size(experiment.training.snapshots)
    except InputError as error:
        yield f"training.snapshots: {error.problem}"


def _check_task(experiment: Experiment) -> Iterator[str]:
    """Checks that data, loss and layers fit the task."""
    data, loss, task = experiment.data, experiment.loss, name_of(experiment.task)
    if task not in data.tasks:
        yield f"task: {data.title} is for {' or '.join(data.tasks)}, not {task}"
    if task not in loss.tasks:
        yield f"loss.name: {name_of(loss)} is for {' or '.join(loss.tasks)}, not {task}"
    if not data.shape or 0 in data.shape:
        yield "data.features: choose at least one feature"
    for row in experiment.plan.rows:
        if isinstance(row.layer, GraphConvolution) and not (row.problem or data.is_graph):
            yield (
                f"{row.key}: GraphConvolution needs the edges of a graph, and {data.title} "
                "has none; use Linear, or data with a graph"
            )


# --- output ---------------------------------------------------------------------


def _check_output(experiment: Experiment) -> Iterator[str]:
    """Checks that the last layer fits the task, the classes and the loss."""
    plan, data, loss = experiment.plan, experiment.data, experiment.loss
    task = name_of(experiment.task)
    if task == "gan":
        yield from _check_gan(experiment)
        return
    classes = len(data.classes) if task in CLASS_TASKS else 0
    name = f"own {loss.function}" if isinstance(loss, LearnerLoss) else name_of(loss)
    if task == "classification" and loss.outputs(3) == 1 and classes != 2:
        yield f"loss.name: {name} is for two classes, {data.title} has {classes}; use cross_entropy"
        return
    if task not in equivalent_loss(loss).tasks:
        yield f"loss.name: {name} is for classes, not for {task}; use own mse or own huber"
        return
    needed = find_required_output(experiment.task, data, loss)
    required, reason, last = needed.shape, needed.reason, needed.last
    can_be_auto = needed.last == f"Linear {required[-1]}"
    if not experiment.network:
        yield f"network: it has no layers yet; add {last}"
    elif plan.output != required:
        if len(plan.output or ()) > len(required) == 1:
            last = f"Flatten, then {last}"  # Linear changes only the last dimension
        yield (
            f"network: its output is {format_shape(plan.output)}, but {reason} "
            f"{format_shape(required)}; end it with {last}"
            f"{' or Linear auto' if last.endswith(needed.last) and can_be_auto else ''}"
        )
    elif task == "perceptron":
        yield from _check_perceptron(experiment.network)
    elif not plan.parameters:
        yield f"network: no layer has weights to train; add {last}"
    elif not plan.is_trainable:
        yield "network: all layers are frozen; remove frozen=true from one of them"


def _check_perceptron(network: tuple[Line, ...]) -> Iterator[str]:
    """Checks that Rosenblatt's rule gets one layer of weights and a step."""
    names = [line.split()[0] if isinstance(line, str) else "block" for line in network]
    if [name for name in names if name != "Flatten"] != ["Linear", "Step"]:
        yield (
            "network: the perceptron rule trains Linear 1 and Step only; "
            "for hidden layers use task = classification and a differentiable loss"
        )


def _check_gan(experiment: Experiment) -> Iterator[str]:
    """Checks that the network of a GAN is a Generator and a Discriminator."""
    rows = [row for row in experiment.plan.rows if row.depth == 0]
    data = experiment.data
    if [row.text.split()[0] if row.text else "" for row in rows] != ["Generator", "Discriminator"]:
        yield (
            'network: a GAN consists of two blocks, ["Generator", ...] from noise to an example, '
            'and ["Discriminator", ...] from an example to one number'
        )
    elif rows[0].output != data.shape:
        yield (
            f"network[0]: the generator outputs {format_shape(rows[0].output)}, but an example of "
            f"{data.title} is {format_shape(data.shape)}"
        )
    elif rows[1].output != (1,):
        yield (
            f"network[1]: the discriminator outputs {format_shape(rows[1].output)}, "
            "but it needs one number; end it with Linear 1"
        )


# --- combinations ----------------------------------------------------------------


def _check_combinations(experiment: Experiment) -> Iterator[str]:
    """Finds knobs that exclude each other or do not fit the data."""
    optimizer = experiment.optimizer
    momentum, dampening = (getattr(optimizer, knob, 0) for knob in ("momentum", "dampening"))
    if getattr(optimizer, "nesterov", False) and not momentum:
        yield "optimizer.nesterov: Nesterov needs a momentum above 0"
    if getattr(optimizer, "nesterov", False) and dampening:
        yield "optimizer.dampening: Nesterov needs a dampening of 0"
    elif dampening and not momentum:
        yield "optimizer.dampening: it needs a momentum above 0"
    if experiment.schedule.watches_validation and not getattr(experiment.data, "validation", 1):
        name = name_of(experiment.schedule)
        yield f"schedule.name: {name} needs validation examples; set data.validation above 0"
    if experiment.regularization.patience and not experiment.data.validation:
        yield (
            "regularization.patience: early stopping watches the validation loss; "
            "set data.validation above 0"
        )
    if optimizer.averages_weights and name_of(experiment.averaging) != "none":
        name = name_of(optimizer)
        yield f'averaging.name: {name} averages the weights itself; set it to "none"'
    if optimizer.needs_closure:
        yield from _check_closure(experiment)
    yield from _check_unsupported(experiment)
    yield from _check_class_weights(experiment)
    yield from _check_augmentation(experiment)


def _check_closure(experiment: Experiment) -> Iterator[str]:
    """Finds what does not fit an optimizer that evaluates the loss several times in a step."""
    name, task = name_of(experiment.optimizer), name_of(experiment.task)
    if task in ("gan", "perceptron"):
        yield f"optimizer.name: {name} needs one loss to minimize, and {task} has none; use sgd"
    if experiment.training.precision == "fp16":
        yield f"training.precision: {name} evaluates the loss several times in a step; use fp32"
    for key in ("regularization.gradient_noise", "augmentation.mixup"):
        if value_at(experiment, key):
            yield f"{key}: {name} needs the same loss in all evaluations of a step; set it to 0"


def _check_unsupported(experiment: Experiment) -> Iterator[str]:
    """Finds knobs that the task ignores or does not support."""
    task, training = name_of(experiment.task), experiment.training
    if task == "gan" and training.accumulation > 1:
        yield (
            "training.accumulation: a GAN draws new noise for each micro-batch, so they do not add "
            "up to the batch; set data.batch_size lower instead"
        )
    if experiment.data.is_graph and training.accumulation > 1:
        yield "training.accumulation: a graph is one example and cannot be divided; set it to 1"
    if task == "perceptron" and training.precision != "fp32":
        yield "training.precision: the perceptron rule supports fp32 only"
    if task == "perceptron" and training.checkpointing:
        yield "training.checkpointing: the perceptron rule stores no activations; set it to false"
    if task in ("gan", "autoencoder") and getattr(experiment.data, "label_noise", False):
        yield f"data.label_noise: {task} does not use labels; set it to 0"
    for name in ("label_noise", "imbalance"):
        if task == "regression" and getattr(experiment.data, name, False):
            yield f"data.{name}: a regression has no classes; set it to 0"
        if task in LABEL_TASKS and getattr(experiment.data, name, False):
            yield f"data.{name}: with {task} an example has no single class; set it to 0"
    if task in LABEL_TASKS and getattr(experiment.data, "group", None):
        yield f"data.group: {task} reports no metrics of groups; remove it"
    watches_validation = experiment.schedule.watches_validation
    if task == "gan" and (watches_validation or experiment.regularization.patience):
        yield (
            f"{'schedule.name' if watches_validation else 'regularization.patience'}: "
            "the losses of a GAN do not show its progress: a lower one of one network is a higher "
            "one of the other; remove it"
        )


def _check_class_weights(experiment: Experiment) -> Iterator[str]:
    """Checks that there is one weight for each class, and not only zeros."""
    data, weights = experiment.data, getattr(experiment.loss, "weight", ())
    classes = len(data.classes)
    if isinstance(data.shape, Tokens) and not classes:
        classes = data.shape.vocabulary
    if weights and len(weights) != classes:
        yield f"loss.weight: {len(weights)} weights for {classes} classes; give one for each"
    elif weights and not any(weights):
        yield "loss.weight: all weights are 0, so there is nothing to learn"


def _check_augmentation(experiment: Experiment) -> Iterator[str]:
    """Finds augmentations that do not fit the data or the task."""
    config, data, task = experiment.augmentation, experiment.data, name_of(experiment.task)
    for name in IMAGES_ONLY:
        if getattr(config, name) and len(data.shape) != 3:
            yield f"augmentation.{name}: it is for images, {data.title} has none; set it to 0"
    if isinstance(data.shape, Tokens) and config.noise:
        yield f"augmentation.noise: {data.title} consists of tokens, not numbers; set it to 0"
    if config.mixup and (task not in ("classification", "regression") or data.target_shape):
        yield f"augmentation.mixup: it needs examples with one target each, not {task}; set it to 0"
    elif config.mixup and isinstance(data.shape, Tokens):
        yield f"augmentation.mixup: {data.title} consists of tokens; set it to 0"
