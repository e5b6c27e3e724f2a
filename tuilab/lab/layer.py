"""What every layer is: arguments, a shape rule, a parameter count and one line of help."""

from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tuilab.lab.errors import InputError

Shape = tuple[int, ...]
"""Sizes of one example, without the batch."""

Length = Annotated[int, Meta(ge=1, le=4096)]
Margin = Annotated[int, Meta(ge=0, le=4096)]
Size = Length | Annotated[tuple[Length, ...], Meta(min_length=2, max_length=2)]
Margins = Margin | Annotated[tuple[Margin, ...], Meta(min_length=2, max_length=2)]


def pair(size: int | tuple[int, ...]) -> tuple[int, int]:
    """A size for height and width."""
    return (size, size) if isinstance(size, int) else (size[0], size[1])


def show(shape: Shape | None) -> str:
    """A shape as the lab writes it, such as `[16, 28, 28]`."""
    return "[?]" if shape is None else "[" + ", ".join(map(str, shape)) + "]"


class Layer(Struct, frozen=True, forbid_unknown_fields=True, tag_field="layer", tag=True):
    """One layer: a `torch.nn` class and its arguments."""

    family: ClassVar[str] = "other"

    def output(self, shape: Shape) -> Shape:
        """The shape that comes out when `shape` goes in; InputError where they do not meet."""
        return shape

    def parameters(self, shape: Shape) -> int:
        """How many numbers are learned when `shape` goes in."""
        return 0


def channels_height_width(layer: Layer, shape: Shape) -> tuple[int, int, int]:
    """The three sizes of a picture; InputError where the input is none."""
    if len(shape) != 3:
        raise InputError(
            f"{type(layer).__name__} takes [channels, height, width], but {show(shape)} comes in"
        )
    return shape[0], shape[1], shape[2]
