"""The base classes of all data sets: shared knobs, shapes, classes and tasks."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Struct

from tuilab.core.experiment.knobs import knob
from tuilab.core.network.layer import Shape

TaskName = Literal[
    "classification", "regression", "language_model", "autoencoder", "gan", "perceptron",
    "multi_label", "soft_labels",
]  # fmt: skip
"""The task to learn; see `catalogue.tasks`."""


SplitName = Literal["auto", "random", "stratified", "grouped", "ordered"]
"""How examples are divided into training, validation and test set."""

BatchSize = Annotated[
    int,
    knob(
        "Training examples per step; 0: the whole training set", ge=0, le=1_000_000,
        unit="examples", live=True, log=True, zero="all",
    ),
]  # fmt: skip
Validation = Annotated[
    float, knob("Fraction of the training examples held out for validation", ge=0, le=0.9)
]
Samples = Annotated[
    int, knob("Examples to generate for training and validation", ge=1, le=1_000_000, log=True)
]
Imbalance = Annotated[
    float,
    knob("How much rarer each class is than the previous one; 0: unchanged", ge=0, le=0.95),
]
LabelNoise = Annotated[
    float, knob("Fraction of the training labels replaced by another class", ge=0, le=1)
]
Normalize = Annotated[
    bool, knob("Standardize the inputs by the mean and standard deviation of the training set")
]
TestShift = Annotated[
    float,
    knob("Shift of the test set: points move right, images rotate and fade", ge=0, le=1),
]
ValidationShift = Annotated[float, knob("The same shift of the validation set", ge=0, le=1)]
"""Knobs that several data sets share; the engine applies `imbalance` and `label_noise` to any."""


class DataSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="name"):
    """The base class of all data sets; those with a `tag` of their own can be chosen."""

    validation: Validation = 0.2

    plot_kind: ClassVar[str] = "none"
    "How results are drawn: `plane` (two inputs), `curve` (one input), `images` or `none`."
    is_graph: ClassVar[bool] = False
    "Whether it is a single example whose positions are the nodes of a graph."
    is_collected: ClassVar[bool] = False
    "Whether it holds real examples; class balance and duplicates are then reported on loading."

    @property
    def batch_size(self) -> int:
        """The number of training examples per step; 0: the whole training set."""
        return 0

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """The tasks that it can be used for, the default first."""
        return ("classification",)

    @property
    def shape(self) -> Shape:
        """The shape of one input; `Tokens` where it consists of token numbers."""
        raise NotImplementedError(type(self).__name__)

    @property
    def target_shape(self) -> Shape:
        """The shape of one example's targets where every position has one; else ()."""
        return ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; empty for other tasks than classification."""
        return ()

    @property
    def split_name(self) -> SplitName:
        """How examples are divided where the data set does not say which are held out."""
        return "random"

    @property
    def files(self) -> tuple[Path, ...]:
        """The files and folders of the user that it reads; InputError where one is missing."""
        return ()

    @property
    def file_state(self) -> object:
        """The state of the files it reads, which decides its examples besides knobs and seed."""
        return None

    @property
    def title(self) -> str:
        """The name as a heading shows it."""
        return str(self.__struct_config__.tag).replace("_", " ").capitalize()


class BatchedDataSet(DataSet, frozen=True, kw_only=True):
    """A data set of many examples; each step takes a batch of them."""

    batch_size: BatchSize = 32


class NumericDataSet(BatchedDataSet, frozen=True, kw_only=True):
    """A data set whose inputs are numbers, not tokens."""

    normalize: Normalize = True
