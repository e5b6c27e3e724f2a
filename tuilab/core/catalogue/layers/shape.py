"""Layers that change the shape of an example."""

from math import prod
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.window import AXIS_NAMES, per_axis, spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Length, Shape, axis_of, format_shape


class Flatten(Layer, frozen=True):
    """Flattens an example into one dimension.

    Formula: [16, 7, 7] becomes [784]
    Use: between the last Conv2d or pool and the first Linear.
    Pitfall: later layers no longer know the positions; recurrent layers, attention and
      convolutions must come before it.
    Source: torch.nn.Flatten
    """

    start_dim: Annotated[int, knob("The first dimension to flatten, counted from 1", ge=1)] = 1
    end_dim: Annotated[int, knob("The last dimension to flatten; −1 is the last one")] = -1

    family: ClassVar[str] = "shape"

    def output_shape(self, shape: Shape) -> Shape:
        rank = len(shape)
        end = self.end_dim if self.end_dim >= 0 else rank + 1 + self.end_dim
        if not self.start_dim <= end <= rank:
            raise InputError(
                f"Flatten joins dimensions {self.start_dim} to {self.end_dim}, but "
                f"{format_shape(shape)} has dimensions 1 to {rank}"
            )
        joined = prod(shape[self.start_dim - 1 : end])
        return (*shape[: self.start_dim - 1], joined, *shape[end:])


class Unflatten(Layer, frozen=True):
    """Reshapes a vector to an image, or to any other shape with as many numbers.

    Formula: [784] becomes [16, 7, 7]
    Use: in decoders and generators, after the last Linear and before the first ConvTranspose2d.
    Pitfall: the sizes must multiply to the input's; one of them may be −1 and is inferred.
    Source: torch.nn.Unflatten
    """

    unflattened_size: Annotated[
        tuple[Annotated[int, Meta(ge=-1, le=10_000_000)], ...],
        knob("The sizes that replace one dimension"),
    ]
    dim: Annotated[int, knob("The dimension that they replace, counted from 1", ge=-8, le=8)] = 1

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "(8,7,7)"

    def output_shape(self, shape: Shape) -> Shape:
        sizes, known = self.unflattened_size, prod(n for n in self.unflattened_size if n != -1)
        if not sizes or 0 in sizes or sizes.count(-1) > 1:
            raise InputError("Unflatten takes sizes such as (8,7,7), one of which may be -1")
        axis = axis_of(self.dim, shape)
        length = shape[axis]
        if known != length and (-1 not in sizes or length % known):
            raise InputError(
                f"{'×'.join(map(str, sizes))} does not match the {length} input numbers; "
                f"put Linear {known} before it, or change the sizes"
            )
        new_sizes = (length // known if size == -1 else size for size in sizes)
        return (*shape[:axis], *new_sizes, *shape[axis + 1 :])


UPSAMPLE_MODES = {
    1: ("sequences", ("nearest", "linear")),
    2: ("images", ("nearest", "bilinear", "bicubic")),
    3: ("volumes", ("nearest", "trilinear")),
}
"""What Upsample enlarges, and its modes for it, by the number of spatial axes."""


class Upsample(Layer, frozen=True):
    """Enlarges an image or a sequence by repeating values or interpolating between them.

    Formula: nearest: y[c, i, j] = x[c, ⌊i / s⌋, ⌊j / s⌋]; bilinear: a mean of the four neighbors
    Use: before a Conv2d in decoders and generators, instead of ConvTranspose2d.
    Pitfall: it has no weights and adds no detail by itself; put a Conv2d after it.
    Source: torch.nn.Upsample
    """

    size: Annotated[
        Length | Annotated[tuple[Length, ...], Meta(min_length=2, max_length=3)] | None,
        knob("Output height and width"),
    ] = None
    scale_factor: Annotated[
        Annotated[float, Meta(gt=0, le=64)] | None, knob("Scale factor, if size is none")
    ] = None
    mode: Annotated[
        Literal["nearest", "linear", "bilinear", "bicubic", "trilinear"],
        knob("Repeat the nearest value, or interpolate"),
    ] = "nearest"
    align_corners: Annotated[
        bool | None,
        knob("When interpolating, the corners of input and output are the same points; none: no"),
    ] = None

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "scale_factor=2"

    def output_shape(self, shape: Shape) -> Shape:
        if (self.size is None) == (self.scale_factor is None):
            raise InputError("Upsample needs either size or scale_factor: Upsample scale_factor=2")
        rank = {2: 1, 4: 3}.get(len(shape), 2)
        sizes, (inputs, modes) = spatial_sizes(self, shape, rank), UPSAMPLE_MODES[rank]
        if self.mode not in modes:
            raise InputError(f"mode={self.mode} is not for {inputs}; use {' or '.join(modes)}")
        if self.align_corners and self.mode == "nearest":
            raise InputError(
                "align_corners is for interpolation, and mode=nearest repeats values; use "
                f"mode={modes[1]}, or remove it"
            )
        if self.size is None:
            return (shape[0], *(self._scale_size(axis, rank, n) for axis, n in enumerate(sizes)))
        if isinstance(self.size, tuple) and len(self.size) != rank:
            one = "a sequence has one size: give size as one number"
            axes = ", ".join(AXIS_NAMES[rank])
            raise InputError(one if rank == 1 else f"size is one number, or one for each of {axes}")
        return (shape[0], *per_axis(self.size, rank))

    def _scale_size(self, axis: int, rank: int, length: int) -> int:
        scaled = int(length * (self.scale_factor or 1))
        if scaled < 1:
            raise InputError(
                f"scale_factor={self.scale_factor} leaves nothing of "
                f"{AXIS_NAMES[rank][axis]} {length}"
            )
        return scaled


class PixelShuffle(Layer, frozen=True):
    """Makes an image larger by moving channels into its height and width.

    Formula: [c·r², h, w] becomes [c, h·r, w·r]:  y[c, r·i + k, r·j + l] = x[c·r² + r·k + l, i, j]
    Use: after a Conv2d with r² times as many outputs, to enlarge images without the checkerboard
      of ConvTranspose2d (sub-pixel convolution).
    Pitfall: the input channels must be a multiple of r².
    Source: Shi et al. 2016; torch.nn.PixelShuffle
    """

    upscale_factor: Annotated[int, knob("Factor of height and width, r", ge=1, le=64)]

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "2"

    def output_shape(self, shape: Shape) -> Shape:
        height, width = spatial_sizes(self, shape, 2)
        r = self.upscale_factor
        if shape[0] % r**2:
            raise InputError(
                f"PixelShuffle {r} needs a multiple of {r**2} channels, but got {shape[0]}: put "
                f"Conv2d {r**2 * max(1, shape[0] // r**2)} before it"
            )
        return (shape[0] // r**2, height * r, width * r)
