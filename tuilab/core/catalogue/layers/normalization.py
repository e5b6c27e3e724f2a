"""Normalization layers: they bring values to a common mean and variance."""

from math import prod
from typing import Annotated, ClassVar

from msgspec import Meta

from tuilab.core.catalogue.layers.window import spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, format_shape

Eps = Annotated[float, knob("Added to the variance, for numerical stability", gt=0, le=1)]
Momentum = Annotated[
    float, knob("Weight of the newest batch in the running statistics", ge=0, le=1)
]
Affine = Annotated[bool, knob("Learn a scale and a shift")]


def normalized_shape(shape: Shape) -> Shape:
    """Returns the dimensions of LayerNorm and RMSNorm: the features, or the whole image.

    In a sequence [length, features] every position is normalized separately, so that no
    information passes between positions.
    """
    return shape if len(shape) == 3 else shape[-1:]


class _Norm(Layer, frozen=True):
    """The base class of normalization layers."""

    family: ClassVar[str] = "normalization"


class _BatchNorm(_Norm, frozen=True):
    """The base class of batch normalization."""

    eps: Eps = 1e-5
    momentum: Momentum = 0.1
    affine: Affine = True

    def count_parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


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
            raise InputError(
                "BatchNorm1d expects [features] or [channels, length], but got "
                f"{format_shape(shape)}; for images there is BatchNorm2d"
            )
        return shape


class BatchNorm2d(_BatchNorm, frozen=True):
    """Standardizes each channel by its mean and variance over batch, height and width.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each channel over batch, height and width; in evaluation their running averages
    Use: between Conv2d and activation; give the Conv2d bias=false, since β replaces it.
    Pitfall: with batches smaller than about 8 its statistics are too noisy; GroupNorm needs no
      batch.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm2d
    """

    def output_shape(self, shape: Shape) -> Shape:
        spatial_sizes(self, shape, 2)
        return shape


class InstanceNorm2d(_Norm, frozen=True):
    """Standardizes each channel of each image by its own mean and variance.

    Formula: y = (x − μ) / √(σ² + ε)
      μ, σ²: of each channel of each image, over height and width
    Use: images whose contrast should not matter, as in style transfer.
    Pitfall: the strength of a channel is lost, which classification often needs.
    Source: Ulyanov et al. 2016; torch.nn.InstanceNorm2d
    """

    eps: Eps = 1e-5
    affine: Affine = False

    def output_shape(self, shape: Shape) -> Shape:
        if prod(spatial_sizes(self, shape, 2)) == 1:
            raise InputError(
                "InstanceNorm2d needs more than one position per channel, but got "
                f"{format_shape(shape)}; pool less before it, or use GroupNorm 1"
            )
        return shape

    def count_parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


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
        return 2 * shape[0] * self.affine


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
    bias: Annotated[bool, knob("Learn the shift as well")] = True

    def count_parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * prod(normalized_shape(shape)) * self.elementwise_affine


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

    def count_parameters(self, shape: Shape) -> int:
        return prod(normalized_shape(shape)) * self.elementwise_affine
