"""Padding layers: they put a border around a sequence, an image or a volume."""

from typing import Annotated, ClassVar

from msgspec import Meta

from tuilab.core.catalogue.layers.window import check_padding
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Margin, Shape

Value = Annotated[float, knob("The value of the border", ge=-1e6, le=1e6)]


class _Pad(Layer, frozen=True):
    """The base class of padding layers."""

    family: ClassVar[str] = "padding"
    example: ClassVar[str] = "1"
    rank: ClassVar[int] = 1
    mode: ClassVar[str] = "zeros"

    @property
    def margins(self) -> list[tuple[int, int]]:
        """What is added before and after along each axis; torch counts from the last axis."""
        padding: int | tuple[int, ...] = getattr(self, "padding")  # noqa: B009
        sides = (padding,) * (2 * self.rank) if isinstance(padding, int) else padding
        return list(zip(sides[::2], sides[1::2], strict=True))[::-1]

    def output_shape(self, shape: Shape) -> Shape:
        return (shape[0], *check_padding(self, shape, self.rank, self.margins, self.mode))


class _Pad1d(_Pad, frozen=True):
    """The base class of padding of sequences."""

    padding: Annotated[
        Margin | Annotated[tuple[Margin, ...], Meta(min_length=2, max_length=2)],
        knob("Positions at both ends, or (left, right)"),
    ]


class _Pad2d(_Pad, frozen=True):
    """The base class of padding of images."""

    padding: Annotated[
        Margin | Annotated[tuple[Margin, ...], Meta(min_length=4, max_length=4)],
        knob("Pixels on all sides, or (left, right, top, bottom)"),
    ]

    rank: ClassVar[int] = 2


class _Pad3d(_Pad, frozen=True):
    """The base class of padding of volumes."""

    padding: Annotated[
        Margin | Annotated[tuple[Margin, ...], Meta(min_length=6, max_length=6)],
        knob("Positions on all sides, or (left, right, top, bottom, front, back)"),
    ]

    rank: ClassVar[int] = 3


class ConstantPad1d(_Pad1d, frozen=True):
    """Surrounds a sequence with a constant value.

    Formula: y = value around x, x inside
    Use: a border that the data never has, such as -1 for pixels from 0 to 1.
    Pitfall: the layers after it see an edge where there is none; ReflectionPad1d has none.
    Source: torch.nn.ConstantPad1d
    """

    value: Value

    example: ClassVar[str] = "1 0.5"


class ConstantPad2d(_Pad2d, frozen=True):
    """Surrounds an image with a constant value.

    Formula: y = value around x, x inside
    Use: a border that the data never has, such as -1 for pixels from 0 to 1.
    Pitfall: the layers after it see an edge where there is none; ReflectionPad2d has none.
    Source: torch.nn.ConstantPad2d
    """

    value: Value

    example: ClassVar[str] = "1 0.5"


class ConstantPad3d(_Pad3d, frozen=True):
    """Surrounds a volume with a constant value.

    Formula: y = value around x, x inside
    Use: a border that the data never has, such as -1 for pixels from 0 to 1.
    Pitfall: the layers after it see an edge where there is none; ReflectionPad3d has none.
    Source: torch.nn.ConstantPad3d
    """

    value: Value

    example: ClassVar[str] = "1 0.5"


class ZeroPad1d(_Pad1d, frozen=True):
    """Surrounds a sequence with zeros.

    Formula: y = 0 around x, x inside
    Use: one-sided or uneven padding, which a Conv1d cannot do: (2,0) looks back only.
    Pitfall: equal padding on all sides is shorter as padding=1 of the Conv1d.
    Source: torch.nn.ZeroPad1d
    """


class ZeroPad2d(_Pad2d, frozen=True):
    """Surrounds an image with zeros.

    Formula: y = 0 around x, x inside
    Use: one-sided or uneven padding, which a Conv2d cannot do: (2,0,0,0) adds on the left only.
    Pitfall: equal padding on all sides is shorter as padding=1 of the Conv2d.
    Source: torch.nn.ZeroPad2d
    """


