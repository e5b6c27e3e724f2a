"""How a window of weights, or a pool, slides over a row or a picture."""

from tuilab.core.errors import InputError
from tuilab.core.network.layer import Layer, Shape, show

Sizes = int | tuple[int, ...]

LAYOUTS = {1: ("length",), 2: ("height", "width")}
"""The names of the places of a row and of a picture."""


def each(sizes: Sizes, rank: int) -> tuple[int, ...]:
    """A size for every direction."""
    return (sizes,) * rank if isinstance(sizes, int) else tuple(sizes)


def places(layer: Layer, shape: Shape, rank: int) -> Shape:
    """The sizes after the channels; InputError where the input is no row or no picture."""
    if len(shape) == rank + 1:
        return shape[1:]
    name, wanted = type(layer).__name__, ", ".join(("channels", *LAYOUTS[rank]))
    raise InputError(f"{name} takes [{wanted}], but {show(shape)} comes in{_advice(name, shape)}")


TWINS = ("Conv", "MaxPool", "AvgPool", "AdaptiveAvgPool", "BatchNorm", "Dropout")
"""Layers that there are both for rows (1d) and for pictures (2d)."""


def _advice(name: str, shape: Shape) -> str:
    """What to do about it."""
    kind, what = {2: ("1d", "rows"), 3: ("2d", "pictures")}.get(len(shape), ("", ""))
    if kind and name[:-2] in TWINS and not name.endswith(kind):
        return f"; for {what} there is {name[:-2]}{kind}"
    if len(shape) == 1:
        ones = "1" if name.endswith("1d") else "1,1"
        return f"; put it before Flatten, or Unflatten ({shape[0]},{ones}) before it"
    return ""


def slid(
    layer: Layer, shape: Shape, rank: int,
    size: Sizes, stride: Sizes, padding: Sizes, dilation: Sizes = 1, ceil: bool = False,
) -> Shape:  # fmt: skip
    """The sizes after the channels when the window has gone over them.

    Args:
        ceil: a last window that begins inside, but does not fit, counts as well.
    """
    out = []
    for axis, length in enumerate(places(layer, shape, rank)):
        name, margin = LAYOUTS[rank][axis], each(padding, rank)[axis]
        reach = each(dilation, rank)[axis] * (each(size, rank)[axis] - 1) + 1
        step, room = each(stride, rank)[axis], length + 2 * margin
        steps = (room - reach + (step - 1 if ceil else 0)) // step + 1
        if ceil and (steps - 1) * step >= length + margin:
            steps -= 1
        if steps < 1:
            raise InputError(
                f"a window of {reach} does not fit into {name} {length} with padding {margin}; "
                "make kernel_size smaller or pool less before"
            )
        out.append(steps)
    return tuple(out)
