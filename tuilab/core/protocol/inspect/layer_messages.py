"""One layer seen from inside: its weights, gradients, updates and activations."""

from typing import Literal, get_args

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.core.protocol.message import snake

ZERO = 128
"""The byte of a heat map that is zero; 1 and 255 are the farthest from it, 0 is no number."""

STEPS = 127
"""How finely a heat map is told, on either side of zero."""

What = Literal["weights", "gradients", "updates", "activations"]

WHATS: tuple[What, ...] = get_args(What)

Kind = Literal["map", "histogram", "time", "filters", "maps", "attention", "states", "plane"]
"""How numbers are drawn; the last five only where a layer has them."""


class LayerRequest(InspectRequest, frozen=True):
    """One layer, what of it, and how it is to be drawn."""

    layer: str = ""
    "Its label, such as `2 Linear`; empty: the first that has weights."
    what: What = "weights"
    kind: str = ""
    "One of `Kind`; what the layer does not have, and empty: the first that it has."
    tensor: int = 0
    "Which of its parameters: the weight, the bias, …"
    example: int = 0
    "The first one whose activations are shown."
    width: int = 60
    height: int = 40
    "The most columns and rows that a heat map is told in."


class HeatMap(Struct, frozen=True, tag_field="picture", tag=snake):
    """Numbers in rows and columns, around zero; each may stand for a block of them."""

    width: int
    height: int
    values: bytes
    "Rows of bytes from the top."
    reach: float
    "What the farthest byte from zero stands for."
    of: tuple[int, int] = (0, 0)
    "Rows and columns before blocks were taken together."
    down: str = ""
    "What the rows are: `units`."
    across: str = ""
    caption: str = ""
    names: list[str] = field(default_factory=list)
    "Of the rows, or none."
    heads: list[str] = field(default_factory=list)
    "Of the columns, or none."
    exact: list[float] = field(default_factory=list)
    "The numbers themselves, where they are few."
    is_share: bool = False
    "All numbers are from 0 to 1."

    @property
    def is_whole(self) -> bool:
        """Whether every number is told by itself."""
        return (self.height, self.width) == self.of


class Tiles(Struct, frozen=True, tag_field="picture", tag=snake):
    """Small heat maps: filters, feature maps, heads."""

    tiles: list[HeatMap]
    total: int
    "How many there are, of which the first are told."
    name: str
    "What one of them is: `filter`."


class Histogram(Struct, frozen=True, tag_field="picture", tag=snake):
    """How many numbers lie where, in bins of equal width."""

    counts: list[int]
    low: float
    high: float


class HistogramRow(Struct, frozen=True, array_like=True):
    """A histogram at one step, or the mean of some that followed one another."""

    step: int
    last: int
    "The last step that it stands for."
    low: float
    high: float
    shares: list[float]
    "Of the numbers, in each bin."


class History(Struct, frozen=True, tag_field="picture", tag=snake):
    """How a histogram changed: one for each look."""

    rows: list[HistogramRow]


class Plane(Struct, frozen=True, tag_field="picture", tag=snake):
    """Points on the plane of their two principal components."""

    points: list[tuple[float, float, int]]
    "Where, and the number of a name; -1: of none."
    names: list[str]
    explained: tuple[float, float]
    "The share of the spread along each component."
    of: str
    "What the points are: `examples`."
    is_text: bool = False
    "The names are tokens: each point is drawn as its own."


class Statistics(Struct, frozen=True):
    """Numbers about numbers; None where one does not apply."""

    shape: list[int] = field(default_factory=list)
    norm: float = 0.0
    mean: float = 0.0
    spread: float = 0.0
    smallest: float = 0.0
    largest: float = 0.0
    zeros: float = 0.0
    "The share of numbers that are exactly 0."
    broken: int = 0
    "How many are not finite."
    units: int = 0
    silent: int | None = None
    "Units with nothing but zeros: dead units where the numbers are activations."
    saturated: float | None = None
    "The share of values at an end of Tanh or Sigmoid."
    stuck: int | None = None
    "Units that are at an end for every example."
    ratio: float | None = None
    "The norm of the update over that of the weights."
    rank: float | None = None
    "The effective rank."
    full: int = 0
    "The largest that the rank could be."
    no_rank: str = ""
    "Why there is no rank."


class LayerResponse(InspectResponse, frozen=True):
    """The statistics and the numbers to draw."""

    layer: str = ""
    what: What = "weights"
    kind: str = ""
    note: str = ""
    layers: list[str] = field(default_factory=list)
    "The labels of all layers."
    kinds: list[str] = field(default_factory=list)
    "What there is to choose from for this layer."
    tensor: str = ""
    "The parameter that is shown."
    tensors: list[str] = field(default_factory=list)
    example: int = 0
    examples: int = 0
    "How many of them are shown from that one on."
    most: int = 0
    "How many there are."
    statistics: Statistics | None = None
    picture: HeatMap | Tiles | Histogram | History | Plane | None = None
