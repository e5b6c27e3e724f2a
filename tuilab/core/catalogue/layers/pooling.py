"""Pooling layers, which make images and sequences smaller."""

from typing import Annotated, ClassVar

from tuilab.core.catalogue.layers.window import (
    AXIS_NAMES,
    Sizes,
    per_axis,
    spatial_sizes,
    window_positions,
)
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Length, Margins, Margins3d, Shape, Size, Size3d

Dilation = Annotated[Size, knob("Distance between the compared positions")]
CeilMode = Annotated[bool, knob("Keep a last window that extends beyond the edge")]
CountPadding = Annotated[bool, knob("Include the zeros of the padding in the mean")]


class _Pool(Layer, frozen=True):
    """The base class of pooling: each window is reduced to one number."""

    family: ClassVar[str] = "pooling"


class _Pool1d(_Pool, frozen=True):
    """The base class of pooling with a window that slides over a sequence."""

    kernel_size: Annotated[int, knob("Length of the window", ge=1, le=4096)] = 2
    stride: Annotated[Length | None, knob("Step of the window; none: its length")] = None
    padding: Annotated[int, knob("Padding at both ends", ge=0, le=4096)] = 0

    def output_shape(self, shape: Shape) -> Shape:
        return _pooled_shape(self, shape, 1)


class _Pool2d(_Pool, frozen=True):
    """The base class of pooling with a window that slides over an image."""

    kernel_size: Annotated[Size, knob("Height and width of the window")] = 2
    stride: Annotated[Size | None, knob("Step of the window; none: its size")] = None
    padding: Annotated[Margins, knob("Padding around the image")] = 0

    def output_shape(self, shape: Shape) -> Shape:
        return _pooled_shape(self, shape, 2)


class _Pool3d(_Pool, frozen=True):
    """The base class of pooling with a window that slides through a volume."""

    kernel_size: Annotated[Size3d, knob("Depth, height and width of the window")] = 2
    stride: Annotated[Size3d | None, knob("Step of the window; none: its size")] = None
    padding: Annotated[Margins3d, knob("Padding around the volume")] = 0

    def output_shape(self, shape: Shape) -> Shape:
        return _pooled_shape(self, shape, 3)


def _pooled_shape(layer: _Pool1d | _Pool2d | _Pool3d, shape: Shape, rank: int) -> Shape:
    margins, kernel = per_axis(layer.padding, rank), per_axis(layer.kernel_size, rank)
    for margin, length in zip(margins, kernel, strict=True):
        if margin > length // 2:
            raise InputError(f"padding {margin} is more than half of the window, {length}")
    size: Sizes = layer.kernel_size
    stride = size if layer.stride is None else layer.stride
    dilation, ceil_mode = getattr(layer, "dilation", 1), getattr(layer, "ceil_mode", False)
    positions = window_positions(
        layer, shape, rank, size, stride, layer.padding, dilation, ceil_mode
    )
    return (shape[0], *positions)


class MaxPool1d(_Pool1d, frozen=True):
    """Keeps the largest value in each window of a sequence.

    Formula: y[c, t] = max over k of x[c, s·t + k]    (stride s)
    Use: after Conv1d, to enlarge the receptive field of the next layers.
    Pitfall: it keeps that something was present and forgets where; pool less where positions
      matter.
    Source: torch.nn.MaxPool1d
    """

    dilation: Annotated[int, knob("Distance between the compared positions", ge=1, le=4096)] = 1
    ceil_mode: CeilMode = False


class MaxPool2d(_Pool2d, frozen=True):
    """Keeps the largest value in each window.

    Formula: y[c, i, j] = max over k, l of x[c, s·i + k, s·j + l]    (stride s)
    Use: after Conv2d: it leaves a quarter of the work and enlarges the receptive field of the
      next layers.
    Pitfall: after five of 2×2 nothing is left of 28×28; the message then names the height.
    Source: torch.nn.MaxPool2d
    """

    dilation: Dilation = 1
    ceil_mode: CeilMode = False


class MaxPool3d(_Pool3d, frozen=True):
    """Keeps the largest value in each window of a volume.

    Formula: y[c, h, i, j] = max over the window of x[c, s·h + m, s·i + k, s·j + l]    (stride s)
    Use: after Conv3d: an eighth of the positions is left, and of the work.
    Pitfall: depth is often small, as the frames of a video; (1,2,2) leaves it as it is.
    Source: Tran et al. 2015; torch.nn.MaxPool3d
    """

    dilation: Annotated[Size3d, knob("Distance between the compared positions")] = 1
    ceil_mode: CeilMode = False


class AvgPool1d(_Pool1d, frozen=True):
    """Keeps the mean of each window of a sequence.

    Formula: y[c, t] = mean over k of x[c, s·t + k]    (stride s)
    Use: to smooth and shorten a signal.
    Pitfall: a short peak is averaged away; MaxPool1d keeps it.
    Source: torch.nn.AvgPool1d
    """

    ceil_mode: CeilMode = False
    count_include_pad: CountPadding = True


