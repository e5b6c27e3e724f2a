"""The output that the last layer must have: it follows from the data, the task and the loss."""

from dataclasses import dataclass
from math import prod

from msgspec import Struct

from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.losses import Loss
from tuilab.core.catalogue.tasks import CLASS_TASKS
from tuilab.core.errors import InputError
from tuilab.core.network.auto_size import NO_SIZES, AutoSizes
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.parse import format_argument


@dataclass(frozen=True, slots=True)
class RequiredOutput:
    """The output shape that a network must have."""

    shape: Shape
    reason: str
    "What needs it, as the beginning of a sentence that the shape ends."
    last: str
    "A layer that gives it."


def find_required_output(task: Struct, data: DataSet, loss: Loss) -> RequiredOutput:
    """Returns the output that data, task and loss need; not of a GAN, which has two networks."""
    name = task.__struct_config__.tag
    if name == "autoencoder":
        last = f"Linear {prod(data.shape)}"
        if len(data.shape) > 1:
            last = f"Flatten, {last} and Unflatten {format_argument(tuple(data.shape))}"
        return RequiredOutput(data.shape, f"an autoencoder of {data.title} must output", last)
    if name == "perceptron":
        return RequiredOutput((1,), "the perceptron rule needs", "Linear 1, then Step")
    if isinstance(data.shape, Tokens) and name == "language_model":
        count = data.shape.vocabulary
        shape = (*data.target_shape, count)
        return RequiredOutput(shape, f"{count} tokens need", f"Linear {count}")
    classes = len(data.classes) if name in CLASS_TASKS else 0
    count, tag = loss.outputs(classes), loss.__struct_config__.tag
    what = f"{classes} classes with {tag} need" if classes else f"one target with {tag} needs"
    return RequiredOutput((*data.target_shape, count), what, f"Linear {count}")


def find_auto_sizes(task: Struct, data: DataSet, loss: Loss) -> AutoSizes:
    """Returns what `auto` in a line stands for; nothing while the data is missing."""
    try:
        if task.__struct_config__.tag == "gan":
            return AutoSizes(1, prod(data.shape))
        shape = find_required_output(task, data, loss).shape
    except InputError:
        return NO_SIZES
    is_image = task.__struct_config__.tag == "autoencoder" and len(shape) > 2
    return AutoSizes((prod(shape) if is_image else shape[-1]) or None)
