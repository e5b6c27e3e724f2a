"""Units and edges of a small network over the plane."""

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

ZERO = 128
"""The byte of a response that is zero; 1 and 255 are the farthest from it, either way."""

STEPS = 127
"""How finely a response is told, on either side of zero."""


class UnitsRequest(InspectRequest, frozen=True):
    """What every unit answers over the plane, on a grid of so many points."""

    width: int = 16
    height: int = 16


class Column(Struct, frozen=True):
    """Units side by side: the inputs, or the outputs of one Linear layer.

    All lists have one entry for each unit that is told of: the first ones of a large layer.
    """

    label: str
    "`input`, or the label of the layer, such as `1 Linear`."
    units: int
    "How many there are."
    after: str = ""
    "What a response has passed behind the layer, such as `ReLU`."
    names: list[str] = field(default_factory=list)
    "Of features and classes; none for hidden units."
    responses: list[bytes] = field(default_factory=list)
    "Rows of bytes from the top; none where there is no plane to answer over."
    reaches: list[float] = field(default_factory=list)
    "What the farthest byte from zero stands for."
    means: list[float] = field(default_factory=list)
    "Of the responses to some examples."
    spreads: list[float] = field(default_factory=list)
    "Their standard deviations."
    active: list[float] = field(default_factory=list)
    "For which share of the examples a response is above zero."
    weights: list[list[float]] = field(default_factory=list)
    "Of each unit, by the units of the column before; none for the inputs."
    biases: list[float] = field(default_factory=list)
    "None where the layer has no bias."

    @property
    def shown(self) -> int:
        """How many units are told of."""
        return len(self.means)


class UnitsResponse(InspectResponse, frozen=True):
    """Every unit's answers and every weight between them."""

    columns: list[Column] = field(default_factory=list)
    "From the inputs to the outputs."
    width: int = 0
    height: int = 0
    "Of every response; one row: a curve over one input."
    bounds: list[float] = field(default_factory=list)
    "Left, right (, bottom, top) of the plane."
    examples: int = 0
    "How many examples the means are of."
    note: str = ""
    "Why there is nothing to draw, or what was left out."
