"""Data sets of points: 2-D toy problems, a curve, the Swiss roll, and points drawn by hand."""

import string
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from tuilab.core.catalogue.data.data_set import (
    Imbalance,
    LabelNoise,
    NumericDataSet,
    Samples,
    TaskName,
    TestShift,
    Validation,
    ValidationShift,
)
from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape

Feature = Literal["x1", "x2", "x1^2", "x2^2", "x1*x2", "sin(x1)", "sin(x2)"]
"""The input features of a 2-D point that a network can be given (TensorFlow Playground's seven)."""

LETTERS = tuple(string.ascii_uppercase)
"""Default class names."""

TWO_CLASSES = ("orange", "blue")
"""Default names of two classes."""

Coordinate = Annotated[float, Meta(ge=-6, le=6)]
Point = tuple[Coordinate, Coordinate, Annotated[int, Meta(ge=0, le=25)]]
"""x, y and the class of a point."""


def class_names(count: int) -> tuple[str, ...]:
    """Returns default names for a number of classes."""
    return TWO_CLASSES if count == 2 else LETTERS[:count]


class PlanePoints(NumericDataSet, frozen=True, kw_only=True):
    """2-D points, given to the network as features of their two coordinates."""

    features: Annotated[tuple[Feature, ...], knob("Input features of a point")] = ("x1", "x2")

    plot_kind: ClassVar[str] = "plane"

    @property
    def shape(self) -> Shape:
        return (len(self.features),)


class GeneratedPoints(PlanePoints, frozen=True, kw_only=True):
    """2-D points generated from the seed."""

    samples: Samples = 500
    noise: Annotated[float, knob("Noise, relative to the size of the figure", ge=0, le=1)] = 0.0


class LabeledPoints(GeneratedPoints, frozen=True, kw_only=True):
    """2-D points generated from the seed, in classes."""

    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0
    test_shift: TestShift = 0.0
    validation_shift: ValidationShift = 0.0

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        two: tuple[TaskName, ...] = ("perceptron",) if len(self.classes) == 2 else ()
        raw: tuple[TaskName, ...] = ("gan",) if self.features == ("x1", "x2") else ()
        return ("classification", *two, *raw)

    @property
    def classes(self) -> tuple[str, ...]:
        return TWO_CLASSES


class Circle(LabeledPoints, frozen=True, kw_only=True, tag="circle"):
    """A disc of one class inside a ring of the other.

    Use: to see that no straight line separates the classes, unless x1^2 and x2^2 are inputs.
    """


class Xor(LabeledPoints, frozen=True, kw_only=True, tag="xor"):
    """Four quadrants; the class is whether both coordinates have the same sign.

    Use: the smallest problem that no perceptron can learn; it takes a hidden layer.
    """


class Gauss(LabeledPoints, frozen=True, kw_only=True, tag="gauss"):
    """Two Gaussian clouds that a straight line separates.

    Use: a first example: one layer learns it; with noise, the accuracy stays below 100%.
    """


class Spiral(LabeledPoints, frozen=True, kw_only=True, tag="spiral"):
    """Spiral arms wound around each other, each a class.

    Use: a boundary so curved that width, depth and activation make a difference.
    """

    arms: Annotated[int, knob("Number of arms, each a class", ge=2, le=10)] = 2
    turns: Annotated[float, knob("Turns of each arm around the center", gt=0, le=5)] = 1.75

    @property
    def classes(self) -> tuple[str, ...]:
        return class_names(self.arms)


class Moons(LabeledPoints, frozen=True, kw_only=True, tag="moons"):
    """Two interleaving half circles.

    Use: a boundary that curves once; with noise, to see a network memorize single points.
    """


class Blobs(LabeledPoints, frozen=True, kw_only=True, tag="blobs"):
    """Gaussian clouds, one for each class, at random centers.

    Use: more than two classes that straight lines separate.
    """

    centers: Annotated[int, knob("Number of clouds, each a class", ge=2, le=26)] = 4

    @property
    def classes(self) -> tuple[str, ...]:
        return LETTERS[: self.centers]


class Rings(LabeledPoints, frozen=True, kw_only=True, tag="rings"):
    """Concentric circles, each a class.

    Use: nested classes, which only the distance from the center separates.
    """

    circles: Annotated[int, knob("Number of circles, each a class", ge=2, le=10)] = 3

    @property
    def classes(self) -> tuple[str, ...]:
        return class_names(self.circles)


