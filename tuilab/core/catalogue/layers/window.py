"""The shape rules of convolutions and pools, whose window slides over a sequence or image."""

from collections.abc import Sequence
from typing import Literal

from tuilab.core.errors import InputError
from tuilab.core.network.layer import Layer, Shape, format_shape

Sizes = int | tuple[int, ...]

AXIS_NAMES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
"""The spatial axes of a sequence (1), of an image (2) and of a volume (3)."""


def per_axis(sizes: Sizes, rank: int) -> tuple[int, ...]:
    """Returns one size for each axis."""
    return (sizes,) * rank if isinstance(sizes, int) else tuple(sizes)


def spatial_sizes(layer: Layer, shape: Shape, rank: int) -> Shape:
    """Returns the sizes after the channels; raises InputError for a shape of another rank."""
    if len(shape) == rank + 1:
        return shape[1:]
    name, axes = type(layer).__name__, ", ".join(("channels", *AXIS_NAMES[rank]))
    raise InputError(
        f"{name} expects [{axes}], but got {format_shape(shape)}{_advice(name, shape)}"
    )


ALL_RANKS = (
    "Conv", "ConvTranspose", "MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool",
    "BatchNorm", "InstanceNorm", "Dropout", "ConstantPad", "ZeroPad", "ReflectionPad",
    "ReplicationPad", "CircularPad",
)  # fmt: skip
"""Layers that exist for sequences (1d), images (2d) and volumes (3d)."""

SUFFIXES = {2: ("1d", "sequences"), 3: ("2d", "images"), 4: ("3d", "volumes")}
"""The end of a layer's name by the dimensions of its inputs, and what these are."""


def _advice(name: str, shape: Shape) -> str:
    """Returns what to do about a shape of another rank."""
    suffix, inputs = SUFFIXES.get(len(shape), ("", ""))
    if suffix and name[:-2] in ALL_RANKS and not name.endswith(suffix):
        return f"; for {inputs} there is {name[:-2]}{suffix}"
    if len(shape) == 1:
        ones = {"1d": "1", "3d": "1,1,1"}.get(name[-2:], "1,1")
        return f"; put it before Flatten, or Unflatten ({shape[0]},{ones}) before it"
    return ""


def window_positions(
    layer: Layer, shape: Shape, rank: int,
    size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1, ceil: bool = False,
) -> Shape:  # fmt: skip
    """Returns how many positions a sliding window has along each axis.

    Args:
        ceil: also counts a last window that begins inside but extends beyond the edge.
    """
    counts = []
    for axis, length in enumerate(spatial_sizes(layer, shape, rank)):
        name, margin = AXIS_NAMES[rank][axis], per_axis(padding, rank)[axis]
        window = per_axis(dilation, rank)[axis] * (per_axis(size, rank)[axis] - 1) + 1
        step, padded = per_axis(stride, rank)[axis], length + 2 * margin
        count = (padded - window + (step - 1 if ceil else 0)) // step + 1
        if ceil and (count - 1) * step >= length + margin:
            count -= 1
        if count < 1:
            raise InputError(
                f"a window of {window} does not fit into {name} {length} with padding {margin}; "
                "make kernel_size smaller or pool less before it"
            )
        counts.append(count)
    return tuple(counts)


PaddingMode = Literal["zeros", "reflect", "replicate", "circular"]
"""What is put around the input: zeros, or values of the input."""


def check_padding(
    layer: Layer, shape: Shape, rank: int, margins: Sequence[tuple[int, int]], mode: str
) -> Shape:
    """Returns the sizes of the input after its padding; raises InputError where it does not fit.

    Args:
        margins: what is added before and after along each axis.
    """
    sizes = spatial_sizes(layer, shape, rank)
    for name, length, sides in zip(AXIS_NAMES[rank], sizes, margins, strict=True):
        limit = {"reflect": length - 1, "circular": length}.get(mode, max(sides))
        if max(sides) > limit:
            raise InputError(
                f"{mode} padding takes its values from the input: of {name} {length} it can take "
                f"{limit} at most, not {max(sides)}"
            )
    return tuple(length + sum(sides) for length, sides in zip(sizes, margins, strict=True))