class ZeroPad3d(_Pad3d, frozen=True):
    """Surrounds a volume with zeros.

    Formula: y = 0 around x, x inside
    Use: one-sided or uneven padding, which a Conv3d cannot do; depth comes last, (0,0,0,0,2,0).
    Pitfall: equal padding on all sides is shorter as padding=1 of the Conv3d.
    Source: torch.nn.ZeroPad3d
    """


class ReflectionPad1d(_Pad1d, frozen=True):
    """Surrounds a sequence with its mirror image, without the edge itself.

    Formula: [a b c] becomes [b a b c b]
    Use: before a Conv1d of a decoder: no dark border, since the padding looks like the data.
    Pitfall: it can add at most one less than the input has: 3 at most to a length of 4.
    Source: torch.nn.ReflectionPad1d
    """

    mode: ClassVar[str] = "reflect"


class ReflectionPad2d(_Pad2d, frozen=True):
    """Surrounds an image with its mirror image, without the edge itself.

    Formula: [a b c] becomes [b a b c b], along each axis
    Use: before a Conv2d of a decoder: no dark border, since the padding looks like the data.
    Pitfall: it can add at most one less than the input has: 3 at most to a length of 4.
    Source: torch.nn.ReflectionPad2d
    """

    mode: ClassVar[str] = "reflect"


class ReflectionPad3d(_Pad3d, frozen=True):
    """Surrounds a volume with its mirror image, without the edge itself.

    Formula: [a b c] becomes [b a b c b], along each axis
    Use: before a Conv3d of a decoder: no dark border, since the padding looks like the data.
    Pitfall: it can add at most one less than the input has: 3 at most to a length of 4.
    Source: torch.nn.ReflectionPad3d
    """

    mode: ClassVar[str] = "reflect"


class ReplicationPad1d(_Pad1d, frozen=True):
    """Surrounds a sequence with copies of its edge.

    Formula: [a b c] becomes [a a b c c]
    Use: smooth data, where the border goes on as it ends.
    Pitfall: a long border of equal values: wide padding makes stripes.
    Source: torch.nn.ReplicationPad1d
    """

    mode: ClassVar[str] = "replicate"


class ReplicationPad2d(_Pad2d, frozen=True):
    """Surrounds an image with copies of its edge.

    Formula: [a b c] becomes [a a b c c], along each axis
    Use: smooth data, where the border goes on as it ends.
    Pitfall: a long border of equal values: wide padding makes stripes.
    Source: torch.nn.ReplicationPad2d
    """

    mode: ClassVar[str] = "replicate"


class ReplicationPad3d(_Pad3d, frozen=True):
    """Surrounds a volume with copies of its edge.

    Formula: [a b c] becomes [a a b c c], along each axis
    Use: smooth data, where the border goes on as it ends.
    Pitfall: a long border of equal values: wide padding makes stripes.
    Source: torch.nn.ReplicationPad3d
    """

    mode: ClassVar[str] = "replicate"


class CircularPad1d(_Pad1d, frozen=True):
    """Surrounds a sequence with what lies on the opposite side.

    Formula: [a b c] becomes [c a b c a]
    Use: data that wraps around: angles, the hours of a day, a map of the globe.
    Pitfall: where the data does not wrap around, both ends leak into each other.
    Source: torch.nn.CircularPad1d
    """

    mode: ClassVar[str] = "circular"


class CircularPad2d(_Pad2d, frozen=True):
    """Surrounds an image with what lies on the opposite side.

    Formula: [a b c] becomes [c a b c a], along each axis
    Use: data that wraps around: angles, the hours of a day, a map of the globe.
    Pitfall: where the data does not wrap around, both ends leak into each other.
    Source: torch.nn.CircularPad2d
    """

    mode: ClassVar[str] = "circular"


class CircularPad3d(_Pad3d, frozen=True):
    """Surrounds a volume with what lies on the opposite side.

    Formula: [a b c] becomes [c a b c a], along each axis
    Use: data that wraps around: angles, the hours of a day, a map of the globe.
    Pitfall: where the data does not wrap around, both ends leak into each other.
    Source: torch.nn.CircularPad3d
    """

    mode: ClassVar[str] = "circular"
