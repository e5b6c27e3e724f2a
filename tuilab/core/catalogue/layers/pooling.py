"""Layers that make pictures and rows smaller."""

from typing import Annotated, ClassVar

from tuilab.core.catalogue.layers.window import Sizes, each, places, slid
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Length, Margins, Shape, Size

Row = Annotated[int, knob("Length of the window", ge=1, le=4096)]
RowStride = Annotated[Length | None, knob("How far the window moves; none: its own length")]
RowPadding = Annotated[int, knob("Padding at both ends", ge=0, le=4096)]
Window = Annotated[Size, knob("Height and width of the window")]
Stride = Annotated[Size | None, knob("How far the window moves; none: its own size")]
Padding = Annotated[Margins, knob("Padding around the picture")]
Gap = Annotated[Size, knob("Gap between the places that are compared")]
Ceil = Annotated[bool, knob("Let a last window reach over the edge")]
Count = Annotated[bool, knob("Count the padding's zeros into the mean")]


class _Pool(Layer, frozen=True):
    """A window that keeps one number of what it sees."""

    family: ClassVar[str] = "pooling"


def _pooled(
    layer: "MaxPool1d | MaxPool2d | AvgPool1d | AvgPool2d",
    shape: Shape,
    rank: int,
    dilation: Sizes = 1,
) -> Shape:
    for half, reach in zip(each(layer.padding, rank), each(layer.kernel_size, rank), strict=True):
        if half > reach // 2:
            raise InputError(f"padding {half} is more than half of the window, {reach}")
    size: Sizes = layer.kernel_size
    stride = size if layer.stride is None else layer.stride
    slides = slid(layer, shape, rank, size, stride, layer.padding, dilation, layer.ceil_mode)
    return (shape[0], *slides)


class MaxPool1d(_Pool, frozen=True):
    """Keep the largest value in each window of a row.

    Formula: y[c, t] = max over k of x[c, s·t + k]    (stride s)
    Use: after Conv1d, to see further with the layers that follow.
    Pitfall: it keeps that something was there and forgets where; pool less where places matter.
    Source: torch.nn.MaxPool1d
    """

    kernel_size: Row = 2
    stride: RowStride = None
    padding: RowPadding = 0
    dilation: Annotated[int, knob("Gap between the compared places", ge=1, le=4096)] = 1
    ceil_mode: Ceil = False

    def output(self, shape: Shape) -> Shape:
        return _pooled(self, shape, 1, self.dilation)


class MaxPool2d(_Pool, frozen=True):
    """Keep the largest value in each window.

    Formula: y[c, i, j] = max over k, l of x[c, s·i + k, s·j + l]    (stride s)
    Use: after Conv2d: a quarter of the work remains, and the layers that follow see further.
    Pitfall: after five of 2×2 nothing is left of 28×28; the message then names the height.
    Source: torch.nn.MaxPool2d
    """

    kernel_size: Window = 2
    stride: Stride = None
    padding: Padding = 0
    dilation: Gap = 1
    ceil_mode: Ceil = False

    def output(self, shape: Shape) -> Shape:
        return _pooled(self, shape, 2, self.dilation)


class AvgPool1d(_Pool, frozen=True):
    """Keep the mean of each window of a row.

    Formula: y[c, t] = mean over k of x[c, s·t + k]    (stride s)
    Use: to smooth a signal while it gets shorter.
    Pitfall: a short peak is averaged away; MaxPool1d keeps it.
    Source: torch.nn.AvgPool1d
    """

    kernel_size: Row = 2
    stride: RowStride = None
    padding: RowPadding = 0
    ceil_mode: Ceil = False
    count_include_pad: Count = True

    def output(self, shape: Shape) -> Shape:
        return _pooled(self, shape, 1)


class AvgPool2d(_Pool, frozen=True):
    """Keep the mean of each window.

    Formula: y[c, i, j] = mean over k, l of x[c, s·i + k, s·j + l]    (stride s)
    Use: to make pictures smaller and smoother; LeNet did it so.
    Pitfall: a thin line is averaged away; MaxPool2d keeps it.
    Source: LeCun et al. 1998; torch.nn.AvgPool2d
    """

    kernel_size: Window = 2
    stride: Stride = None
    padding: Padding = 0
    ceil_mode: Ceil = False
    count_include_pad: Count = True

    def output(self, shape: Shape) -> Shape:
        return _pooled(self, shape, 2)


class AdaptiveAvgPool1d(_Pool, frozen=True):
    """Average a row down to a given length, whatever comes in.

    Formula: y[c, t] = mean of the t-th of output_size equal parts of x[c]
    Use: before Flatten and the last Linear, so that these do not depend on the length.
    Pitfall: 1 forgets where anything was.
    Source: torch.nn.AdaptiveAvgPool1d
    """

    output_size: Annotated[int, knob("Length that comes out", ge=1, le=4096)] = 1

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 1)
        return (shape[0], self.output_size)


class AdaptiveAvgPool2d(_Pool, frozen=True):
    """Average the picture down to a given size, whatever comes in.

    Formula: y[c, i, j] = mean of part (i, j) of x[c], cut into output_size equal parts
    Use: before Flatten and the last Linear: with 1 each feature map becomes one number, and the
      Linear needs few weights (global average pooling).
    Pitfall: 1 forgets where anything was.
    Source: Lin et al. 2014, Network In Network; torch.nn.AdaptiveAvgPool2d
    """

    output_size: Annotated[Size, knob("Height and width that come out")] = 1

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 2)
        return (shape[0], *each(self.output_size, 2))


class AdaptiveMaxPool2d(_Pool, frozen=True):
    """Keep the largest value of each part of the picture, whatever size comes in.

    Formula: y[c, i, j] = max of part (i, j) of x[c], cut into output_size equal parts
    Use: like AdaptiveAvgPool2d, where it matters that something is there and not how much.
    Pitfall: only one place of each part gets a gradient, so that it learns slower than the mean.
    Source: torch.nn.AdaptiveMaxPool2d
    """

    output_size: Annotated[Size, knob("Height and width that come out")] = 1

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 2)
        return (shape[0], *each(self.output_size, 2))
