"""The catalogue of layers: arguments, shape rule, parameter count and one line of help.

Each class carries its `torch.nn` name and arguments; its shape rule needs no torch, so that
the architecture pane is alive before torch is loaded. A test holds every rule against torch.
"""

from math import prod
from typing import Annotated, ClassVar, Literal

from tuilab.lab.activations import Activation
from tuilab.lab.errors import InputError
from tuilab.lab.knobs import knob
from tuilab.lab.layer import Layer, Margins, Shape, Size, channels_height_width, pair, show


class Linear(Layer, tag=True, frozen=True):
    """Every output is a weighted sum of all inputs plus a bias."""

    out_features: Annotated[int, knob("Outputs", ge=1, le=10_000_000)]
    bias: Annotated[bool, knob("Add a learned constant to each output")] = True

    family: ClassVar[str] = "linear"

    def output(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.out_features)

    def parameters(self, shape: Shape) -> int:
        return self.out_features * (shape[-1] + self.bias)


class _Window(Layer, frozen=True):
    """A window that slides over height and width."""

    def slide(
        self, shape: Shape, size: Size, stride: Size, padding: Margins, dilation: Size
    ) -> Shape:
        """Height and width after the window has gone over them."""
        channels_height_width(self, shape)
        out = []
        for axis, name in ((0, "height"), (1, "width")):
            length, reach = shape[axis + 1], pair(dilation)[axis] * (pair(size)[axis] - 1) + 1
            room = length + 2 * pair(padding)[axis]
            if reach > room:
                raise InputError(
                    f"a window of {reach} does not fit into {name} {length} with padding "
                    f"{pair(padding)[axis]}; make kernel_size smaller or pool less before"
                )
            out.append((room - reach) // pair(stride)[axis] + 1)
        return (out[0], out[1])


KernelSize = Annotated[Size, knob("Height and width of the window")]
Stride = Annotated[Size, knob("How far the window moves")]
Padding = Annotated[Margins, knob("Zeros around the picture")]


class Conv2d(_Window, tag=True, frozen=True):
    """A small window of weights slides over the picture, the same everywhere."""

    out_channels: Annotated[int, knob("Feature maps", ge=1, le=1_000_000)]
    kernel_size: KernelSize = 3
    stride: Stride = 1
    padding: Annotated[Margins | Literal["same", "valid"], knob("Zeros around the picture")] = 0
    dilation: Annotated[Size, knob("Gap between the window's taps")] = 1
    groups: Annotated[int, knob("Split the channels into separate groups", ge=1)] = 1
    bias: Annotated[bool, knob("Add a learned constant to each map")] = True

    family: ClassVar[str] = "convolution"

    def output(self, shape: Shape) -> Shape:
        channels, height, width = channels_height_width(self, shape)
        for name, count in (("input channels", channels), ("out_channels", self.out_channels)):
            if count % self.groups:
                raise InputError(f"groups={self.groups} does not divide {count} {name}")
        if self.padding == "same":
            if pair(self.stride) != (1, 1):
                raise InputError('padding="same" needs stride=1')
            return (self.out_channels, height, width)
        padding = 0 if isinstance(self.padding, str) else self.padding
        return (
            self.out_channels,
            *self.slide(shape, self.kernel_size, self.stride, padding, self.dilation),
        )

    def parameters(self, shape: Shape) -> int:
        taps = prod(pair(self.kernel_size)) * shape[0] // self.groups
        return self.out_channels * (taps + self.bias)


class _Pool(_Window, frozen=True):
    """A window that keeps one number of what it sees."""

    kernel_size: KernelSize = 2
    stride: Annotated[Size | None, knob("How far the window moves; none: its own size")] = None
    padding: Padding = 0

    family: ClassVar[str] = "pooling"

    def output(self, shape: Shape) -> Shape:
        for half, reach in zip(pair(self.padding), pair(self.kernel_size), strict=True):
            if half > reach // 2:
                raise InputError(f"padding {half} is more than half of the window, {reach}")
        stride = self.kernel_size if self.stride is None else self.stride
        return (shape[0], *self.slide(shape, self.kernel_size, stride, self.padding, 1))


class MaxPool2d(_Pool, tag=True, frozen=True):
    """Keep the largest value in each window."""


class AvgPool2d(_Pool, tag=True, frozen=True):
    """Keep the mean of each window."""


class AdaptiveAvgPool2d(Layer, tag=True, frozen=True):
    """Average the picture down to a given size, whatever comes in."""

    output_size: Annotated[Size, knob("Height and width that come out")] = 1

    family: ClassVar[str] = "pooling"

    def output(self, shape: Shape) -> Shape:
        return (channels_height_width(self, shape)[0], *pair(self.output_size))


class Flatten(Layer, tag=True, frozen=True):
    """Lay all numbers of an example in one row."""

    family: ClassVar[str] = "shape"

    def output(self, shape: Shape) -> Shape:
        return (prod(shape),)


class Dropout(Layer, tag=True, frozen=True):
    """In training, set random values to zero and scale up the rest."""

    p: Annotated[float, knob("Chance of each value to be dropped", ge=0, lt=1, live=True)] = 0.5

    family: ClassVar[str] = "regularization"


class _BatchNorm(Layer, frozen=True):
    """Normalize each feature over the batch."""

    eps: Annotated[float, knob("Keeps the division finite", gt=0, le=1)] = 1e-5
    momentum: Annotated[
        float, knob("Weight of the newest batch in the running mean", ge=0, le=1)
    ] = 0.1
    affine: Annotated[bool, knob("Learn a scale and a shift")] = True

    family: ClassVar[str] = "normalization"

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


class BatchNorm1d(_BatchNorm, tag=True, frozen=True):
    """Shift and scale each feature by the mean and spread of the batch."""

    def output(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 2):
            raise InputError(
                f"BatchNorm1d takes [features] or [channels, length], but {show(shape)} comes in; "
                "for pictures there is BatchNorm2d"
            )
        return shape


class BatchNorm2d(_BatchNorm, tag=True, frozen=True):
    """Shift and scale each channel by the mean and spread over batch, height and width."""

    def output(self, shape: Shape) -> Shape:
        channels_height_width(self, shape)
        return shape


class LayerNorm(Layer, tag=True, frozen=True):
    """Shift and scale each example by its own mean and spread."""

    eps: Annotated[float, knob("Keeps the division finite", gt=0, le=1)] = 1e-5
    elementwise_affine: Annotated[bool, knob("Learn a scale and a shift")] = True

    family: ClassVar[str] = "normalization"

    def parameters(self, shape: Shape) -> int:
        return 2 * prod(shape) * self.elementwise_affine


class Residual(Layer, tag=True, frozen=True):
    """A block: its input is added to its output."""

    family: ClassVar[str] = "block"


class Repeat(Layer, tag=True, frozen=True):
    """A block: its layers several times in a row, each time with weights of their own."""

    times: Annotated[int, knob("How often", ge=1, le=1000)]

    family: ClassVar[str] = "block"


def _leaves(kind: type[Layer]) -> list[type[Layer]]:
    named = [] if kind.__name__.startswith("_") or kind in (Layer, Activation) else [kind]
    return named + [leaf for child in kind.__subclasses__() for leaf in _leaves(child)]


FAMILIES = (
    "linear", "convolution", "pooling", "shape", "regularization", "normalization", "activation",
    "block",
)  # fmt: skip
"""The families of layers, in the order in which they are offered."""

LAYERS: dict[str, type[Layer]] = {
    kind.__name__: kind
    for kind in sorted(_leaves(Layer), key=lambda kind: FAMILIES.index(kind.family))
}
"""Every layer by its name on a line."""

BLOCKS: frozenset[str] = frozenset(n for n, kind in LAYERS.items() if kind.family == "block")
"""The layers that hold others: a list in a file."""
