"""The data sets by name: their knobs, and the shapes and classes that a network meets."""

import string
from typing import Annotated, ClassVar, Literal

from msgspec import Struct

from tuilab.lab.knobs import knob
from tuilab.lab.layer import Shape

Task = Literal["classification", "regression"]
"""What is to be learned."""

Feature = Literal["x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(x1)", "sin(x2)"]
"""What a network may see of a point of the plane (TensorFlow Playground's seven)."""


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every data set has."""

    batch_size: Annotated[
        int, knob("Examples in each step", ge=1, le=1_000_000, unit="examples", live=True, log=True)
    ] = 32
    validation: Annotated[
        float, knob("Part of the training examples held back to measure on", ge=0, le=0.9)
    ] = 0.2
    normalize: Annotated[
        bool,
        knob("Shift and scale the inputs to mean 0 and spread 1, as measured on the training part"),
    ] = True

    tasks: ClassVar[tuple[Task, ...]] = ("classification",)
    picture: ClassVar[str] = "none"
    "How a result is drawn: `plane` (two inputs), `curve` (one input), `images` or `none`."

    @property
    def shape(self) -> Shape:
        """The shape of one input."""
        raise NotImplementedError(type(self).__name__)

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty for a regression."""
        return ()

    @property
    def title(self) -> str:
        """The name as a heading shows it."""
        return str(self.__struct_config__.tag).replace("_", " ").capitalize()


class Generated(Data, frozen=True, kw_only=True):
    """A set that is drawn from the seed, so that it needs no files and no network."""

    samples: Annotated[
        int,
        knob("Examples to draw, training and validation together", ge=1, le=1_000_000, log=True),
    ] = 500


class Plane(Generated, frozen=True, kw_only=True):
    """Points of the plane, seen through features of their two coordinates."""

    noise: Annotated[float, knob("How far points stray, as a part of the figure", ge=0, le=1)] = 0.0
    features: Annotated[tuple[Feature, ...], knob("What the network sees of a point")] = (
        "x1",
        "x2",
    )

    picture: ClassVar[str] = "plane"

    @property
    def shape(self) -> Shape:
        return (len(self.features),)


class TwoClasses(Plane, frozen=True, kw_only=True):
    """Points of the plane in two classes."""

    @property
    def classes(self) -> tuple[str, ...]:
        return ("orange", "blue")


class Circle(TwoClasses, frozen=True, kw_only=True, tag="circle"):
    """A disc of one class inside a ring of the other."""


class Xor(TwoClasses, frozen=True, kw_only=True, tag="xor"):
    """Four quadrants; the class is whether both coordinates have the same sign."""


class Gauss(TwoClasses, frozen=True, kw_only=True, tag="gauss"):
    """Two round clouds that a straight line separates."""


class Spiral(TwoClasses, frozen=True, kw_only=True, tag="spiral"):
    """Two arms wound around each other."""


class Moons(TwoClasses, frozen=True, kw_only=True, tag="moons"):
    """Two half moons that reach into each other."""


class Blobs(Plane, frozen=True, kw_only=True, tag="blobs"):
    """Round clouds, one for each class, placed by the seed."""

    centers: Annotated[int, knob("How many clouds, each a class", ge=2, le=26)] = 4

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(string.ascii_uppercase[: self.centers])


class PlaneSurface(Plane, frozen=True, kw_only=True, tag="plane"):
    """A tilted plane to fit: the target is the sum of both coordinates."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


class MultiGauss(Plane, frozen=True, kw_only=True, tag="multi_gauss"):
    """Hills and valleys to fit: six bumps, three up and three down."""

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)


class Sine(Generated, frozen=True, kw_only=True, tag="sine"):
    """One input, one output: a sine curve to fit."""

    noise: Annotated[float, knob("Spread of the error on the targets", ge=0, le=1)] = 0.1
    periods: Annotated[float, knob("Whole waves over the range of the input", gt=0, le=20)] = 1.0

    tasks: ClassVar[tuple[Task, ...]] = ("regression",)
    picture: ClassVar[str] = "curve"

    @property
    def shape(self) -> Shape:
        return (1,)


class Images(Data, frozen=True, kw_only=True):
    """Pictures in classes."""

    picture: ClassVar[str] = "images"

    @property
    def shape(self) -> Shape:
        return (1, 28, 28)


class Glyphs(Images, Generated, frozen=True, kw_only=True, tag="glyphs"):
    """28×28 digits and letters drawn on this machine, shifted, turned and noisy."""

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
    """70,000 pictures of clothes in ten classes (Xiao, Rasul, Vollgraf 2017)."""

    root: Annotated[
        str,
        knob("Folder that holds FashionMNIST/raw; empty: the user's cache, downloaded when needed"),
    ] = ""
    batch_size: Annotated[
        int, knob("Examples in each step", ge=1, le=1_000_000, unit="examples", live=True, log=True)
    ] = 128
    validation: Annotated[
        float, knob("Part of the training examples held back to measure on", ge=0, le=0.9)
    ] = 0.1

    @property
    def classes(self) -> tuple[str, ...]:
        return (
            "T-shirt", "Trouser", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        )  # fmt: skip

    @property
    def title(self) -> str:
        return "Fashion-MNIST"


AnyData = (
    Circle | Xor | Gauss | Spiral | Moons | Blobs | PlaneSurface | MultiGauss | Sine
    | Glyphs | FashionMNIST
)  # fmt: skip
"""Every data set by its name in a file."""
