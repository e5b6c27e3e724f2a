"""One layer in detail: its weights, gradients, updates and activations."""

from typing import Literal, get_args

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.core.protocol.message import snake_case

Quantity = Literal["weights", "gradients", "updates", "activations"]

QUANTITIES: tuple[Quantity, ...] = get_args(Quantity)

PlotKind = Literal["map", "histogram", "time", "filters", "maps", "attention", "states", "plane"]
"""How the numbers are drawn; the last five only for layers that have them."""


class LayerRequest(InspectRequest, frozen=True):
    """One layer, which of its numbers, and how they are drawn."""

    layer: str = ""
    "Its label, such as `2 Linear`; empty: the first layer with weights."
    quantity: Quantity = "weights"
    kind: str = ""
    "A `PlotKind`; if empty or not available: the first one that is."
    parameter: int = 0
    "Index of the parameter: the weight, the bias, …"
    example: int = 0
    "Index of the first example whose activations are shown."
    width: int = 60
    height: int = 40
    "Maximum number of columns and rows of a heat map."


class HeatMap(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """A signed matrix as quantized values; each may stand for a block of numbers."""

    width: int
    height: int
    values: bytes
    "Rows from the top; 0: not a finite number."
    max_abs: float
    full_size: tuple[int, int] = (0, 0)
    "Rows and columns before blocks were merged."
    row_axis: str = ""
    "What the rows are: `units`."
    column_axis: str = ""
    caption: str = ""
    row_names: list[str] = field(default_factory=list)
    column_names: list[str] = field(default_factory=list)
    exact_values: list[float] = field(default_factory=list)
    "The numbers themselves, if they are few."
    is_fraction: bool = False
    "Whether all numbers are from 0 to 1."

    @property
    def is_whole(self) -> bool:
        """Returns whether no blocks were merged."""
        return (self.height, self.width) == self.full_size


class Tiles(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Small heat maps: filters, feature maps, attention heads."""

    tiles: list[HeatMap]
    total: int
    "Number of all, of which the first are here."
    name: str
    "What one of them is: `filter`."


class Histogram(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Counts of numbers in bins of equal width."""

    counts: list[int]
    low: float
    high: float


class HistogramRow(Struct, frozen=True, array_like=True):
    """A histogram at one step, or the mean of the histograms of several consecutive steps."""

    step: int
    last_step: int
    low: float
    high: float
    fractions: list[float]
    "Of the numbers, in each bin."


class HistogramHistory(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """A histogram over time: one row per inspection."""

    rows: list[HistogramRow]


class Projection(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Points on the plane of their first two principal components."""

    points: list[tuple[float, float, int]]
    "x, y and the index of a name; -1: none."
    names: list[str]
    explained_variance: tuple[float, float]
    "Fraction of the variance along each component."
    point_kind: str
    "What the points are: `examples`."
    is_text: bool = False
    "Whether each point is drawn as its name, a token."


class TensorStats(Struct, frozen=True):
    """Statistics of a tensor; None if one does not apply."""

    shape: list[int] = field(default_factory=list)
    norm: float = 0.0
    mean: float = 0.0
    std: float = 0.0
    min: float = 0.0
    max: float = 0.0
    zero_fraction: float = 0.0
    "Fraction of the numbers that are exactly 0."
    nonfinite_count: int = 0
    total_units: int = 0
    zero_units: int | None = None
    "Units with nothing but zeros: dead units if the numbers are activations."
    saturated_fraction: float | None = None
    "Fraction of the values at a limit of Tanh or Sigmoid."
    saturated_units: int | None = None
    "Units that are at a limit for every example."
    update_ratio: float | None = None
    "Norm of the update divided by the norm of the weights."
    effective_rank: float | None = None
    max_rank: int = 0
    rank_note: str = ""
    "Why there is no rank."


class LayerResponse(InspectResponse, frozen=True):
    """The statistics of a layer and the numbers to draw."""

    layer: str = ""
    quantity: Quantity = "weights"
    kind: str = ""
    note: str = ""
    layers: list[str] = field(default_factory=list)
    "Labels of all layers."
    kinds: list[str] = field(default_factory=list)
    "Available plot kinds for this layer."
    parameter: str = ""
    "Name of the shown parameter."
    parameters: list[str] = field(default_factory=list)
    example: int = 0
    examples: int = 0
    "Number of shown examples, from that one on."
    total_examples: int = 0
    statistics: TensorStats | None = None
    picture: HeatMap | Tiles | Histogram | HistogramHistory | Projection | None = None
