"""A table of the user: each row is an example; one column is predicted from the others.

What reads tables is imported late: the first frame of most experiments does without it.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from tuilab.core.catalogue.data.data_set import (
    Imbalance,
    LabelNoise,
    NumericDataSet,
    SplitName,
    TaskName,
)
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.knobs import knob
from tuilab.core.files.file_state import stat_file
from tuilab.core.files.tables.read_options import (
    ColumnKind,
    DecimalOption,
    HeaderOption,
    ReadOptions,
    ThousandsOption,
    parse_delimiter,
)
from tuilab.core.network.layer import Shape

if TYPE_CHECKING:
    from tuilab.core.files.tables.columns import Column
    from tuilab.core.files.tables.table import TableInfo


HeldOutName = Literal["validation", "test"]
"""A set that can have a file of its own."""


class Table(NumericDataSet, frozen=True, kw_only=True, tag="table"):
    """Your own table: CSV, TSV, NPZ, Parquet, xlsx ...; one column is predicted from the others.

    Use: your own measurements. Text columns become categories; missing values are filled with
      the mean of the training set. In an NPZ file, x holds the inputs and y the targets. The first
      bytes decide what the file is; it may be packed (.gz, .bz2, .xz, .zip). What was made of the
      columns is said when a run begins; `kinds`, `decimal`, `thousands` and `missing` correct it.
    """

    path: Annotated[
        str, knob("The file: CSV, TSV, NPZ, Parquet, xlsx, ods, JSON or ARFF", path=True)
    ] = ""
    target: Annotated[
        str,
        knob("The column to predict, or the array of an NPZ; empty: class, label, y, or the last; "
             "several columns of labels or probabilities, separated by commas"),
    ] = ""  # fmt: skip
    label_separator: Annotated[
        str, knob('What separates the labels where the target holds lists, such as ";"')
    ] = ""
    leave_out: Annotated[str, knob("Columns to leave out of the inputs, separated by commas")] = ""
    group: Annotated[
        str, knob("A column of categories; metrics are also reported for each of its groups")
    ] = ""
    header: Annotated[
        HeaderOption,
        knob("Whether the first line of a text file names the columns; auto: detected"),
    ] = "auto"
    encoding: Annotated[
        str,
        knob("The encoding of a text file, such as cp1251 or shift_jis; auto: Unicode, or guessed"),
    ] = "auto"
    delimiter: Annotated[
        str, knob("What separates the cells of a text file, such as ; or tab; auto: detected")
    ] = "auto"
    sheet: Annotated[
        str, knob("The sheet of a spreadsheet, by name or number; empty: the first with a table")
    ] = ""
    kinds: Annotated[
        dict[str, ColumnKind],
        knob(
            "What columns are where it is not found right, as in zip = category: number, category, "
            "exact (case and spaces count), date, dmy, mdy (what comes first), left out"
        ),
    ] = {}  # noqa: RUF012  (msgspec copies it)
    decimal: Annotated[
        DecimalOption, knob("The decimal mark of numbers in texts; auto: by the evidence")
    ] = "auto"
    thousands: Annotated[
        ThousandsOption, knob("What separates thousands; auto: by the evidence")
    ] = "auto"
    missing: Annotated[
        str, knob("Further cells that are missing values, separated by commas, such as -999")
    ] = ""
    normalize_target: Annotated[
        bool,
        knob("Standardize the target of a regression; errors are then in its standard deviations"),
    ] = True
    test: Annotated[float, knob("Fraction of the rows in the test set", ge=0, le=0.9)] = 0.15
    test_path: Annotated[
        str, knob("A file of its own with the test set, with the same columns", path=True)
    ] = ""
    validation_path: Annotated[
        str, knob("A file of its own with the validation set, with the same columns", path=True)
    ] = ""
    split: Annotated[
        SplitName,
        knob("How rows are held out; auto: stratified where chance would leave out a class"),
    ] = "auto"
    split_by: Annotated[
        str,
        knob(
            "The column whose groups stay together (grouped), or with the time (ordered); empty: "
            "the order of the rows"
        ),
    ] = ""
    imbalance: Imbalance = 0.0
    label_noise: LabelNoise = 0.0

    is_collected: ClassVar[bool] = True

    @property
    def info(self) -> "TableInfo":
        """The columns, shape and classes of the file; raises InputError where it is unusable."""
        from tuilab.core.files.tables.columns import current_name

        schema = self._inspect()
        names = [column.name for column in _category_columns(schema)]
        if self.group and current_name(self.group, names) not in names:
            problem = f'there is no column "{self.group}" of categories'
            raise InputError(with_suggestion(problem, self.group, names), "data.group")
        return self._check_split(schema)

    def _check_split(self, schema: "TableInfo") -> "TableInfo":
        """Returns the table without the column that groups the rows among its inputs."""
        from tuilab.core.files.tables.table import leave_out_column

        if self.split == "grouped" and not self.split_by:
            raise InputError("name the column whose groups stay together", "data.split_by")
        if self.split not in ("grouped", "ordered") or not self.split_by:
            return schema
        columns = (*schema.inputs, *([schema.target] if schema.target else []))
        names = [column.name for column in columns]
        if self.split_by not in names:
            problem = with_suggestion(f'there is no column "{self.split_by}"', self.split_by, names)
            raise InputError(problem, "data.split_by")
        return leave_out_column(schema, self.split_by) if self.split == "grouped" else schema

    @property
    def split_name(self) -> SplitName:
        return self.split

    @property
    def held_out_paths(self) -> dict[HeldOutName, str]:
        """The files of the validation and the test set, where they have their own."""
        paths: dict[HeldOutName, str] = {
            "validation": self.validation_path, "test": self.test_path,
        }  # fmt: skip
        return {name: path for name, path in paths.items() if path}

    @property
    def held_out(self) -> "dict[HeldOutName, TableInfo]":
        """The columns of these files."""
        from tuilab.core.files.tables.table import inspect_held_out

        return {
            name: inspect_held_out(
                path, self.info, self.target, self.read_options, f"data.{name}_path"
            )
            for name, path in self.held_out_paths.items()
        }

    @property
    def read_options(self) -> ReadOptions:
        """What the knobs say about how the cells are read."""
        words = (word.strip().strip("\"'").lower() for word in self.missing.split(","))
        return ReadOptions(
            self.header, self.decimal, self.thousands, tuple(filter(None, words)),
            tuple(self.kinds.items()), self.encoding, parse_delimiter(self.delimiter), self.sheet,
        )  # fmt: skip

    def _inspect(self) -> "TableInfo":
        """Returns the columns of the file, with several labels where the target says so."""
        from tuilab.core.files.tables.labels import find_labels
        from tuilab.core.files.tables.table import inspect_table

        def inspect(target: str, leave_out: str = "") -> "TableInfo":
            return inspect_table(self.path, target, leave_out, self.read_options)

        def find_target(name: str) -> "Column":
            column = inspect(name).target
            assert column is not None
            return column

        names = [name.strip() for name in self.target.split(",") if name.strip()]
        if not self.label_separator and (len(names) < 2 or self._is_one_column(inspect)):
            return inspect(self.target, self.leave_out)
        target, others = (self.target, []) if self.label_separator else (names[0], names[1:])
        schema = inspect(target, ", ".join(filter(None, (self.leave_out, *others))))
        if schema.target is None:
            problem = "an NPZ archive has one array of targets, whose columns can be labels"
            raise InputError(problem, "data.target")
        for name in self.held_out_paths:
            raise InputError(
                f"a {name} set in a file of its own needs a single target; set data.{name} to a "
                "fraction of the rows instead",
                f"data.{name}_path",
            )
        labels = find_labels(
            schema.target, others, find_target, self.label_separator, str(schema.file.path)
        )
        inputs = tuple(column for column in schema.inputs if column.name not in others)
        return replace(schema, inputs=inputs, classes=labels.names, labels=labels)

    def _is_one_column(self, inspect: Callable[[str], "TableInfo"]) -> bool:
        """Returns whether a target with commas is the name of one column."""
        try:
            inspect(self.target)
        except InputError:
            return False
        return True

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the groups that metrics are reported for, if any."""
        column = self.group_column
        return () if column is None else column.values

    @property
    def group_column(self) -> "Column | None":
        """The column that metrics are reported by, if any."""
        from tuilab.core.files.tables.columns import current_name

        columns = _category_columns(self.info)
        name = current_name(self.group, (column.name for column in columns))
        return next((column for column in columns if column.name == name), None)

    @property
    def shape(self) -> Shape:
        return self.info.shape

    @property
    def classes(self) -> tuple[str, ...]:
        try:
            return self.info.classes
        except InputError:  # the same error is raised, and shown, by `shape`
            return ()

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        try:
            schema = self.info
        except InputError:
            return ("classification", "regression", "perceptron", "autoencoder")
        if schema.labels is not None:
            return ("soft_labels",) if schema.labels.are_probabilities else ("multi_label",)
        if not schema.classes:
            return ("regression", "autoencoder")
        tasks: tuple[TaskName, ...] = ("classification",)
        if schema.is_numeric:
            tasks = (*tasks, "regression") if schema.prefers_classes else ("regression", *tasks)
        two: tuple[TaskName, ...] = ("perceptron",) if len(schema.classes) == 2 else ()
        return (*tasks, *two, "autoencoder")

    @property
    def files(self) -> tuple[Path, ...]:
        paths = (self.path, *self.held_out_paths.values())
        return tuple(stat_file(path, "a table").path for path in paths)

    @property
    def file_state(self) -> object:
        return (self.info.file, *((name, info.file) for name, info in self.held_out.items()))

    @property
    def title(self) -> str:
        return Path(self.path).stem or "Table"


def _category_columns(schema: "TableInfo") -> "list[Column]":
    """Returns the input columns by whose values examples can be grouped."""
    return [column for column in schema.inputs if column.kind == "category" and column.width]
