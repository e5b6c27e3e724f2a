"""Layers that bring values to a common mean and spread."""

from math import prod
from typing import Annotated, ClassVar

from msgspec import Meta

from tuilab.core.catalogue.layers.window import places
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape, show

Eps = Annotated[float, knob("Keeps the division finite", gt=0, le=1)]
Affine = Annotated[bool, knob("Learn a scale and a shift")]


def normalized_shape(shape: Shape) -> Shape:
    """What LayerNorm and RMSNorm go over: the features; of pictures, all numbers.

    A sequence [length, features] is normalized at each position alone, so that no position
    hears of those after it.
    """
    return shape if len(shape) == 3 else shape[-1:]


class _Norm(Layer, frozen=True):
    """Mean and spread of a group of values become those that were learned."""

    family: ClassVar[str] = "normalization"


class _BatchNorm(_Norm, frozen=True):
    """Normalize each feature over the batch."""

    eps: Eps = 1e-5
    momentum: Annotated[
        float, knob("Weight of the newest batch in the running mean", ge=0, le=1)
    ] = 0.1
    affine: Affine = True

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


class BatchNorm1d(_BatchNorm, frozen=True):
    """Shift and scale each feature by the mean and spread of the batch.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each feature over the batch; in evaluation their running means
    Use: between Linear and activation; deep networks learn faster and bear larger rates.
    Pitfall: small batches make it noisy and a batch of one is impossible; training and
      evaluation differ, which shows as a validation loss that jumps.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm1d
    """

    def output(self, shape: Shape) -> Shape:
        if len(shape) not in (1, 2):
            raise InputError(
                f"BatchNorm1d takes [features] or [channels, length], but {show(shape)} comes in; "
                "for pictures there is BatchNorm2d"
            )
        return shape


class BatchNorm2d(_BatchNorm, frozen=True):
    """Shift and scale each channel by the mean and spread over batch, height and width.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each channel over batch, height and width; in evaluation their running means
    Use: between Conv2d and activation; give the Conv2d bias=false, for β does its work.
    Pitfall: with batches under about 8 its statistics are too noisy; GroupNorm needs no batch.
    Source: Ioffe and Szegedy 2015; torch.nn.BatchNorm2d
    """

    def output(self, shape: Shape) -> Shape:
        places(self, shape, 2)
        return shape


class InstanceNorm2d(_Norm, frozen=True):
    """Shift and scale each channel of each picture by its own mean and spread.

    Formula: y = (x − μ) / √(σ² + ε)
      μ, σ²: of each channel of each picture, over height and width
    Use: pictures whose contrast should not matter, as in the transfer of style.
    Pitfall: how strong a channel is is lost, which classification often needs.
    Source: Ulyanov et al. 2016; torch.nn.InstanceNorm2d
    """

    eps: Eps = 1e-5
    affine: Affine = False

    def output(self, shape: Shape) -> Shape:
        if prod(places(self, shape, 2)) == 1:
            raise InputError(
                f"InstanceNorm2d needs more than one place in each channel, but {show(shape)} "
                "comes in; pool less before it, or take GroupNorm 1"
            )
        return shape

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


class GroupNorm(_Norm, frozen=True):
    """Shift and scale groups of channels of each example by their own mean and spread.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of each group of channels of each example
    Use: instead of BatchNorm2d where batches are small; it is the same in evaluation.
    Pitfall: num_groups must divide the channels; as many groups as features leave one number in
      each, and nothing of the input.
    Source: Wu and He 2018; torch.nn.GroupNorm
    """

    num_groups: Annotated[int, knob("Groups of channels", ge=1, le=1_000_000)]
    eps: Eps = 1e-5
    affine: Affine = True

    example: ClassVar[str] = "4"

    def output(self, shape: Shape) -> Shape:
        if shape[0] % self.num_groups:
            raise InputError(
                f"num_groups={self.num_groups} does not divide the {shape[0]} channels that come in"
            )
        if prod(shape) == self.num_groups:
            raise InputError(
                f"{self.num_groups} groups of {show(shape)} hold one number each, of which nothing "
                "would be left; take fewer groups"
            )
        return shape

    def parameters(self, shape: Shape) -> int:
        return 2 * shape[0] * self.affine


class LayerNorm(_Norm, frozen=True):
    """Shift and scale each example or position by its own mean and spread.

    Formula: y = γ (x − μ) / √(σ² + ε) + β
      μ, σ²: of an example, or of each position of a sequence, over the features
    Use: transformers and recurrent networks; it is the same for every batch and in evaluation.
    Pitfall: of a single feature nothing is left, and of two only which one is larger.
    Source: Ba et al. 2016; torch.nn.LayerNorm
    """

    eps: Eps = 1e-5
    elementwise_affine: Affine = True
    bias: Annotated[bool, knob("Learn the shift as well")] = True

    def parameters(self, shape: Shape) -> int:
        return (1 + self.bias) * prod(normalized_shape(shape)) * self.elementwise_affine


class RMSNorm(_Norm, frozen=True):
    """Scale each example or position by its size alone, without a mean.

    Formula: y = γ x / √(mean(x²) + ε)
      mean: of an example, or of each position of a sequence, over the features
    Use: like LayerNorm, at less work; most newer language models have it.
    Pitfall: a mean far from zero stays and can fill the scale; LayerNorm takes it off.
    Source: Zhang and Sennrich 2019; torch.nn.RMSNorm
    """

    eps: Annotated[
        Annotated[float, Meta(gt=0, le=1)] | None,
        knob("Keeps the division finite; none: the smallest the precision knows"),
    ] = None
    elementwise_affine: Annotated[bool, knob("Learn a scale")] = True

    def parameters(self, shape: Shape) -> int:
        return prod(normalized_shape(shape)) * self.elementwise_affine
