"""Data sets of pictures: drawn here, or photographed."""

import string
from typing import Annotated, ClassVar, Literal

from tuilab.lab.catalogue.sets.data import (
    BatchSize,
    Imbalance,
    LabelNoise,
    Numbers,
    Task,
    TestShift,
    Validation,
)
from tuilab.lab.knobs import knob
from tuilab.lab.layer import Shape


class Images(Numbers, frozen=True, kw_only=True):
    """Pictures in classes."""

    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0
    test_shift: TestShift = 0.0

    picture: ClassVar[str] = "images"

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("classification", "autoencoder", "gan")

    @property
    def shape(self) -> Shape:
        return (1, 28, 28)


class Glyphs(Images, frozen=True, kw_only=True, tag="glyphs"):
    """28×28 digits and letters drawn on this machine, shifted, turned and noisy.

    Use: pictures to begin with that need no network; as easy or as hard as the knobs say.
    """

    alphabet: Annotated[
        Literal["digits", "letters", "both"], knob("Which characters are drawn, each a class")
    ] = "digits"
    samples: Annotated[int, knob("Pictures to draw", ge=1, le=1_000_000, log=True)] = 4000
    noise: Annotated[float, knob("Grey noise on every pixel", ge=0, le=1)] = 0.1
    shift: Annotated[int, knob("Farthest shift in each direction", ge=0, le=8, unit="pixels")] = 3
    rotation: Annotated[float, knob("Farthest turn either way", ge=0, le=180, unit="degrees")] = (
        12.0
    )

    @property
    def classes(self) -> tuple[str, ...]:
        digits, letters = string.digits, string.ascii_uppercase
        return tuple(
            {"digits": digits, "letters": letters, "both": digits + letters}[self.alphabet]
        )


class FashionMNIST(Images, frozen=True, kw_only=True, tag="fashion_mnist"):
    """70,000 pictures of clothes in ten classes (Xiao, Rasul, Vollgraf 2017).

    Use: the first real pictures: small enough for a laptop, hard enough to show differences.
    """

    root: Annotated[
        str,
        knob("Folder that holds FashionMNIST/raw; empty: the user's cache, downloaded when needed"),
    ] = ""
    batch_size: BatchSize = 128
    validation: Validation = 0.1

    @property
    def classes(self) -> tuple[str, ...]:
        return (
            "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "Fashion-MNIST"
