"""What every data set is: its knobs, and the shapes and classes that a network meets."""

from typing import Annotated, ClassVar, Literal

from msgspec import Struct

from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape

Task = Literal[
    "classification", "regression", "language_model", "autoencoder", "gan", "perceptron"
]  # fmt: skip
"""What is to be learned; see `catalogue.tasks`."""


BatchSize = Annotated[
    int,
    knob(
        "Examples in each step; 0: all of them at once", ge=0, le=1_000_000,
        unit="examples", live=True, log=True,
    ),
]  # fmt: skip
Validation = Annotated[
    float, knob("Part of the training examples held back to measure on", ge=0, le=0.9)
]
Samples = Annotated[
    int, knob("Examples to draw, training and validation together", ge=1, le=1_000_000, log=True)
]
Imbalance = Annotated[
    float,
    knob("How much rarer each class is than the one before; 0: as they come", ge=0, le=0.95),
]
LabelNoise = Annotated[
    float, knob("Part of the training labels replaced by another class", ge=0, le=1)
]
TestShift = Annotated[
    float,
    knob("How far the test examples move: points aside; pictures turn and pale", ge=0, le=1),
]
"""Knobs that several sets have; the engine acts on `imbalance` and `label_noise` of any set."""


class Data(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """What every data set has."""

    validation: Validation = 0.2

    picture: ClassVar[str] = "none"
    "How a result is drawn: `plane` (two inputs), `curve` (one input), `images` or `none`."
    graph: ClassVar[bool] = False
    "Whether it is one example whose positions are the nodes of a graph."
    is_collected: ClassVar[bool] = False
    "Whether somebody collected it: then balance and repetitions are told when it is loaded."

    @property
    def tasks(self) -> tuple[Task, ...]:
        """What can be learned from it, the usual one first."""
        return ("classification",)

    @property
    def shape(self) -> Shape:
        """The shape of one input; `Tokens` where it consists of token numbers."""
        raise NotImplementedError(type(self).__name__)

    @property
    def positions(self) -> Shape:
        """The shape of the targets of one example where every position has one; else ()."""
        return ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty where there are none to tell."""
        return ()

    @property
    def state(self) -> object:
        """What decides its examples besides knobs and seed: the state of a file that is read."""
        return None

    @property
    def title(self) -> str:
        """The name as a heading shows it."""
        return str(self.__struct_config__.tag).replace("_", " ").capitalize()


class Examples(Data, frozen=True, kw_only=True):
    """A set of many examples, some of which make a step."""

    batch_size: BatchSize = 32


class Numbers(Examples, frozen=True, kw_only=True):
    """A set whose inputs are numbers, not tokens."""

    normalize: Annotated[
        bool,
        knob("Shift and scale the inputs to mean 0 and spread 1, as measured on the training part"),
    ] = True
