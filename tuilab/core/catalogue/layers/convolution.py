"""Layers in which one small window of weights slides over all places."""

from math import prod
from typing import Annotated, Any, ClassVar, Literal

from tuilab.core.catalogue.layers.window import LAYOUTS, each, places, slid
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Margin, Margins, Shape, Size

Maps = Annotated[int, knob("Feature maps", ge=1, le=1_000_000)]
Groups = Annotated[int, knob("Split the channels into separate groups", ge=1)]
Constant = Annotated[bool, knob("Add a learned constant to each map")]
Side = Literal["same", "valid"]


def _divided(layer: "Conv1d | Conv2d | ConvTranspose2d", channels: int) -> None:
    """InputError where the groups do not share the channels evenly."""
    for name, count in (("input channels", channels), ("out_channels", layer.out_channels)):
        if count % layer.groups:
            raise InputError(f"groups={layer.groups} does not divide {count} {name}")


def _convolved(layer: "Conv1d | Conv2d", shape: Shape, rank: int) -> Shape:
    spread = places(layer, shape, rank)
    _divided(layer, shape[0])
    if layer.padding == "same":
        if set(each(layer.stride, rank)) != {1}:
            raise InputError('padding="same" needs stride=1')
        return (layer.out_channels, *spread)
    padding: Any = 0 if layer.padding == "valid" else layer.padding
    slides = slid(layer, shape, rank, layer.kernel_size, layer.stride, padding, layer.dilation)
    return (layer.out_channels, *slides)


def _weights(layer: "Conv1d | Conv2d | ConvTranspose2d", channels: int, rank: int) -> int:
    taps = prod(each(layer.kernel_size, rank)) * channels // layer.groups
    return layer.out_channels * (taps + layer.bias)


class Conv1d(Layer, frozen=True):
    """A small window of weights slides along a row, the same everywhere.

    Formula: y[o, t] = b[o] + Σ w[o, c, k] · x[c, t + k]
    Use: signals and texts, where near values belong together; [channels, length] comes in.
    Pitfall: sequences [length, features] have their sizes the other way round: put Transpose
      before it and after it.
    Source: torch.nn.Conv1d
    """

    out_channels: Maps
    kernel_size: Annotated[int, knob("Length of the window", ge=1, le=4096)] = 3
    stride: Annotated[int, knob("How far the window moves", ge=1, le=4096)] = 1
    padding: Annotated[Margin | Side, knob("Zeros at both ends")] = 0
    dilation: Annotated[int, knob("Gap between the window's taps", ge=1, le=4096)] = 1
    groups: Groups = 1
    bias: Constant = True

    family: ClassVar[str] = "convolution"

    def output(self, shape: Shape) -> Shape:
        return _convolved(self, shape, 1)

    def parameters(self, shape: Shape) -> int:
        return _weights(self, shape[0], 1)


class Conv2d(Layer, frozen=True):
    """A small window of weights slides over the picture, the same everywhere.

    Formula: y[o, i, j] = b[o] + Σ w[o, c, k, l] · x[c, i + k, j + l]
    Use: pictures: a few weights find the same edge or corner wherever it is.
    Pitfall: without padding each one takes kernel_size − 1 off height and width; the last Linear
      needs a Flatten or an AdaptiveAvgPool2d before it.
    Source: LeCun et al. 1989; torch.nn.Conv2d
    """

    out_channels: Maps
    kernel_size: Annotated[Size, knob("Height and width of the window")] = 3
    stride: Annotated[Size, knob("How far the window moves")] = 1
    padding: Annotated[Margins | Side, knob("Zeros around the picture")] = 0
    dilation: Annotated[Size, knob("Gap between the window's taps")] = 1
    groups: Groups = 1
    bias: Constant = True

    family: ClassVar[str] = "convolution"

    def output(self, shape: Shape) -> Shape:
        return _convolved(self, shape, 2)

    def parameters(self, shape: Shape) -> int:
        return _weights(self, shape[0], 2)


class ConvTranspose2d(Layer, frozen=True):
    """The way back of a Conv2d: each value paints a window, and the picture grows.

    Formula: y[o, s·i + k, s·j + l] += w[c, o, k, l] · x[c, i, j]    (stride s)
    Use: to make pictures larger in decoders and generators; 4 stride=2 padding=1 doubles them.
    Pitfall: where kernel_size is no multiple of stride the windows overlap unevenly, and a
      checkerboard shows; take such a multiple, or Upsample and Conv2d.
    Source: Odena et al. 2016 (checkerboard); torch.nn.ConvTranspose2d
    """

    out_channels: Maps
    kernel_size: Annotated[Size, knob("Height and width of the window")] = 3
    stride: Annotated[Size, knob("How far apart the windows are painted")] = 1
    padding: Annotated[Margins, knob("What is cut off around the picture")] = 0
    output_padding: Annotated[Margins, knob("Rows and columns added at one side")] = 0
    groups: Groups = 1
    bias: Constant = True
    dilation: Annotated[Size, knob("Gap between the window's taps")] = 1

    family: ClassVar[str] = "convolution"

    def output(self, shape: Shape) -> Shape:
        spread = places(self, shape, 2)
        _divided(self, shape[0])
        return (self.out_channels, *(self._grown(axis, size) for axis, size in enumerate(spread)))

    def _grown(self, axis: int, length: int) -> int:
        stride, dilation, extra = (
            each(sizes, 2)[axis] for sizes in (self.stride, self.dilation, self.output_padding)
        )
        if extra >= max(stride, dilation):
            raise InputError(
                f"output_padding={extra} must be smaller than stride={stride} or "
                f"dilation={dilation}"
            )
        cut, reach = each(self.padding, 2)[axis], each(self.kernel_size, 2)[axis]
        grown = (length - 1) * stride - 2 * cut + dilation * (reach - 1) + extra + 1
        if grown < 1:
            raise InputError(
                f"padding={cut} cuts all of the {LAYOUTS[2][axis]} off; make it smaller, or "
                "kernel_size larger"
            )
        return grown

    def parameters(self, shape: Shape) -> int:
        return _weights(self, shape[0], 2)
