"""Ready-made networks without their last layer, as one layer of one's own network."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from tuilab.core.catalogue.layers.window import places
from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Layer, Shape


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a ready-made network before torchvision is loaded."""

    features: int
    parameters: int
    "Without the last layer."
    least: int = 1
    "The smallest height and width of a picture."
    most: int | None = None
    "The largest; None where any size will do."


BACKBONES = {
    "resnet18": Known(512, 11_176_512),
    "resnet34": Known(512, 21_284_672),
    "resnet50": Known(2048, 23_508_032),
    "squeezenet1_1": Known(512, 722_496, least=17),
    "mobilenet_v3_small": Known(576, 927_008),
    "efficientnet_b0": Known(1280, 4_007_548),
    "convnext_tiny": Known(768, 27_820_128, least=32),
    "vit_b_16": Known(768, 85_798_656, least=224, most=224),
}
"""Held against torchvision in a test."""


class Backbone(Layer, frozen=True):
    """A ready-made torchvision network without its last layer: pictures to features.

    Formula: y = network(x), averaged over height and width
    Use: few pictures of your own: weights=default brings what a million pictures taught it;
      frozen=true and a Linear after it, then unfreeze with a tenth of the learning rate.
    Pitfall: a large learning rate destroys the weights it came with within a few steps. They
      know pictures of about 224 pixels; far below that, what they know helps little.
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
        knob("default: trained on ImageNet, fetched when first used; none: by chance"),
    ] = None

    family: ClassVar[str] = "model"

    def output(self, shape: Shape) -> Shape:
        channels, sides = shape[0], places(self, shape, 2)
        known = BACKBONES[self.name]
        if channels not in (1, 3):
            raise InputError(
                f"{self.name} takes pictures of 3 channels (or 1, which is repeated), but "
                f"{channels} come in: put Conv2d 3 before it"
            )
        size = "×".join(map(str, sides))
        if known.most and any(side != known.most for side in sides):
            raise InputError(
                f"{self.name} takes pictures of {known.most}×{known.most}, but {size} come in; "
                "Upsample before it, or choose resnet18"
            )
        if min(sides) < known.least:
            raise InputError(
                f"{self.name} takes pictures of at least {known.least}×{known.least}, but {size} "
                "come in; Upsample before it, or choose resnet18"
            )
        return (known.features,)

    def parameters(self, shape: Shape) -> int:
        return BACKBONES[self.name].parameters
