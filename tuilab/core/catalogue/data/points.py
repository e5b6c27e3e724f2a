"""Data sets of points: figures in the plane, a curve, a roll, and points drawn by hand."""

import string
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.data.data_set import (
    Imbalance,
    LabelNoise,
    Numbers,
    Samples,
    Task,
    TestShift,
    Validation,
)
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape

Feature = Literal["x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(x1)", "sin(x2)"]
"""What a network may see of a point of the plane (TensorFlow Playground's seven)."""

LETTERS = tuple(string.ascii_uppercase)
"""Names for classes that have none of their own."""

TWO = ("orange", "blue")
"""Names for the classes where there are two."""

Coordinate = Annotated[float, Meta(ge=-6, le=6)]
Point = tuple[Coordinate, Coordinate, Annotated[int, Meta(ge=0, le=25)]]
"""x, y and the class of a point."""


def named(count: int) -> tuple[str, ...]:
    """Names for so many classes of points."""
    return TWO if count == 2 else LETTERS[:count]


class OnPlane(Numbers, frozen=True, kw_only=True):
    """Points of the plane, seen through features of their two coordinates."""

    features: Annotated[tuple[Feature, ...], knob("What the network sees of a point")] = (
        "x1",
        "x2",
    )

    picture: ClassVar[str] = "plane"

    @property
    def shape(self) -> Shape:
        return (len(self.features),)


class Plane(OnPlane, frozen=True, kw_only=True):
    """A figure of points that the seed draws."""

    samples: Samples = 500
    noise: Annotated[float, knob("How far points stray, as a part of the figure", ge=0, le=1)] = 0.0


class Clouds(Plane, frozen=True, kw_only=True):
    """A figure whose points are in classes."""

    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0
    test_shift: TestShift = 0.0

    @property
    def tasks(self) -> tuple[Task, ...]:
        two: tuple[Task, ...] = ("perceptron",) if len(self.classes) == 2 else ()
        seen: tuple[Task, ...] = ("gan",) if self.features == ("x1", "x2") else ()
        return ("classification", *two, *seen)

    @property
    def classes(self) -> tuple[str, ...]:
        return TWO


class Circle(Clouds, frozen=True, kw_only=True, tag="circle"):
    """A disc of one class inside a ring of the other.

    Use: to see that a straight line is not enough, and that x1^2 and x2^2 make it enough.
    """


class Xor(Clouds, frozen=True, kw_only=True, tag="xor"):
    """Four quadrants; the class is whether both coordinates have the same sign.

    Use: the smallest task that no perceptron can learn: it takes a hidden layer.
    """


class Gauss(Clouds, frozen=True, kw_only=True, tag="gauss"):
    """Two round clouds that a straight line separates.

    Use: to begin with: one layer learns it, with noise never to the end.
    """


class Spiral(Clouds, frozen=True, kw_only=True, tag="spiral"):
    """Arms wound around each other, each a class.

    Use: a boundary so bent that width, depth and activation make a difference.
    """

    arms: Annotated[int, knob("How many arms, each a class", ge=2, le=10)] = 2
    turns: Annotated[float, knob("How often each arm winds around the middle", gt=0, le=5)] = 1.75

    @property
    def classes(self) -> tuple[str, ...]:
        return named(self.arms)


class Moons(Clouds, frozen=True, kw_only=True, tag="moons"):
    """Two half moons that reach into each other.

    Use: a boundary that is bent once; with noise, to see a network learn single points by heart.
    """


class Blobs(Clouds, frozen=True, kw_only=True, tag="blobs"):
    """Round clouds, one for each class, placed by the seed.

    Use: more than two classes that straight lines part.
    """

    centers: Annotated[int, knob("How many clouds, each a class", ge=2, le=26)] = 4

    @property
    def classes(self) -> tuple[str, ...]:
        return LETTERS[: self.centers]


class Rings(Clouds, frozen=True, kw_only=True, tag="rings"):
    """Circles around one middle, each a class.

    Use: classes inside each other: only the distance from the middle tells them apart.
    """

    circles: Annotated[int, knob("How many circles, each a class", ge=2, le=10)] = 3

    @property
    def classes(self) -> tuple[str, ...]:
        return named(self.circles)


