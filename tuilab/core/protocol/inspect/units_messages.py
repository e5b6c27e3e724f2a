"""Units and weights of a small network, with the outputs of every unit over the plane."""

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse


class UnitsRequest(InspectRequest, frozen=True):
    """The outputs of all units over the plane, on a grid of this size."""

    width: int = 16
    height: int = 16


class UnitColumn(Struct, frozen=True):
    """Units side by side: the inputs, or the outputs of one Linear layer.

    All lists have one entry per shown unit: the first units of a large layer.
    """

    label: str
    "`input`, or the label of the layer, such as `1 Linear`."
    total_units: int
    activations: str = ""
    "The layers between the Linear layer and the responses, such as `ReLU`."
    names: list[str] = field(default_factory=list)
    "Names of features or classes; empty for hidden units."
    responses: list[bytes] = field(default_factory=list)
    "Outputs over the plane as quantized values, rows from the top; empty if there is no plane."
    max_abs: list[float] = field(default_factory=list)
    "Largest absolute output over the plane."
    means: list[float] = field(default_factory=list)
    "Mean output on some examples."
    stds: list[float] = field(default_factory=list)
    "Standard deviation of the output on these examples."
    active_fractions: list[float] = field(default_factory=list)
    "Fraction of these examples with an output above zero."
    weights: list[list[float]] = field(default_factory=list)
    "Weights of each unit, by the units of the column before; empty for the inputs."
    biases: list[float] = field(default_factory=list)
    "Empty if the layer has no bias."

    @property
    def shown_units(self) -> int:
        """Returns the number of units in the lists."""
        return len(self.means)


class UnitsResponse(InspectResponse, frozen=True):
    """The outputs of all units and the weights between them."""

    columns: list[UnitColumn] = field(default_factory=list)
    "From the inputs to the outputs."
    width: int = 0
    height: int = 0
    "Size of each response; one row: a curve over one input."
    bounds: list[float] = field(default_factory=list)
    "Left, right (, bottom, top) of the plane."
    examples: int = 0
    "Number of examples that the means are taken over."
    note: str = ""
    "Why there is nothing to draw, or what was omitted."
