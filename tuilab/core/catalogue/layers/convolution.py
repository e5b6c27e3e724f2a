"""Convolutions: one small window of weights slides over all positions."""

from math import prod
from typing import Annotated, Any, ClassVar, Literal, Union

from tuilab.core.catalogue.layers.window import (
    AXIS_NAMES,
    PaddingMode,
    check_padding,
    per_axis,
    spatial_sizes,
    window_positions,
)
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Margin, Margins, Margins3d, Shape, Size, Size3d

OutChannels = Annotated[int, knob("Output channels (feature maps)", ge=1, le=1_000_000)]
Groups = Annotated[int, knob("Split the channels into separate groups", ge=1)]
Constant = Annotated[bool, knob("Add a learned bias to each output channel")]
Side = Literal["same", "valid"]
Padding = Annotated[PaddingMode, knob("What the padding consists of: zeros, or nearby values")]

AnyConv = Union["Conv1d", "Conv2d", "Conv3d"]
AnyTranspose = Union["ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]


def _check_groups(layer: AnyConv | AnyTranspose, channels: int) -> None:
    """Raises InputError where the groups do not divide the channels."""
    for name, count in (("input channels", channels), ("out_channels", layer.out_channels)):
        if count % layer.groups:
            raise InputError(f"groups={layer.groups} does not divide {count} {name}")


def _convolution_shape(layer: AnyConv, shape: Shape, rank: int) -> Shape:
    sizes = spatial_sizes(layer, shape, rank)
    _check_groups(layer, shape[0])
    _check_padding_mode(layer, shape, rank)
    if layer.padding == "same":
        if set(per_axis(layer.stride, rank)) != {1}:
            raise InputError('padding="same" needs stride=1')
        return (layer.out_channels, *sizes)
    padding: Any = 0 if layer.padding == "valid" else layer.padding
    positions = window_positions(
        layer, shape, rank, layer.kernel_size, layer.stride, padding, layer.dilation
    )
    return (layer.out_channels, *positions)


def _check_padding_mode(layer: AnyConv, shape: Shape, rank: int) -> None:
    if layer.padding_mode == "zeros" or layer.padding == "valid":
        return
    if isinstance(layer.padding, str):
        kernel, dilation = per_axis(layer.kernel_size, rank), per_axis(layer.dilation, rank)
        totals = [step * (size - 1) for size, step in zip(kernel, dilation, strict=True)]
        margins = [(total // 2, total - total // 2) for total in totals]
    else:
        margins = [(margin, margin) for margin in per_axis(layer.padding, rank)]
    check_padding(layer, shape, rank, margins, layer.padding_mode)


def _transposed_shape(layer: AnyTranspose, shape: Shape, rank: int) -> Shape:
    sizes = spatial_sizes(layer, shape, rank)
    _check_groups(layer, shape[0])
    return (layer.out_channels, *(_grow(layer, rank, axis, n) for axis, n in enumerate(sizes)))


def _grow(layer: AnyTranspose, rank: int, axis: int, length: int) -> int:
    """Returns the output size along one axis."""
    stride, dilation, extra = (
        per_axis(sizes, rank)[axis]
        for sizes in (layer.stride, layer.dilation, layer.output_padding)
    )
    if extra >= max(stride, dilation):
        raise InputError(
            f"output_padding={extra} must be smaller than stride={stride} or dilation={dilation}"
        )
    cut, kernel = per_axis(layer.padding, rank)[axis], per_axis(layer.kernel_size, rank)[axis]
    size = (length - 1) * stride - 2 * cut + dilation * (kernel - 1) + extra + 1
    if size < 1:
        raise InputError(
            f"padding={cut} cuts all of the {AXIS_NAMES[rank][axis]} off; make it smaller, or "
            "kernel_size larger"
        )
    return size


def _count_weights(layer: AnyConv | AnyTranspose, channels: int, rank: int) -> int:
    taps = prod(per_axis(layer.kernel_size, rank)) * channels // layer.groups
    return layer.out_channels * (taps + layer.bias)


class Conv1d(Layer, frozen=True):
    """A small window of weights slides along a sequence, the same everywhere.

    Formula: y[o, t] = b[o] + Σ w[o, c, k] · x[c, t + k]
    Use: signals and texts, where nearby values belong together; the input is [channels, length].
    Pitfall: sequences [length, features] have their dimensions in the other order: put
      Transpose before it and after it.
    Source: torch.nn.Conv1d
    """

    out_channels: OutChannels
    kernel_size: Annotated[int, knob("Length of the window", ge=1, le=4096)] = 3
    stride: Annotated[int, knob("Step of the window", ge=1, le=4096)] = 1
    padding: Annotated[Margin | Side, knob("Zeros at both ends")] = 0
    dilation: Annotated[int, knob("Distance between the weights of the window", ge=1, le=4096)] = 1
    groups: Groups = 1
    bias: Constant = True
    padding_mode: Padding = "zeros"

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _convolution_shape(self, shape, 1)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 1)


class Conv2d(Layer, frozen=True):
    """A small window of weights slides over the image, the same everywhere.

    Formula: y[o, i, j] = b[o] + Σ w[o, c, k, l] · x[c, i + k, j + l]
    Use: images: a few weights detect the same edge or corner wherever it is.
    Pitfall: without padding each one takes kernel_size − 1 off height and width; the last Linear
      needs a Flatten or an AdaptiveAvgPool2d before it.
    Source: LeCun et al. 1989; torch.nn.Conv2d
    """

    out_channels: OutChannels
    kernel_size: Annotated[Size, knob("Height and width of the window")] = 3
    stride: Annotated[Size, knob("Step of the window")] = 1
    padding: Annotated[Margins | Side, knob("Zeros around the image")] = 0
    dilation: Annotated[Size, knob("Distance between the weights of the window")] = 1
    groups: Groups = 1
    bias: Constant = True
    padding_mode: Padding = "zeros"

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _convolution_shape(self, shape, 2)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 2)


class Conv3d(Layer, frozen=True):
    """A small window of weights slides through a volume, the same everywhere.

    Formula: y[o, h, i, j] = b[o] + Σ w[o, c, m, k, l] · x[c, h + m, i + k, j + l]
    Use: volumes [channels, depth, height, width]: scans, and videos with time as depth.
    Pitfall: a window of 3 has 27 weights per channel and there are many positions: it is slow and
      takes much memory; pool early.
    Source: Tran et al. 2015; torch.nn.Conv3d
    """

    out_channels: OutChannels
    kernel_size: Annotated[Size3d, knob("Depth, height and width of the window")] = 3
    stride: Annotated[Size3d, knob("Step of the window")] = 1
    padding: Annotated[Margins3d | Side, knob("Zeros around the volume")] = 0
    dilation: Annotated[Size3d, knob("Distance between the weights of the window")] = 1
    groups: Groups = 1
    bias: Constant = True
    padding_mode: Padding = "zeros"

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _convolution_shape(self, shape, 3)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 3)