class GaussiansRing(LabeledPoints, frozen=True, kw_only=True, tag="gaussians_ring"):
    """Small Gaussian clouds evenly spaced around a circle, for a GAN to generate.

    Use: to see whether a GAN covers all modes or collapses to some; eight are usual.
    """

    samples: Samples = 2000
    modes: Annotated[int, knob("Number of clouds around the circle", ge=2, le=26)] = 8
    noise: Annotated[
        float, knob("Standard deviation of a cloud, relative to the gap", ge=0.01, le=0.3)
    ] = 0.05

    title: ClassVar[str] = "Gaussians on a ring"

    @property
    def classes(self) -> tuple[str, ...]:
        return LETTERS[: self.modes]


class GaussiansGrid(LabeledPoints, frozen=True, kw_only=True, tag="gaussians_grid"):
    """Small Gaussian clouds on a square grid, for a GAN to generate.

    Use: harder than the ring: 25 modes are usual, and a weak GAN misses many of them.
    """

    samples: Samples = 2000
    side: Annotated[int, knob("Clouds per side of the grid", ge=2, le=10)] = 5
    noise: Annotated[
        float, knob("Standard deviation of a cloud, relative to the gap", ge=0.01, le=0.3)
    ] = 0.05

    title: ClassVar[str] = "Gaussians on a grid"

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(
            f"{column}{row}" for row in range(1, self.side + 1) for column in LETTERS[: self.side]
        )


class HandDrawn(PlanePoints, frozen=True, kw_only=True, tag="drawn"):
    """Points drawn by hand, kept in the experiment file.

    Use: to ask your own questions: where does the boundary go if I add a point here?
    """

    points: Annotated[
        tuple[Point, ...],
        knob("The points: x and y from -6 to 6, and the class, counted from 0"),
        Meta(min_length=1, max_length=5000),
    ] = (
        (-3.0, 3.0, 0), (-2.5, 2.0, 0), (3.0, -3.0, 0), (2.0, -2.5, 0),
        (3.0, 3.0, 1), (2.5, 2.0, 1), (-3.0, -3.0, 1), (-2.0, -2.5, 1),
    )  # fmt: skip
    validation: Validation = 0.0
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        two: tuple[TaskName, ...] = ("perceptron",) if len(self.classes) == 2 else ()
        return ("classification", *two)

    @property
    def classes(self) -> tuple[str, ...]:
        return class_names(max(2, 1 + max(label for *_, label in self.points)))


class PlaneSurface(GeneratedPoints, frozen=True, kw_only=True, tag="plane"):
    """A tilted plane to fit: the target is a tenth of the sum of both coordinates.

    Use: the easiest regression: a single Linear 1 solves it.
    """

    tasks: ClassVar[tuple[TaskName, ...]] = ("regression",)


class MultiGauss(GeneratedPoints, frozen=True, kw_only=True, tag="multi_gauss"):
    """Hills and valleys to fit: six bumps, three up and three down.

    Use: a regression that needs hidden layers, and shows what surfaces a network can form.
    """

    tasks: ClassVar[tuple[TaskName, ...]] = ("regression",)


class Sine(NumericDataSet, frozen=True, kw_only=True, tag="sine"):
    """A sine curve to fit: one input, one output.

    Use: to see underfitting with too few units, and overfitting where noise is memorized.
    """

    samples: Samples = 500
    noise: Annotated[float, knob("Standard deviation of the noise on the targets", ge=0, le=1)] = (
        0.1
    )
    periods: Annotated[float, knob("Periods over the range of the input", gt=0, le=20)] = 1.0

    plot_kind: ClassVar[str] = "curve"
    tasks: ClassVar[tuple[TaskName, ...]] = ("regression",)
    shape: ClassVar[Shape] = (1,)


class SwissRoll(NumericDataSet, frozen=True, kw_only=True, tag="swiss_roll"):
    """A sheet rolled up in space; the target is the position along the sheet, from 0 to 1.

    Use: three inputs on a two-dimensional manifold: to unroll it, or to compress it with a
      narrow autoencoder.
    """

    noise: Annotated[
        float, knob("Standard deviation of the points around the sheet", ge=0, le=2)
    ] = 0.1
    samples: Samples = 1500

    tasks: ClassVar[tuple[TaskName, ...]] = ("regression", "autoencoder")
    shape: ClassVar[Shape] = (3,)
