"""The loss around the present weights: over a plane through them, and along the next step."""

from typing import Literal

from msgspec import Struct

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

Plane = Literal["random", "path"]
Along = Literal["optimizer", "gradient"]


class LandscapeRequest(InspectRequest, frozen=True):
    """A slice through the loss around the weights, or a scan along the next step."""

    kind: Literal["slice", "scan"] = "slice"
    size: int = 17
    "Points on each side of the slice; one more than a power of two."
    span: float = 1.0
    "How far the slice reaches each way, in lengths of its two directions."
    plane: Plane = "random"
    "Two random directions, or the two in which the path so far is widest."
    seed: int = 0
    "Of the random directions."
    along: Along = "optimizer"
    "The scan goes where the optimizer would, or straight down the gradient."
    anew: int = 0
    "Another number takes the weights of that moment; else those at hand when it was begun stay."


class Slice(Struct, frozen=True):
    """The loss on a square of points, the weights of its moment in the middle."""

    size: int
    span: float
    losses: list[float]
    "Row by row from the top: NaN is not known yet, infinity is no finite loss."
    path: list[tuple[int, float, float]]
    "Step, x and y of weights on the way, projected onto the plane; the last are the present ones."
    held: float
    "What part of the path's squared distances from the middle lies in the plane, from 0 to 1."
    plane: Plane
    seed: int


class Scan(Struct, frozen=True):
    """The loss after one step of every learning rate."""

    along: Along
    optimizer: str
    lr: float
    "The present learning rate; 0 on the way out of a warm-up's beginning."
    rates: list[float]
    losses: list[float]
    "On the fixed examples, for each rate: NaN and infinity as in a slice."
    batch_losses: list[float]
    "On the batch that the step learns from; empty for a GAN, which draws its batch."
    now: float
    batch_now: float
    landing: float
    "The loss after a step of the present learning rate."
    batch: int
    "Examples in the batch."


class LandscapeResponse(InspectResponse, frozen=True):
    """The losses so far; more come while it is asked for again."""

    present: int = 0
    "The step the run is at; `step` is the one that the picture is of."
    evaluations: int = 0
    of: int = 0
    examples: int = 0
    "So many training examples are measured at every point."
    slice: Slice | None = None
    scan: Scan | None = None
    note: str = ""
