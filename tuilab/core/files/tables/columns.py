"""The kind of each column of a table, inferred from its cells: number, category or left out."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.format import format_count

MISSING_CELLS = frozenset({"", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Cells that stand for a missing value, in lower case."""

MISSING_CATEGORY, OTHER_CATEGORY = "(missing)", "(other)"
"""Extra categories: for missing cells, and for texts that were not in the sample of the file."""

MAX_CATEGORIES = 50
"""A column with more distinct texts holds names or remarks and is left out."""

MAX_CLASSES = 1000
"""A target with more distinct texts (or a tenth as many integers) has no classes."""

MAX_INTEGER_CLASSES = 20
"""Up to this many distinct integers of a target are classes, unless the task says otherwise."""

MIN_ROWS_PER_CLASS = 5
"""More than a few distinct integers are classes only with this many rows each on average."""

INDEX_NAMES = frozenset(
    {"#", "id", "index", "no", "nr", "number", "row", "rownames", "unnamed 1", "unnamed: 0",
     "__index_level_0__"}
)  # fmt: skip
"""Names of columns that may only number the rows, in lower case."""

DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")

OLD_NAMES = {"colour": "color"}  # codespell:ignore
"""Columns of shipped tables that had another name in older versions."""

DATES_UNUSED = "dates are not used; add numbers made from them, such as the month"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table."""

    name: str
    index: int
    "Its position in the file, from 0."
    kind: Literal["number", "category", "left out"]
    values: tuple[str, ...] = ()
    "Categories, each of which is one input (one-hot); or the classes of a target."
    reason: str = ""
    "Why it is left out."

    @property
    def width(self) -> int:
        """The number of inputs of the network that it becomes."""
        return {"number": 1, "category": len(self.values), "left out": 0}[self.kind]


def is_missing(cell: str) -> bool:
    """Returns whether a cell stands for a missing value."""
    return len(cell) < 12 and cell.strip().lower() in MISSING_CELLS


def parse_number(cell: str) -> float:
    """Parses a number, also with a decimal comma; ValueError if it is not one."""
    try:
        value = float(cell)
    except ValueError:
        cell = cell.strip()
        if not DECIMAL_COMMA.fullmatch(cell):
            raise
        value = float(cell.replace(",", "."))
    if "_" in cell:
        raise ValueError(cell)
    return value


def infer_column(name: str, index: int, cells: Sequence[str], is_complete: bool) -> Column:
    """Infers the kind of an input column.

    Args:
        is_complete: whether these are all cells; else the rest of the file may hold other texts.
    """
    present, has_missing = _split_missing(cells)
    reason = ""
    if not present:
        reason = "it is empty"
    elif len(present) == 1 and not has_missing:
        reason = f"it is always {min(present)}"
    elif are_numbers(present):
        if name.lower() not in INDEX_NAMES or not _is_counting(cells):
            return Column(name, index, "number")
        reason = "it only numbers the rows"
    elif all(DATE.fullmatch(cell) for cell in present):
        reason = DATES_UNUSED
    elif len(present) > MAX_CATEGORIES:
        more = "" if is_complete else " or more"
        reason = f"it has {format_count(len(present))} distinct texts{more}"
    if reason:
        return Column(name, index, "left out", reason=reason)
    missing = (MISSING_CATEGORY,) if has_missing else ()
    other = () if is_complete else (OTHER_CATEGORY,)
    return Column(name, index, "category", (*sorted(present), *missing, *other))


def infer_target(name: str, index: int, cells: Sequence[str], rows: int) -> Column:
    """Infers the kind of the target; numbers that can be classes have their values as well.

    Args:
        cells: the cells of all rows, or only the distinct ones.
    """
    present, _ = _split_missing(cells)
    if not present:
        raise InputError("it is the target, but all of its cells are missing", f'column "{name}"')
    is_number = are_numbers(present)
    labels = infer_classes(map(parse_number, present) if is_number else present, rows)
    if len(labels) == 1:
        raise InputError(
            f"it is the target, but always {labels[0]}: there is nothing to predict",
            f'column "{name}"',
        )
    if not is_number and not labels:
        raise InputError(
            f"it is the target, but its {format_count(len(present))} distinct texts are too many",
            f'column "{name}"',
        )
    return Column(name, index, "number" if is_number else "category", labels)


def infer_classes(values: Iterable[str | float], rows: int) -> tuple[str, ...]:
    """Returns the classes that texts or numbers can stand for, in order; () if they cannot.

    Many distinct integers are classes only if each of them is frequent enough.
    """
    distinct = set(values)
    numbers = sorted(value for value in distinct if not isinstance(value, str))
    if not numbers:
        texts = sorted(value for value in distinct if isinstance(value, str))
        return tuple(texts) if len(texts) <= MAX_CLASSES else ()
    if len(numbers) == 1:
        return (f"{numbers[0]:g}",)
    are_rare = len(numbers) > MAX_INTEGER_CLASSES and rows < MIN_ROWS_PER_CLASS * len(numbers)
    are_many = are_rare or len(numbers) > MAX_CLASSES // 10
    if are_many or not all(value.is_integer() for value in numbers):
        return ()
    return tuple(str(int(value)) for value in numbers)


def are_numbers(cells: Iterable[str]) -> bool:
    """Returns whether every cell is a number."""
    try:
        for cell in cells:
            parse_number(cell)
    except ValueError:
        return False
    return True


def current_name(name: str, names: Iterable[str]) -> str:
    """Returns the name of a column in a table; an old name gives today's one if that is there."""
    names = set(names)
    return OLD_NAMES[name] if name not in names and OLD_NAMES.get(name) in names else name


def find_column(target: str, names: Sequence[str], where: str, key: str = "data.target") -> int:
    """Returns the index of a column by its name; the last one without a name."""
    if not target:
        return len(names) - 1
    target = current_name(target, names)
    if target in names:
        return names.index(target)
    raise InputError(with_suggestion(f'there is no column "{target}"', target, names), key, where)


def make_unique(names: Sequence[str]) -> tuple[str, ...]:
    """Returns distinct names: repeated ones get a number, and empty ones are `unnamed 3`."""
    unique: list[str] = []
    for index, original in enumerate(names):
        name, count = original.strip() or f"unnamed {index + 1}", 1
        while name in unique:
            count += 1
            name = f"{original.strip()} ({count})"
        unique.append(name)
    return tuple(unique)


def _split_missing(cells: Sequence[str]) -> tuple[set[str], bool]:
    """Returns the distinct cells with a value, and whether there are missing ones."""
    distinct = {cell.strip() for cell in set(cells)}
    present = {cell for cell in distinct if cell.lower() not in MISSING_CELLS}
    return present, len(present) < len(distinct)


def _is_counting(cells: Sequence[str]) -> bool:
    """Whether each cell is one more than the one before."""
    head = cells[:1000]
    return not any(map(is_missing, head)) and all(
        parse_number(after) - parse_number(before) == 1 for before, after in pairwise(head)
    )