class AvgPool2d(_Pool2d, frozen=True):
    """Keeps the mean of each window.

    Formula: y[c, i, j] = mean over k, l of x[c, s·i + k, s·j + l]    (stride s)
    Use: to make images smaller and smoother, as LeNet did.
    Pitfall: a thin line is averaged away; MaxPool2d keeps it.
    Source: LeCun et al. 1998; torch.nn.AvgPool2d
    """

    ceil_mode: CeilMode = False
    count_include_pad: CountPadding = True


class AvgPool3d(_Pool3d, frozen=True):
    """Keeps the mean of each window of a volume.

    Formula: y[c, h, i, j] = mean over the window of x[c, s·h + m, s·i + k, s·j + l]    (stride s)
    Use: to make volumes smaller and smoother.
    Pitfall: a small bright spot is averaged away; MaxPool3d keeps it.
    Source: torch.nn.AvgPool3d
    """

    ceil_mode: CeilMode = False
    count_include_pad: CountPadding = True

    def output_shape(self, shape: Shape) -> Shape:
        sizes, kernel = spatial_sizes(self, shape, 3), per_axis(self.kernel_size, 3)
        for name, length, window in zip(AXIS_NAMES[3], sizes, kernel, strict=True):
            if window > length:  # torch refuses it, even with padding
                raise InputError(f"a window of {window} does not fit into {name} {length}")
        return super().output_shape(shape)


class _AdaptivePool1d(_Pool, frozen=True):
    """The base class of pooling to a sequence of a given length."""

    output_size: Annotated[int, knob("Output length", ge=1, le=4096)] = 1

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 1)
        return (shape[0], self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool1d, frozen=True):
    """Averages a sequence of any length to a given length.

    Formula: y[c, t] = mean of the t-th of output_size equal parts of x[c]
    Use: before Flatten and the last Linear, so that these do not depend on the length.
    Pitfall: 1 discards all positions.
    Source: torch.nn.AdaptiveAvgPool1d
    """


class AdaptiveMaxPool1d(_AdaptivePool1d, frozen=True):
    """Keeps the largest value of each part of a sequence of any length.

    Formula: y[c, t] = max of the t-th of output_size equal parts of x[c]
    Use: after Conv1d over a text or a signal, where it matters that something occurs, not how
      often: with 1 each feature map becomes one number (max over time).
    Pitfall: only one position of each part gets a gradient, so it learns more slowly than the
      mean.
    Source: Collobert et al. 2011, Kim 2014; torch.nn.AdaptiveMaxPool1d
    """


class _AdaptivePool2d(_Pool, frozen=True):
    """The base class of pooling to an image of a given size."""

    output_size: Annotated[Size, knob("Output height and width")] = 1

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 2)
        return (shape[0], *per_axis(self.output_size, 2))


class AdaptiveAvgPool2d(_AdaptivePool2d, frozen=True):
    """Averages an image of any size to a given size.

    Formula: y[c, i, j] = mean of part (i, j) of x[c], cut into output_size equal parts
    Use: before Flatten and the last Linear: with 1 each feature map becomes one number, and the
      Linear needs few weights (global average pooling).
    Pitfall: 1 discards all positions.
    Source: Lin et al. 2014, Network In Network; torch.nn.AdaptiveAvgPool2d
    """


class AdaptiveMaxPool2d(_AdaptivePool2d, frozen=True):
    """Keeps the largest value of each part of an image of any size.

    Formula: y[c, i, j] = max of part (i, j) of x[c], cut into output_size equal parts
    Use: like AdaptiveAvgPool2d, where it matters that something is present and not how much.
    Pitfall: only one position of each part gets a gradient, so it learns more slowly than the
      mean.
    Source: torch.nn.AdaptiveMaxPool2d
    """


class _AdaptivePool3d(_Pool, frozen=True):
    """The base class of pooling to a volume of a given size."""

    output_size: Annotated[Size3d, knob("Output depth, height and width")] = 1

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 3)
        return (shape[0], *per_axis(self.output_size, 3))


class AdaptiveAvgPool3d(_AdaptivePool3d, frozen=True):
    """Averages a volume of any size to a given size.

    Formula: y[c, h, i, j] = mean of part (h, i, j) of x[c], cut into output_size equal parts
    Use: before Flatten and the last Linear: with 1 each feature map becomes one number.
    Pitfall: 1 discards all positions.
    Source: torch.nn.AdaptiveAvgPool3d
    """


class AdaptiveMaxPool3d(_AdaptivePool3d, frozen=True):
    """Keeps the largest value of each part of a volume of any size.

    Formula: y[c, h, i, j] = max of part (h, i, j) of x[c], cut into output_size equal parts
    Use: like AdaptiveAvgPool3d, where it matters that something is present and not how much.
    Pitfall: only one position of each part gets a gradient.
    Source: torch.nn.AdaptiveMaxPool3d
    """
