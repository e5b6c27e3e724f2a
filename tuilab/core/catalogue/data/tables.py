"""A table of the user's own: one row an example, one column to be told from the others."""

from pathlib import Path
from typing import Annotated, ClassVar

from tuilab.core.catalogue.data.data_set import Imbalance, LabelNoise, Numbers, Task
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.knobs import knob
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.delimited import Header
from tuilab.core.files.tables.table import Look, look
from tuilab.core.network.layer import Shape


class Table(Numbers, frozen=True, kw_only=True, tag="table"):
    """A table of yours: CSV, TSV, NPZ or Parquet; one column is told from the others.

    Use: your own measurements. Texts become categories, gaps are filled with the mean of the
      training part. With NPZ, x holds the inputs and y the target.
    """

    path: Annotated[str, knob("The file: .csv, .tsv, .npz or .parquet")] = ""
    target: Annotated[
        str, knob("The column to be told, or the array of an NPZ; empty: the last, or y")
    ] = ""
    leave_out: Annotated[
        str, knob("Columns that the network must not see, with commas between their names")
    ] = ""
    group: Annotated[
        str, knob("A column of categories: scores are told for each of its groups as well")
    ] = ""
    header: Annotated[
        Header, knob("Whether the first line of a text file names the columns; auto: guessed")
    ] = "auto"
    normalize_target: Annotated[
        bool,
        knob("In a regression, shift and scale the target as well; errors are then in its spreads"),
    ] = True
    test: Annotated[float, knob("Part of the rows kept for the last measurement", ge=0, le=0.9)] = (
        0.15
    )
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    is_collected: ClassVar[bool] = True

    @property
    def look(self) -> Look:
        """What is known of the file; InputError where it cannot be used."""
        seen = look(self.path, self.target, self.leave_out, self.header)
        if self.group and not any(column.name == self.group for column in _grouping(seen)):
            offer = nearest(self.group, [column.name for column in _grouping(seen)])
            problem = f'there is no column "{self.group}" of categories; {offer}'
            raise InputError(problem.rstrip("; "), "data.group")
        return seen

    @property
    def groups(self) -> tuple[str, ...]:
        """What the groups are called, if scores are told of any."""
        found = (column for column in _grouping(self.look) if column.name == self.group)
        return next((column.values for column in found), ())

    @property
    def shape(self) -> Shape:
        return self.look.shape

    @property
    def classes(self) -> tuple[str, ...]:
        try:
            return self.look.classes
        except InputError:  # what `shape` says is shown
            return ()

    @property
    def tasks(self) -> tuple[Task, ...]:
        try:
            seen = self.look
        except InputError:
            return ("classification", "regression", "perceptron", "autoencoder")
        if not seen.classes:
            return ("regression", "autoencoder")
        told: tuple[Task, ...] = ("classification",)
        if seen.is_number:
            told = (*told, "regression") if seen.prefers_classes else ("regression", *told)
        two: tuple[Task, ...] = ("perceptron",) if len(seen.classes) == 2 else ()
        return (*told, *two, "autoencoder")

    @property
    def state(self) -> object:
        return self.look.file

    @property
    def title(self) -> str:
        return Path(self.path).stem or "Table"


def _grouping(seen: Look) -> list[Column]:
    """The columns by whose values examples can be told apart into groups."""
    return [column for column in seen.inputs if column.kind == "category" and column.width]
