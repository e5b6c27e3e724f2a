"""Normalization layers: they bring values to a common mean and variance."""

from math import prod
from typing import Annotated, ClassVar

from msgspec import Meta

from tuilab.core.catalogue.layers.window import SUFFIXES, spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape

Eps = Annotated[float, knob("Added to the variance, for numerical stability", gt=0, le=1)]
Momentum = Annotated[
    float, knob("Weight of the newest batch in the running statistics", ge=0, le=1)
]
Affine = Annotated[bool, knob("Learn a scale and a shift")]
TrackStatistics = Annotated[
    bool, knob("Keep running statistics for evaluation; false: each batch has its own there, too")
]
Bias = Annotated[bool, knob("Learn the shift as well")]
NormalizedShape = Annotated[
    Annotated[int, Meta(ge=1)] | tuple[Annotated[int, Meta(ge=1)], ...] | None,
    knob("The last dimensions to normalize over; none: the features, or the whole image"),
]


def normalized_sizes(layer: "LayerNorm | RMSNorm", shape: Shape) -> Shape:
    """Returns the last dimensions of the input that are normalized together.

    By default the features, or a whole image. In a sequence [length, features] every position is
    normalized separately, so that no information passes between positions.
    """
    sizes = layer.normalized_shape
    if sizes is None:
        return shape if len(shape) >= 3 else shape[-1:]
    sizes = (sizes,) if isinstance(sizes, int) else sizes
    if not sizes or sizes != shape[-len(sizes) :]:
        fits = [",".join(map(str, shape[-count:])) for count in range(1, len(shape) + 1)]
        raise InputError(
            f"normalized_shape={format_shape(sizes)} does not match the last dimensions of "
            f"{format_shape(shape)}; use {' or '.join(f'({fit})' for fit in fits)}, or leave it out"
        )
    return sizes


class _Norm(Layer, frozen=True):
    """The base class of normalization layers."""

    family: ClassVar[str] = "normalization"


class _BatchNorm(_Norm, frozen=True):
    """The base class of batch normalization."""

    eps: Eps = 1e-5
    momentum: Momentum = 0.1
    affine: Affine = True
    track_running_stats: TrackStatistics = True
    bias: Bias = True

    rank: ClassVar[int] = 1

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, self.rank)
        return self.check_evaluation(shape)

    def check_evaluation(self, shape: Shape) -> Shape:
        """Returns the shape; InputError where one example alone would have no variance."""
        if not self.track_running_stats and prod(shape[1:]) == 1:
            raise InputError(
                "track_running_stats=false takes the statistics of each batch in evaluation, too, "
                f"and one example of {format_shape(shape)} has none; remove it, or use LayerNorm"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * shape[0] * self.affine


class BatchNorm1d(_BatchNorm, frozen=True):
    """Standardizes each feature by the mean and variance of the batch.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each feature over the batch; in evaluation their running averages
    Use: between Linear and activation; deep networks train faster and with larger learning rates.
    Pitfall: small batches make it noisy and a batch of one is impossible; training and
      evaluation differ, which shows as a validation loss that jumps.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm1d
    """

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 2):
            suffix, inputs = SUFFIXES.get(len(shape), SUFFIXES[4])
            raise InputError(
                "BatchNorm1d expects [features] or [channels, length], but got "
                f"{format_shape(shape)}; for {inputs} there is BatchNorm{suffix}"
            )
        return self.check_evaluation(shape)


class BatchNorm2d(_BatchNorm, frozen=True):
    """Standardizes each channel by its mean and variance over batch, height and width.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each channel over batch, height and width; in evaluation their running averages
    Use: between Conv2d and activation; give the Conv2d bias=false, since β replaces it.
    Pitfall: with batches smaller than about 8 its statistics are too noisy; GroupNorm needs no
      batch.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm2d
    """

    rank: ClassVar[int] = 2


class BatchNorm3d(_BatchNorm, frozen=True):
    """Standardizes each channel of volumes by its mean and variance over batch and positions.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each channel over batch, depth, height and width; in evaluation their averages
    Use: between Conv3d and activation; give the Conv3d bias=false, since β replaces it.
    Pitfall: volumes are large and batches of them small; GroupNorm needs no batch.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm3d
    """

    rank: ClassVar[int] = 3


