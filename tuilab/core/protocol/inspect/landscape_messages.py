"""The loss around the current weights: over a plane through them, and along the next step."""

from typing import Literal

from msgspec import Struct

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

PlaneKind = Literal["random", "path"]
ScanDirection = Literal["optimizer", "gradient"]


class LandscapeRequest(InspectRequest, frozen=True):
    """A slice through the loss around the weights, or a scan along the next step."""

    kind: Literal["slice", "scan"] = "slice"
    size: int = 17
    "Points on each side of the slice; one more than a power of two."
    span: float = 1.0
    "Half the side of the slice, in lengths of its two directions."
    plane: PlaneKind = "random"
    "Two random directions, or the two principal directions of the path so far."
    seed: int = 0
    "Of the random directions."
    direction: ScanDirection = "optimizer"
    "The scan follows the optimizer's update, or the negative gradient."
    refresh_count: int = 0
    "Another number restarts with the current weights; the same keeps those of the first request."


class Slice(Struct, frozen=True):
    """The loss on a square grid around the weights."""

    size: int
    span: float
    losses: list[float]
    "Row by row from the top; NaN: not known yet, infinity: not a finite loss."
    path: list[tuple[int, float, float]]
    "Step, x and y of earlier weights, projected onto the plane; the last are the current ones."
    explained_fraction: float
    "Fraction of the path's squared distances from the center that lies in the plane."
    plane: PlaneKind
    seed: int


class Scan(Struct, frozen=True):
    """The loss after one step, for a range of learning rates."""

    direction: ScanDirection
    optimizer: str
    lr: float
    "The current learning rate; 0 at the start of a warm-up."
    rates: list[float]
    losses: list[float]
    "On the fixed examples, for each rate; NaN and infinity as in a slice."
    batch_losses: list[float]
    "On the batch of the step; empty for a GAN, which generates its batch."
    current_loss: float
    current_batch_loss: float
    loss_after_step: float
    "The loss after a step with the current learning rate."
    batch_size: int


class LandscapeResponse(InspectResponse, frozen=True):
    """The losses so far; asking again brings more."""

    current_step: int = 0
    "The step that the run is at; `step` is the step of the weights in the picture."
    evaluations: int = 0
    total_evaluations: int = 0
    examples: int = 0
    "Training examples evaluated at every point."
    slice: Slice | None = None
    scan: Scan | None = None
    note: str = ""
