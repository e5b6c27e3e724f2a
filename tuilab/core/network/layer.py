"""The base class of all layers: arguments, a shape rule and a parameter count."""

from collections.abc import Sequence
from math import isqrt
from typing import Annotated, ClassVar, Self

from msgspec import Meta, Struct

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob

Shape = tuple[int, ...]
"""The shape of one example, without the batch dimension."""

Length = Annotated[int, Meta(ge=1, le=4096)]
Margin = Annotated[int, Meta(ge=0, le=4096)]
Size = Length | Annotated[tuple[Length, ...], Meta(min_length=2, max_length=2)]
Margins = Margin | Annotated[tuple[Margin, ...], Meta(min_length=2, max_length=2)]
Size3d = Length | Annotated[tuple[Length, ...], Meta(min_length=3, max_length=3)]
Margins3d = Margin | Annotated[tuple[Margin, ...], Meta(min_length=3, max_length=3)]
Dim = Annotated[int, Meta(ge=-8, le=8)]
"""A dimension as torch counts it: 0 is the batch, 1 the first of an example, −1 the last."""


class Tokens(tuple[int, ...]):
    """The shape of an example that consists of token numbers from 0 to vocabulary − 1."""

    vocabulary: int

    def __new__(cls, sizes: Shape, vocabulary: int) -> Self:
        """Creates a shape without the batch dimension, and the number of different tokens."""
        tokens = super().__new__(cls, sizes)
        tokens.vocabulary = vocabulary
        return tokens

    def __getnewargs__(self) -> tuple[Shape, int]:
        return tuple(self), self.vocabulary


class Paired(tuple[int, ...]):
    """The shape of an example for a layer with a second input, which has a shape of its own."""

    second: Shape

    def __new__(cls, sizes: Shape, second: Shape) -> Self:
        """Creates the shape of the first input, with that of the second."""
        paired = super().__new__(cls, sizes)
        paired.second = second
        return paired


def without_pair(shape: Shape) -> Shape:
    """Returns a shape without that of a second input."""
    return tuple(shape) if isinstance(shape, Paired) else shape


def second_shape(shape: Shape) -> Shape:
    """Returns the shape of the second input: the layer's input itself where nothing is named."""
    return shape.second if isinstance(shape, Paired) else shape


def format_shape(shape: Sequence[int] | None) -> str:
    """Returns a shape as text, such as `[16, 28, 28]`."""
    return "[?]" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


class Layer(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="layer", tag=True
):
    """One layer: a `torch.nn` class and its arguments.

    A class without `tag=True` of its own takes it from here; its name is the word on a line.
    """

    frozen: Annotated[bool, knob("Do not train its weights", live=True)] = False

    family: ClassVar[str] = "other"
    example: ClassVar[str] = "16"
    "Arguments of an example line, for layers that require some."
    takes_tokens: ClassVar[bool] = False
    "Whether it accepts token numbers."
    is_separate: ClassVar[bool] = False
    "Whether it is a block that also runs by itself, so that it knows no names from outside."
    second_input: ClassVar[str] = ""
    "The argument that names its second input, an output that a Save has kept; empty: it has one."

    @property
    def difference(self) -> str:
        """What it does that its `torch.nn` class does not, said of a line that is PyTorch's."""
        return ""

    def output_shape(self, shape: Shape) -> Shape:
        """Returns the output shape for an input shape; raises InputError where it does not fit."""
        return shape

    def count_parameters(self, shape: Shape) -> int:
        """Returns the number of learned parameters for an input shape."""
        return 0


def axis_of(dim: int, shape: Shape) -> int:
    """Returns the index into an example's shape; raises InputError for the batch, or beyond it.

    >>> axis_of(1, (3, 8)), axis_of(-1, (3, 8))
    (0, 1)
    """
    rank = len(shape)
    axis = dim - 1 if dim > 0 else rank + dim
    if dim == 0 or not 0 <= axis < rank:
        batch = "; dimension 0 is the batch" if dim in (0, -rank - 1) else ""
        raise InputError(
            f"there is no dimension {dim} in {format_shape(shape)}: its dimensions are 1 to "
            f"{rank}, or -1 to -{rank} from the end{batch}"
        )
    return axis


def divisors(number: int) -> list[int]:
    """Returns what divides a number evenly, from 1 to itself.

    >>> divisors(28)
    [1, 2, 4, 7, 14, 28]
    """
    small = [size for size in range(1, isqrt(number) + 1) if number % size == 0]
    return sorted({*small, *(number // size for size in small)})


def argument_names(kind: type[Layer]) -> tuple[str, ...]:
    """Returns the positional arguments of a layer in order; `frozen` is written by name only."""
    return tuple(name for name in kind.__struct_fields__ if name != "frozen")


def needs_arguments(kind: type[Layer]) -> bool:
    """Returns whether a line of this layer needs arguments."""
    return len(kind.__struct_fields__) > len(kind.__struct_defaults__)


def can_freeze(kind: type[Layer]) -> bool:
    """Returns whether the layer, or a layer inside it, can have weights."""
    return kind.family == "block" or kind.count_parameters is not Layer.count_parameters
