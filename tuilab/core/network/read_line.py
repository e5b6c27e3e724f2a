"""A line in its place: which order its arguments have, decided by the shape of its input.

A line means what it always meant: `Conv2d 16 3 1` has 16 output channels and a window of 3. In
PyTorch's order these would be 16 input channels, 3 output channels and a window of 1. Where both
make sense, the order is PyTorch's only if its input size is the one that comes in, and if the other
reading is a layer that hardly anyone wants, such as an LSTM of 64 layers. The note says which.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from msgspec.structs import replace

from tuilab.core.catalogue.layers.save import pair_input
from tuilab.core.catalogue.layers.window import per_axis
from tuilab.core.errors import InputError
from tuilab.core.network.layer import Layer, Shape, Tokens, format_shape, second_shape
from tuilab.core.network.parse import ParsedLine, format_layer, parse_in_torch_order, parse_line
from tuilab.core.network.signatures import input_size

USUAL_LAYERS = 8
"""Stacked recurrent layers; more hardly ever train."""

USUAL_WINDOW = 11
"""The longest side of a window, unless it is a patch."""

USUAL_STRIDES = {(7, 4), (8, 4), (11, 4)}
"""Windows and strides above 2 of known networks."""


@dataclass(frozen=True, slots=True)
class LineReading:
    """The layer of a line, and how the line was read."""

    layer: Layer
    note: str = ""
    "Says that the size of the input was left out, and how the layer differs from PyTorch's."
    doubt: str = ""
    "Says which of two orders of arguments was taken; empty where only one makes sense."


def read_line(
    line: str, shape: Shape | None, saved: Mapping[str, Shape] = MappingProxyType({})
) -> LineReading:
    """Reads a line for the shape of its input.

    Args:
        saved: the shapes that second inputs can have, by their names.

    Raises:
        InputError: where the line is wrong, or gives another size of its input.
    """
    parsed = parse_line(line)
    if shape is not None and parsed.second_sizes:
        _check_second_sizes(parsed, shape, saved)
    if shape is None or (isinstance(shape, Tokens) and not parsed.layer.takes_tokens):
        return LineReading(parsed.layer)
    if getattr(parsed.layer, "normalized_shape", None) is not None:
        return _drop_normalized_shape(parsed.layer, shape)
    if parsed.size_name:
        parsed.layer.output_shape(shape)  # a shape of another rank has another problem
        notes = (_check_size(parsed, shape), parsed.layer.difference)
        return LineReading(parsed.layer, note="; ".join(filter(None, notes)))
    other = parse_in_torch_order(line)
    if other is None or not other.size_name or other.layer == parsed.layer:
        return LineReading(parsed.layer)
    return _decide(parsed.layer, other, shape)


def _check_size(parsed: ParsedLine, shape: Shape) -> str:
    """Returns a note on the size of the input that a line gives; InputError where it is another."""
    size, plain = input_size(parsed.size_name, shape), format_layer(parsed.layer)
    line_size = parsed.size[0] if _is_single(parsed.size) else parsed.size
    if line_size == size:
        return f"{parsed.size_name}={line_size} is inferred: the same as {plain}"
    raise InputError(
        f"{parsed.size_name} is {line_size} here, in PyTorch's order of arguments, but the input "
        f"{format_shape(shape)} has {size}; leave it out: {plain}"
    )


def _check_second_sizes(parsed: ParsedLine, shape: Shape, saved: Mapping[str, Shape]) -> None:
    """Raises InputError where a line gives another size of its second input."""
    second = second_shape(pair_input(parsed.layer, shape, saved))
    argument = parsed.layer.second_input
    for name, size in parsed.second_sizes:
        if size == second[-1]:
            continue
        fitting = [key for key, other in saved.items() if other[-1] == size]
        with_name = f"{format_layer(parsed.layer)} {argument}={fitting[0] if fitting else 'NAME'}"
        how = f"write {with_name}" if fitting else f"put Save NAME above, then {with_name}"
        raise InputError(
            f"{name} is {size} here, but the second input {format_shape(second)} has {second[-1]}; "
            + (f"leave {name} out" if getattr(parsed.layer, argument) else how)
        )


def _drop_normalized_shape(layer: Any, shape: Shape) -> LineReading:
    """Returns the layer without the size that it would have anyway, with a note."""
    size = (
        layer.normalized_shape[0] if _is_single(layer.normalized_shape) else layer.normalized_shape
    )
    if size != input_size("normalized_shape", shape):
        return LineReading(layer)  # other dimensions; the plan says whether they fit
    plain = replace(layer, normalized_shape=None)
    text = f"normalized_shape={size} is inferred: the same as {format_layer(plain)}"
    return LineReading(plain, note=text)


def _is_single(size: Any) -> bool:
    return isinstance(size, tuple) and len(size) == 1


def _decide(layer: Layer, other: ParsedLine, shape: Shape) -> LineReading:
    """Chooses between the lab's order of arguments and PyTorch's, both of which can be parsed."""
    in_torch = f"{format_layer(other.layer)} after {other.size_name}={other.size}"
    matches = input_size(other.size_name, shape) == other.size
    matches = matches and _fits(other.layer, shape) and is_usual(other.layer, shape)
    if not _fits(layer, shape):
        if matches:
            doubt = f"read in PyTorch's order: {in_torch}"
            return LineReading(other.layer, other.layer.difference, doubt)
        return LineReading(layer)  # the plan says why it does not fit
    if matches and not is_usual(layer, shape):
        doubt = f"read in PyTorch's order: {in_torch}, not {format_layer(layer)}"
        return LineReading(other.layer, other.layer.difference, doubt)
    if matches or (not is_usual(layer, shape) and is_usual(other.layer, shape)):
        doubt = f"read as {format_layer(layer)}; in PyTorch's order it would be {in_torch}"
        return LineReading(layer, doubt=doubt)
    return LineReading(layer)


def _fits(layer: Layer, shape: Shape) -> bool:
    try:
        layer.output_shape(shape)
    except InputError:
        return False
    return True


def is_usual(layer: Layer, shape: Shape) -> bool:
    """Returns whether a layer is like those that people build, for an input of this shape."""
    return all(
        check(getattr(layer, name), layer, shape)
        for name, check in _USUAL.items()
        if name in type(layer).__struct_fields__
    )


def _is_usual_window(kernel: Any, layer: Any, shape: Shape) -> bool:
    padding = layer.padding if not isinstance(layer.padding, str) else 0
    axes = zip(*(per_axis(sizes, 3) if isinstance(sizes, int) else sizes
                 for sizes in (kernel, layer.stride, padding, layer.dilation)),
               strict=False)  # fmt: skip
    if "output_padding" in type(layer).__struct_fields__ and layer.stride != 1:
        return _enlarges_evenly(layer)
    return all(map(_is_usual_axis, *zip(*axes, strict=True)))


def _is_usual_axis(window: int, stride: int, padding: int, dilation: int) -> bool:
    if padding >= window or dilation > 4:
        return False
    if stride == window and not padding:  # patches
        return True
    if window > USUAL_WINDOW or (stride == 1 and window % 2 == 0 and window > 4):
        return False
    return stride <= min(2, window) or (window, stride) in USUAL_STRIDES


def _enlarges_evenly(layer: Any) -> bool:
    """Returns whether a transposed convolution multiplies each side by its stride."""
    rank = int(type(layer).__name__[-2])
    sizes = (layer.kernel_size, layer.stride, layer.padding, layer.output_padding)
    axes = zip(*(per_axis(size, rank) for size in sizes), strict=True)
    return all(k - 2 * cut + extra == stride for k, stride, cut, extra in axes)


_USUAL: dict[str, Callable[[Any, Any, Shape], bool]] = {
    "num_layers": lambda count, layer, shape: count <= USUAL_LAYERS,
    "eps": lambda eps, layer, shape: eps is None or eps < 0.1,
    "padding_idx": lambda index, layer, shape: index is None or index < 4,
    "dim_feedforward": lambda units, layer, shape: units is None or units >= shape[-1],
    "kernel_size": _is_usual_window,
}
"""What is usual for an argument: its value, the layer and the shape of the input."""
