"""The shape rules of convolutions and pools, whose window slides over a sequence or image."""

from tuilab.core.errors import InputError
from tuilab.core.network.layer import Layer, Shape, format_shape

Sizes = int | tuple[int, ...]

AXIS_NAMES = {1: ("length",), 2: ("height", "width")}
"""The spatial axes of a sequence (1) and of an image (2)."""


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


BOTH_RANKS = ("Conv", "MaxPool", "AvgPool", "AdaptiveAvgPool", "BatchNorm", "Dropout")
"""Layers that exist for sequences (1d) and for images (2d)."""


def _advice(name: str, shape: Shape) -> str:
    """Returns what to do about a shape of another rank."""
    suffix, inputs = {2: ("1d", "sequences"), 3: ("2d", "images")}.get(len(shape), ("", ""))
    if suffix and name[:-2] in BOTH_RANKS and not name.endswith(suffix):
        return f"; for {inputs} there is {name[:-2]}{suffix}"
    if len(shape) == 1:
        ones = "1" if name.endswith("1d") else "1,1"
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
