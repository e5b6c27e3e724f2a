"""Layers that lay numbers out anew, or show them larger."""

from math import prod
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.layers.window import LAYOUTS, each, places
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, Size, show


class Flatten(Layer, frozen=True):
    """Lay all numbers of an example in one row.

    Formula: [16, 7, 7] becomes [784]
    Use: between the last Conv2d or pool and the first Linear.
    Pitfall: where a number stood is lost to what follows; recurrent layers, attention and
      convolutions must come before it.
    Source: torch.nn.Flatten
    """

    start_dim: Annotated[int, knob("The first size that is joined, counted from 1", ge=1)] = 1
    end_dim: Annotated[int, knob("The last size that is joined; −1 is the last of all")] = -1

    family: ClassVar[str] = "shape"

    def output(self, shape: Shape) -> Shape:
        rank = len(shape)
        end = self.end_dim if self.end_dim >= 0 else rank + 1 + self.end_dim
        if not self.start_dim <= end <= rank:
            raise InputError(
                f"Flatten joins sizes {self.start_dim} to {self.end_dim}, but {show(shape)} has "
                f"those from 1 to {rank}"
            )
        joined = prod(shape[self.start_dim - 1 : end])
        return (*shape[: self.start_dim - 1], joined, *shape[end:])


class Unflatten(Layer, frozen=True):
    """Lay a row of numbers out as a picture, or any other shape of as many numbers.

    Formula: [784] becomes [16, 7, 7]
    Use: in decoders and generators, after the last Linear and before the first ConvTranspose2d.
    Pitfall: the sizes must multiply to what comes in; one of them may be −1 and is then found.
    Source: torch.nn.Unflatten (with dim=1)
    """

    unflattened_size: Annotated[
        tuple[Annotated[int, Meta(ge=-1, le=10_000_000)], ...],
        knob("The sizes that come out instead of the first"),
    ]

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "(8,7,7)"

    def output(self, shape: Shape) -> Shape:
        sizes, known = self.unflattened_size, prod(n for n in self.unflattened_size if n != -1)
        if not sizes or 0 in sizes or sizes.count(-1) > 1:
            raise InputError("Unflatten takes sizes such as (8,7,7), one of which may be -1")
        if known != shape[0] and (-1 not in sizes or shape[0] % known):
            raise InputError(
                f"{'×'.join(map(str, sizes))} does not hold the {shape[0]} numbers that come in; "
                f"put Linear {known} before it, or change the sizes"
            )
        return (*(shape[0] // known if size == -1 else size for size in sizes), *shape[1:])


class Upsample(Layer, frozen=True):
    """Show a picture or a row larger, by repeating values or by drawing lines between them.

    Formula: nearest: y[c, i, j] = x[c, ⌊i / s⌋, ⌊j / s⌋]; bilinear: the mean of the four around
    Use: before a Conv2d in decoders and generators, instead of ConvTranspose2d.
    Pitfall: it learns nothing and adds no detail by itself; a Conv2d must follow.
    Source: torch.nn.Upsample
    """

    size: Annotated[Size | None, knob("Height and width that come out")] = None
    scale_factor: Annotated[
        Annotated[float, Meta(gt=0, le=64)] | None, knob("How many times larger, if size is none")
    ] = None
    mode: Annotated[
        Literal["nearest", "linear", "bilinear", "bicubic"],
        knob("Repeat the nearest value, or draw through several"),
    ] = "nearest"

    family: ClassVar[str] = "shape"
    example: ClassVar[str] = "scale_factor=2"

    def output(self, shape: Shape) -> Shape:
        if (self.size is None) == (self.scale_factor is None):
            raise InputError("Upsample needs either size or scale_factor: Upsample scale_factor=2")
        rank = 1 if len(shape) == 2 else 2
        spread = places(self, shape, rank)
        modes = ("nearest", "linear") if rank == 1 else ("nearest", "bilinear", "bicubic")
        if self.mode not in modes:
            what = "rows" if rank == 1 else "pictures"
            raise InputError(f"mode={self.mode} is not for {what}; take {' or '.join(modes)}")
        if self.size is not None:
            if rank == 1 and not isinstance(self.size, int):
                raise InputError("a row has one size: give size as one number")
            return (shape[0], *each(self.size, rank))
        return (shape[0], *(self._scaled(axis, rank, n) for axis, n in enumerate(spread)))

    def _scaled(self, axis: int, rank: int, length: int) -> int:
        scaled = int(length * (self.scale_factor or 1))
        if scaled < 1:
            raise InputError(
                f"scale_factor={self.scale_factor} leaves nothing of {LAYOUTS[rank][axis]} {length}"
            )
        return scaled