class _InstanceNorm(_Norm, frozen=True):
    """The base class of instance normalization."""

    eps: Eps = 1e-5
    affine: Affine = False
    momentum: Momentum = 0.1
    track_running_stats: TrackStatistics = False
    bias: Bias = True

    rank: ClassVar[int] = 1

    def output_shape(self, shape: Shape) -> Shape:
        if prod(spatial_sizes(self, shape, self.rank)) == 1:
            raise InputError(
                f"{type(self).__name__} needs more than one position per channel, but got "
                f"{format_shape(shape)}; pool less before it, or use GroupNorm 1"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * shape[0] * self.affine


class InstanceNorm1d(_InstanceNorm, frozen=True):
    """Standardizes each channel of each sequence by its own mean and variance.

    Formula: y = (x − μ) / √(σ² + ε)
      μ, σ²: of each channel of each sequence, over its length
    Use: signals whose level and strength should not matter, as from sensors that differ.
    Pitfall: it takes [channels, length]; what a channel's level says about the class is lost.
    Source: Ulyanov et al. 2016; torch.nn.InstanceNorm1d
    """


class InstanceNorm2d(_InstanceNorm, frozen=True):
    """Standardizes each channel of each image by its own mean and variance.

    Formula: y = (x − μ) / √(σ² + ε)
      μ, σ²: of each channel of each image, over height and width
    Use: images whose contrast should not matter, as in style transfer.
    Pitfall: the strength of a channel is lost, which classification often needs.
    Source: Ulyanov et al. 2016; torch.nn.InstanceNorm2d
    """

    rank: ClassVar[int] = 2


class InstanceNorm3d(_InstanceNorm, frozen=True):
    """Standardizes each channel of each volume by its own mean and variance.

    Formula: y = (x − μ) / √(σ² + ε)
      μ, σ²: of each channel of each volume, over depth, height and width
    Use: medical volumes, whose brightness differs between scanners.
    Pitfall: the strength of a channel is lost, which classification often needs.
    Source: Ulyanov et al. 2016; torch.nn.InstanceNorm3d
    """

    rank: ClassVar[int] = 3


class GroupNorm(_Norm, frozen=True):
    """Standardizes groups of channels of each example by their own mean and variance.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each group of channels of each example
    Use: instead of BatchNorm2d where batches are small; it is the same in evaluation.
    Pitfall: num_groups must divide the channels; with as many groups as numbers each is
      standardized to 0.
    Source: Wu and He 2018; torch.nn.GroupNorm
    """

    num_groups: Annotated[int, knob("Number of groups of channels", ge=1, le=1_000_000)]
    eps: Eps = 1e-5
    affine: Affine = True
    bias: Bias = True

    example: ClassVar[str] = "4"

    def output_shape(self, shape: Shape) -> Shape:
        if shape[0] % self.num_groups:
            raise InputError(
                f"num_groups={self.num_groups} does not divide the {shape[0]} input channels"
            )
        if prod(shape) == self.num_groups:
            raise InputError(
                f"{self.num_groups} groups of {format_shape(shape)} contain one number each, which "
                "would become 0; use fewer groups"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * shape[0] * self.affine


class LayerNorm(_Norm, frozen=True):
    """Standardizes each example or position by its own mean and variance.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of an example, or of each position of a sequence, over the features
    Use: transformers and recurrent networks; it is the same for every batch and in evaluation.
    Pitfall: a single feature always becomes 0; of two only which one is larger is left.
    Source: Ba et al. 2016; torch.nn.LayerNorm
    """

    eps: Eps = 1e-5
    elementwise_affine: Affine = True
    bias: Bias = True
    normalized_shape: NormalizedShape = None

    def output_shape(self, shape: Shape) -> Shape:
        normalized_sizes(self, shape)
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * prod(normalized_sizes(self, shape)) * self.elementwise_affine


class RMSNorm(_Norm, frozen=True):
    """Scales each example or position by its root mean square, without subtracting a mean.

    Formula: y = γ x / √(mean(x²) + ε)
      mean: of an example, or of each position of a sequence, over the features
    Use: like LayerNorm, with less computation; most recent language models use it.
    Pitfall: a mean far from zero remains and dominates the scale; LayerNorm subtracts it.
    Source: Zhang and Sennrich 2019; torch.nn.RMSNorm
    """

    eps: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        knob("Added to the mean square, for numerical stability; none: the machine epsilon"),
    ] = None
    elementwise_affine: Annotated[bool, knob("Learn a scale")] = True
    normalized_shape: NormalizedShape = None

    def output_shape(self, shape: Shape) -> Shape:
        normalized_sizes(self, shape)
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return prod(normalized_sizes(self, shape)) * self.elementwise_affine


class LocalResponseNorm(_Norm, frozen=True):
    """Divides each value by the size of the values of neighboring channels at its position.

    Formula: y[c] = x[c] / (k + α/size · Σ x[j]²)^β, over the size channels around c
    Use: to rebuild AlexNet; newer networks use BatchNorm2d.
    Pitfall: with its defaults it changes little: inputs must be far above 1 to be damped.
    Source: Krizhevsky et al. 2012; torch.nn.LocalResponseNorm
    """

    size: Annotated[int, knob("Channels that are summed over", ge=1, le=4096)]
    alpha: Annotated[float, knob("Strength of the damping, α", ge=0, le=1000)] = 1e-4
    beta: Annotated[float, knob("Exponent, β", ge=0, le=10)] = 0.75
    k: Annotated[float, knob("Added to the sum, k", gt=0, le=1000)] = 1.0

    example: ClassVar[str] = "5"

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise InputError(
                "LocalResponseNorm expects channels and positions, such as [channels, height, "
                f"width], but got {format_shape(shape)}"
            )
        return shape
