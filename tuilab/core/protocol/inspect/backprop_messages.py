"""One training step in slow motion: every number of its forward and backward pass."""

from typing import Literal, get_args

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

PHASES_AROUND = 16
"""Phases on either side of the requested one that come with their numbers."""

StepPart = Literal["batch", "forward", "loss", "backward", "optimizer", "weights"]

STEP_PARTS: tuple[StepPart, ...] = get_args(StepPart)
"""The parts of a training step, in order."""


class BackpropRequest(InspectRequest, frozen=True):
    """The next training step, on one example of its batch; the run does not change."""

    example: int = 0
    "Index in the batch."
    optimizer_phase: int = 0
    "For a task with several per step, such as the two sides of a GAN."
    slice: int = 0
    "Which slice of every tensor with more elements than are shown at once."
    phase: int = 0
    "The phases around this one come with their numbers."
    with_graph: bool = False
    "Whether to include the computational graph."
    knob_changes: int = 0
    "Number of knobs changed in the run so far: each changes the next step."


class NumberColumn(Struct, frozen=True):
    """One column of a table: a number for each row; NaN if it has none."""

    name: str
    values: list[float]


class Derivation(Struct, frozen=True):
    """How the number of one row was computed, as a table."""

    title: str
    row_names: list[str]
    columns: list[NumberColumn]
    result: str = ""
    "The result in words."


class NumberTable(Struct, frozen=True):
    """Elements of one tensor, or of several of one shape, as rows."""

    title: str
    shape: list[int]
    "Of the whole tensor."
    first: int
    "Index of the first shown element."
    total: int
    "Number of elements."
    row_names: list[str]
    "An index, a class or a token."
    columns: list[NumberColumn]
    derivations: list[Derivation] = field(default_factory=list)
    "One for each row, or none."


class Phase(Struct, frozen=True):
    """One stop on the way through a step."""

    part: StepPart
    label: str
    "Label of the layer or parameter, such as `2 Linear`; empty for other phases."
    kind: str
    "Class of the layer, `Linear`, or of the optimizer."
    shapes: list[str]
    "Shapes of inputs and outputs, to be joined by arrows."
    gradient_of: str = ""
    "In the backward pass: `weights` or `input`."
    depth: int = 0
    "Number of blocks around the layer."
    tables: list[NumberTable] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    "Sentences with numbers that belong to no row."
    has_numbers: bool = False
    "Whether the numbers are included; if not, request this phase."


class Edge(Struct, frozen=True):
    """An edge from a node of the graph to one of its inputs."""

    to: int
    "Index of the input node; -1: an input that needs no gradient."
    local: list[float]
    "Local gradient, element by element; empty if it is not elementwise."
    product: list[float]
    "Upstream gradient times local gradient, passed on to the input."
    weights: list[list[float]] = field(default_factory=list)
    "For a matrix product: the first weights of the sum, for each element."


class Node(Struct, frozen=True):
    """One operation of the computational graph, as recorded by autograd."""

    name: str
    "autograd's name, such as `TanhBackward0`."
    description: str
    "The operation in words, or the parameter."
    shape: list[int]
    total: int
    value: list[float]
    "Its output; empty if autograd has not kept it."
    upstream: list[float]
    "Gradient of the loss with respect to its output."
    edges: list[Edge] = field(default_factory=list)
    layer: str = ""
    "The layer whose output this is."


class BackpropResponse(InspectResponse, frozen=True):
    """The phases of the step with their numbers."""

    example: int = 0
    examples: int = 0
    "Batch size."
    optimizer_phase: int = 0
    optimizer_phases: list[str] = field(default_factory=list)
    "What each of them trains, if there are several."
    phases: list[Phase] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    "From the loss back to the inputs."
    slices: int = 1
    "Number of slices of the largest shown tensor."
    is_outdated: bool = False
    "Training has continued since, and a newer answer would have been too slow; ask again."
    note: str = ""
    "Why there is nothing, or what cannot be shown."
