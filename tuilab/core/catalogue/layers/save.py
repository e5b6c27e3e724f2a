"""A name for an output, so that a later layer can take it as its second input."""

from collections.abc import Mapping, MutableMapping
from typing import Annotated, ClassVar

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Paired, Shape


class Save(Layer, frozen=True):
    """Passes its input through, and keeps it under a name for a later layer.

    Formula: y = x
    Use: before a TransformerDecoderLayer with memory=NAME, a MultiheadAttention with memory=NAME or
      a Bilinear with input2=NAME. As the first line of a block it names the block's input.
    Pitfall: a name is known below its line only; the branches of a Parallel, and the halves of an
      autoencoder or a GAN, do not know each other's names.
    """

    name: Annotated[str, knob("The name that later layers refer to")]

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "memory"


def pair_input(layer: Layer, shape: Shape, saved: Mapping[str, Shape]) -> Shape:
    """Returns the input shape of a layer, with that of its second input where it names one.

    Args:
        saved: the shapes that have been saved above, by their names.

    Raises:
        InputError: nothing has been saved under this name.
    """
    name = getattr(layer, layer.second_input) if layer.second_input else None
    if name is None:
        return shape
    if name not in saved:
        problem = f'nothing is saved as "{name}" above this line'
        if saved:
            raise InputError(with_suggestion(problem, name, saved))
        raise InputError(f"{problem}; put Save {name} where its second input comes from")
    return Paired(shape, saved[name])


def save_shape(layer: Layer, shape: Shape, saved: MutableMapping[str, Shape]) -> None:
    """Enters the input shape of a Save by its name; another layer changes nothing."""
    if isinstance(layer, Save):
        saved[layer.name] = shape