class ConvTranspose1d(Layer, frozen=True):
    """The reverse of a Conv1d: each value adds a window to the output, and the sequence grows.

    Formula: y[o, s·t + k] += w[c, o, k] · x[c, t]    (stride s)
    Use: to lengthen signals in decoders and generators; 4 stride=2 padding=1 doubles them.
    Pitfall: where kernel_size is not a multiple of stride, the windows overlap unevenly, which
      is heard as a hum in audio; use a multiple, or Upsample and Conv1d.
    Source: Odena et al. 2016 (uneven overlap); torch.nn.ConvTranspose1d
    """

    out_channels: OutChannels
    kernel_size: Annotated[int, knob("Length of the window", ge=1, le=4096)] = 3
    stride: Annotated[int, knob("Distance between the windows in the output", ge=1, le=4096)] = 1
    padding: Annotated[int, knob("Positions cut off at both ends", ge=0, le=4096)] = 0
    output_padding: Annotated[int, knob("Positions added at the end", ge=0, le=4096)] = 0
    groups: Groups = 1
    bias: Constant = True
    dilation: Annotated[int, knob("Distance between the weights of the window", ge=1, le=4096)] = 1

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _transposed_shape(self, shape, 1)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 1)


class ConvTranspose2d(Layer, frozen=True):
    """The reverse of a Conv2d: each value adds a window to the output, and the image grows.

    Formula: y[o, s·i + k, s·j + l] += w[c, o, k, l] · x[c, i, j]    (stride s)
    Use: to enlarge images in decoders and generators; 4 stride=2 padding=1 doubles them.
    Pitfall: where kernel_size is not a multiple of stride, the windows overlap unevenly and
      leave a checkerboard pattern; use a multiple, or Upsample and Conv2d.
    Source: Odena et al. 2016 (checkerboard); torch.nn.ConvTranspose2d
    """

    out_channels: OutChannels
    kernel_size: Annotated[Size, knob("Height and width of the window")] = 3
    stride: Annotated[Size, knob("Distance between the windows in the output")] = 1
    padding: Annotated[Margins, knob("Rows and columns cut off around the output")] = 0
    output_padding: Annotated[Margins, knob("Rows and columns added on one side")] = 0
    groups: Groups = 1
    bias: Constant = True
    dilation: Annotated[Size, knob("Distance between the weights of the window")] = 1

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _transposed_shape(self, shape, 2)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 2)


class ConvTranspose3d(Layer, frozen=True):
    """The reverse of a Conv3d: each value adds a window to the output, and the volume grows.

    Formula: y[o, s·h + m, s·i + k, s·j + l] += w[c, o, m, k, l] · x[c, h, i, j]    (stride s)
    Use: to enlarge volumes in decoders, as in 3-D U-Nets; 4 stride=2 padding=1 doubles them.
    Pitfall: where kernel_size is not a multiple of stride, the windows overlap unevenly.
    Source: Çiçek et al. 2016 (3-D U-Net); torch.nn.ConvTranspose3d
    """

    out_channels: OutChannels
    kernel_size: Annotated[Size3d, knob("Depth, height and width of the window")] = 3
    stride: Annotated[Size3d, knob("Distance between the windows in the output")] = 1
    padding: Annotated[Margins3d, knob("Positions cut off on each side of the output")] = 0
    output_padding: Annotated[Margins3d, knob("Positions added on one side")] = 0
    groups: Groups = 1
    bias: Constant = True
    dilation: Annotated[Size3d, knob("Distance between the weights of the window")] = 1

    family: ClassVar[str] = "convolution"

    def output_shape(self, shape: Shape) -> Shape:
        return _transposed_shape(self, shape, 3)

    def count_parameters(self, shape: Shape) -> int:
        return _count_weights(self, shape[0], 3)
