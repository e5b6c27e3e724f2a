"""One training step in slow motion: every number of its forward and backward pass."""

from typing import Literal

from msgspec import Struct, field

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

NEAR = 16
"""Phases on either side of the wanted one that come with their numbers."""

Part = Literal["batch", "forward", "loss", "backward", "optimizer", "weights"]
"""What a step consists of, in order."""

PARTS: tuple[Part, ...] = ("batch", "forward", "loss", "backward", "optimizer", "weights")


class BackpropRequest(InspectRequest, frozen=True):
    """The next training step, on one example of its batch; nothing of the run changes."""

    example: int = 0
    "Which one of the batch, from 0."
    turn: int = 0
    "Of a task that takes several in a step, such as a GAN with its two sides."
    slice: int = 0
    "Of every tensor that has more elements than are told at once, which stretch of them."
    phase: int = 0
    "The phases around this one come with their numbers."
    graph: bool = False
    "Whether the computational graph is wanted too."
    changes: int = 0
    "How many knobs were turned in the run so far: each makes the next step another one."


class Numbers(Struct, frozen=True):
    """One column of a table: a number for each row; NaN where there is none."""

    name: str
    values: list[float]


class Origin(Struct, frozen=True):
    """How the number of one row came about, as a table of its own."""

    title: str
    names: list[str]
    columns: list[Numbers]
    result: str = ""
    "What the rows come to, in words."


class Table(Struct, frozen=True):
    """Elements of one tensor, or of several of one shape, as rows."""

    title: str
    shape: list[int]
    "Of the whole tensor."
    first: int
    "Where the stretch begins that is told."
    total: int
    "Elements in all."
    names: list[str]
    "Of the rows: an index, a class, a token."
    columns: list[Numbers]
    origins: list[Origin] = field(default_factory=list)
    "One for each row, or none."


class Phase(Struct, frozen=True):
    """One stop on the way of a step."""

    part: Part
    label: str
    "Of the layer or parameter, such as `2 Linear`; empty for what is there once."
    kind: str
    "The class of the layer, `Linear`, or of the optimizer."
    shapes: list[str]
    "What goes in and what comes out, to be joined by arrows."
    towards: str = ""
    "Of a way back: `weights` or `input`."
    depth: int = 0
    "In how many blocks the layer stands."
    tables: list[Table] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)
    "Sentences with numbers that belong to no row."
    is_told: bool = False
    "Whether the numbers are here; else the phase must be wanted."


class Edge(Struct, frozen=True):
    """The way from a node of the graph to one of its inputs."""

    to: int
    "The node it goes to; −1: to something that needs no gradient."
    local: list[float]
    "What the value gains by a small gain of the input, element by element; empty if not so."
    product: list[float]
    "Upstream gradient times local gradient: what goes on to the input."
    weights: list[list[float]] = field(default_factory=list)
    "Of a product of matrices: for each element the first weights that it is a sum with."


class Node(Struct, frozen=True):
    """One operation of the computational graph, as autograd keeps it."""

    name: str
    "autograd's, such as `TanhBackward0`."
    about: str
    "The operation in words, or the parameter that stands here."
    shape: list[int]
    total: int
    value: list[float]
    "What it has computed; empty where nobody has kept it."
    upstream: list[float]
    "How the loss changes with its value."
    edges: list[Edge] = field(default_factory=list)
    layer: str = ""
    "The layer whose output this is."


class BackpropResponse(InspectResponse, frozen=True):
    """The phases of the step with their numbers."""

    example: int = 0
    examples: int = 0
    "How many the batch has."
    turn: int = 0
    turns: list[str] = field(default_factory=list)
    "What each of them learns, where there are several."
    phases: list[Phase] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    "From the loss back to the inputs."
    slices: int = 1
    "Stretches that the largest tensor told of has."
    is_old: bool = False
    "Training has gone on since: a newer answer would have cost it too much; ask again."
    note: str = ""
    "Why there is nothing, or what cannot be shown."