class GaussiansRing(Clouds, frozen=True, kw_only=True, tag="gaussians_ring"):
    """Small clouds evenly around a circle, for a GAN to draw.

    Use: to see whether a GAN covers all modes or collapses to some; eight are usual.
    """

    samples: Samples = 2000
    modes: Annotated[int, knob("How many clouds around the circle", ge=2, le=26)] = 8
    noise: Annotated[float, knob("Spread of a cloud, as a part of the gap", ge=0.01, le=0.3)] = 0.05

    @property
    def classes(self) -> tuple[str, ...]:
        return LETTERS[: self.modes]

    @property
    def title(self) -> str:
        return "Gaussians on a ring"


class GaussiansGrid(Clouds, frozen=True, kw_only=True, tag="gaussians_grid"):
    """Small clouds on a square grid, for a GAN to draw.

    Use: harder than the ring: 25 modes are usual, and a weak GAN leaves many out.
    """

    samples: Samples = 2000
    side: Annotated[int, knob("How many clouds each way", ge=2, le=10)] = 5
    noise: Annotated[float, knob("Spread of a cloud, as a part of the gap", ge=0.01, le=0.3)] = 0.05

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(
            f"{column}{row}" for row in range(1, self.side + 1) for column in LETTERS[: self.side]
        )

    @property
    def title(self) -> str:
        return "Gaussians on a grid"


class PlaneSurface(Plane, frozen=True, kw_only=True, tag="plane"):
    """A tilted plane to fit: the target is a tenth of the sum of both coordinates.

    Use: the easiest regression: a single Linear 1 is the answer.
    """

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression",)


class MultiGauss(Plane, frozen=True, kw_only=True, tag="multi_gauss"):
    """Hills and valleys to fit: six bumps, three up and three down.

    Use: a regression that needs hidden layers, and shows how a network bends.
    """

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression",)


class Sine(Numbers, frozen=True, kw_only=True, tag="sine"):
    """One input, one output: a sine curve to fit.

    Use: to see fitting itself: too few units, too many, noise learned by heart.
    """

    samples: Samples = 500
    noise: Annotated[float, knob("Spread of the error on the targets", ge=0, le=1)] = 0.1
    periods: Annotated[float, knob("Whole waves over the range of the input", gt=0, le=20)] = 1.0

    picture: ClassVar[str] = "curve"

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression",)

    @property
    def shape(self) -> Shape:
        return (1,)


class SwissRoll(Numbers, frozen=True, kw_only=True, tag="swiss_roll"):
    """A sheet rolled up in space; the target is the place along the sheet, from 0 to 1.

    Use: three inputs that lie on a surface of two: to unroll it, or to press it through a
      narrow autoencoder.
    """

    noise: Annotated[float, knob("Spread of the points about the sheet", ge=0, le=2)] = 0.1
    samples: Samples = 1500

    @property
    def tasks(self) -> tuple[Task, ...]:
        return ("regression", "autoencoder")

    @property
    def shape(self) -> Shape:
        return (3,)


class Drawn(OnPlane, frozen=True, kw_only=True, tag="drawn"):
    """Points that you drew by hand, kept in the experiment file.

    Use: to pose a question of your own: where does the boundary go if I put a point here?
    """

    points: Annotated[
        tuple[Point, ...],
        knob("The points: x and y from -6 to 6, and the class from 0"),
        Meta(min_length=1, max_length=5000),
    ] = (
        (-3.0, 3.0, 0), (-2.5, 2.0, 0), (3.0, -3.0, 0), (2.0, -2.5, 0),
        (3.0, 3.0, 1), (2.5, 2.0, 1), (-3.0, -3.0, 1), (-2.0, -2.5, 1),
    )  # fmt: skip
    validation: Validation = 0.0
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    @property
    def tasks(self) -> tuple[Task, ...]:
        two: tuple[Task, ...] = ("perceptron",) if len(self.classes) == 2 else ()
        return ("classification", *two)

    @property
    def classes(self) -> tuple[str, ...]:
        return named(max(2, 1 + max(of for *_, of in self.points)))
