"""Pretrained networks of torchvision without their last layer, as one layer of a network."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.layers.window import spatial_sizes
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape


@dataclass(frozen=True, slots=True)
class BackboneInfo:
    """The sizes of a torchvision network, known before torchvision is imported."""

    features: int
    parameters: int
    "Without the last layer."
    min_size: int = 1
    "The smallest height and width of an image."
    max_size: int | None = None
    "The largest height and width; None: unlimited."


BACKBONES = {
    "resnet18": BackboneInfo(512, 11_176_512),
    "resnet34": BackboneInfo(512, 21_284_672),
    "resnet50": BackboneInfo(2048, 23_508_032),
    "squeezenet1_1": BackboneInfo(512, 722_496, min_size=17),
    "mobilenet_v3_small": BackboneInfo(576, 927_008),
    "efficientnet_b0": BackboneInfo(1280, 4_007_548),
    "convnext_tiny": BackboneInfo(768, 27_820_128, min_size=32),
    "vit_b_16": BackboneInfo(768, 85_798_656, min_size=224, max_size=224),
}
"""Compared with torchvision in a test."""


class Backbone(Layer, frozen=True):
    """A torchvision network without its last layer, which turns images into features.

    Formula: y = network(x), averaged over height and width
    Use: few images of your own: weights=default starts from weights trained on a million images;
      frozen=true and a Linear after it, then unfreeze with a tenth of the learning rate.
    Pitfall: a large learning rate destroys pretrained weights within a few steps. They were
      trained on images of about 224 pixels; on much smaller ones they help little.
    Source: torchvision.models; weights from ImageNet (1000 classes)
    """

    name: Annotated[
        Literal[
            "resnet18", "resnet34", "resnet50", "squeezenet1_1", "mobilenet_v3_small",
            "efficientnet_b0", "convnext_tiny", "vit_b_16",
        ],
        knob("Which network"),
    ] = "resnet18"  # fmt: skip
    weights: Annotated[
        Literal["default"] | None,
        knob("default: trained on ImageNet, downloaded when first used; none: random"),
    ] = None

    family: ClassVar[str] = "model"

    def output_shape(self, shape: Shape) -> Shape:
        channels, sides = shape[0], spatial_sizes(self, shape, 2)
        info = BACKBONES[self.name]
        if channels not in (1, 3):
            raise InputError(
                f"{self.name} expects images with 3 channels (or 1, which is repeated), but got "
                f"{channels}: put Conv2d 3 before it"
            )
        size = "×".join(map(str, sides))
        if info.max_size and any(side != info.max_size for side in sides):
            raise InputError(
                f"{self.name} expects images of {info.max_size}×{info.max_size}, but got {size}; "
                "put Upsample before it, or choose resnet18"
            )
        if min(sides) < info.min_size:
            raise InputError(
                f"{self.name} expects images of at least {info.min_size}×{info.min_size}, but got "
                f"{size}; put Upsample before it, or choose resnet18"
            )
        return (info.features,)

    def count_parameters(self, shape: Shape) -> int:
        return BACKBONES[self.name].parameters
