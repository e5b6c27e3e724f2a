"""What every layer is: arguments, a shape rule, a parameter count and one line of help."""

from typing import Annotated, ClassVar, Self

from msgspec import Meta, Struct

from tuilab.core.experiment.knobs import knob

Shape = tuple[int, ...]
"""Sizes of one example, without the batch."""

Length = Annotated[int, Meta(ge=1, le=4096)]
Margin = Annotated[int, Meta(ge=0, le=4096)]
Size = Length | Annotated[tuple[Length, ...], Meta(min_length=2, max_length=2)]
Margins = Margin | Annotated[tuple[Margin, ...], Meta(min_length=2, max_length=2)]


class Tokens(tuple[int, ...]):
    """The sizes of an example that consists of token numbers from 0 to vocabulary − 1."""

    vocabulary: int

    def __new__(cls, sizes: Shape, vocabulary: int) -> Self:
        """Sizes without the batch, and how many different tokens there are."""
        tokens = super().__new__(cls, sizes)
        tokens.vocabulary = vocabulary
        return tokens

    def __getnewargs__(self) -> tuple[Shape, int]:
        return tuple(self), self.vocabulary


def show(shape: Shape | None) -> str:
    """A shape as the lab writes it, such as `[16, 28, 28]`."""
    return "[?]" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


class Layer(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="layer", tag=True
):
    """One layer: a `torch.nn` class and its arguments.

    A class without `tag=True` of its own takes it from here; its name is the word on a line.
    """

    frozen: Annotated[bool, knob("Keep its weights as they are", live=True)] = False

    family: ClassVar[str] = "other"
    example: ClassVar[str] = "16"
    "Arguments that make a line, for those that need some."
    takes_tokens: ClassVar[bool] = False
    "Whether token numbers may come in."

    def output(self, shape: Shape) -> Shape:
        """The shape that comes out when `shape` goes in; InputError where they do not meet."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """How many numbers are learned when `shape` goes in."""
        return 0


def arguments(kind: type[Layer]) -> tuple[str, ...]:
    """The names that a layer's values take in order; `frozen` is written by name only."""
    return tuple(name for name in kind.__struct_fields__ if name != "frozen")


def required(kind: type[Layer]) -> bool:
    """Whether a line of this layer needs arguments."""
    return len(kind.__struct_fields__) > len(kind.__struct_defaults__)


def can_freeze(kind: type[Layer]) -> bool:
    """Whether the layer, or what stands in it, may learn."""
    return kind.family == "block" or kind.parameters is not Layer.parameters
