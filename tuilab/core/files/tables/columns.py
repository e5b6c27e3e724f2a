"""What a column of a table is, guessed from its cells: numbers, categories, or nothing to learn."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from tuilab.core.errors import InputError, nearest

MISSING = frozenset({"", "?", "-", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Cells, in small letters, that say that nothing is known."""

ABSENT, OTHER = "(missing)", "(other)"
"""Categories of their own: nothing is known; a text that was not met in the look at the file."""

MOST_CATEGORIES = 50
"""Different texts of a column, above which it is a name or a remark and no category."""

MOST_CLASSES = 1000
"""Different texts, or 100 whole numbers, of the target, above which they are no classes."""

FEW_CLASSES = 20
"""Different whole numbers of the target, up to which they are classes unless the task says not."""

OFTEN = 5
"""How often more than a few whole numbers come on average, if they are classes."""

COUNTERS = frozenset(
    {"#", "id", "index", "no", "nr", "number", "row", "rownames", "unnamed 1", "unnamed: 0",
     "__index_level_0__"}
)  # fmt: skip
"""Names, in small letters, of columns that may do nothing but number the rows."""

DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}([T ].*)?|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}( .*)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+(,\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table, as it is used."""

    name: str
    place: int
    "Where it stands in the file, from 0."
    kind: Literal["number", "category", "left out"]
    values: tuple[str, ...] = ()
    "Categories, each of which is an input of its own; or the classes of a target."
    why: str = ""
    "Why it is left out."

    @property
    def width(self) -> int:
        """How many inputs it makes."""
        return {"number": 1, "category": len(self.values), "left out": 0}[self.kind]


def is_missing(cell: str) -> bool:
    """Whether a cell says that nothing is known."""
    return len(cell) < 12 and cell.strip().lower() in MISSING


def number(cell: str) -> float:
    """A number, also with a decimal comma; ValueError where there is none."""
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


def guessed(name: str, place: int, cells: Sequence[str], is_whole: bool) -> Column:
    """What a column of inputs is.

    Args:
        is_whole: the cells are all there are; else a text may come that is not among them.
    """
    present, is_complete = _present(cells)
    why = ""
    if not present:
        why = "it is empty"
    elif len(present) == 1 and is_complete:
        why = f"it is always {min(present)}"
    elif are_numbers(present):
        if name.lower() not in COUNTERS or not _counts(cells):
            return Column(name, place, "number")
        why = "it only numbers the rows"
    elif all(DATE.fullmatch(cell) for cell in present):
        why = "dates are not used; make numbers of them, such as the month or days since a day"
    elif len(present) > MOST_CATEGORIES:
        why = f"it has {len(present):,} different texts{'' if is_whole else ' or more'}"
    if why:
        return Column(name, place, "left out", why=why)
    others = ((ABSENT,) if not is_complete else ()) + ((OTHER,) if not is_whole else ())
    return Column(name, place, "category", (*sorted(present), *others))


def asked(name: str, place: int, cells: Sequence[str], rows: int) -> Column:
    """What the target is: classes as a category with its values, numbers, or both.

    Args:
        cells: of all rows, or only those that differ.
    """
    present, _ = _present(cells)
    if not present:
        raise InputError("it is the target, and every cell of it is missing", f'column "{name}"')
    is_number = are_numbers(present)
    labels = classes(map(number, present) if is_number else present, rows)
    if len(labels) == 1:
        raise InputError(
            f"it is the target, and always {labels[0]}: there is nothing to tell apart",
            f'column "{name}"',
        )
    if not is_number and not labels:
        raise InputError(
            f"it is the target, and has {len(present):,} different texts: too many for classes",
            f'column "{name}"',
        )
    return Column(name, place, "number" if is_number else "category", labels)


def classes(values: Iterable[str | float], rows: int) -> tuple[str, ...]:
    """The classes that texts or numbers can be taken for, in order; none if they cannot.

    Many whole numbers are classes only where each comes often enough to be learned.
    """
    distinct = set(values)
    numbers = sorted(value for value in distinct if not isinstance(value, str))
    if not numbers:
        texts = sorted(value for value in distinct if isinstance(value, str))
        return tuple(texts) if len(texts) <= MOST_CLASSES else ()
    if len(numbers) == 1:
        return (f"{numbers[0]:g}",)
    are_rare = len(numbers) > FEW_CLASSES and rows < OFTEN * len(numbers)
    are_many = are_rare or len(numbers) > MOST_CLASSES // 10
    if are_many or not all(value.is_integer() for value in numbers):
        return ()
    return tuple(str(int(value)) for value in numbers)


def are_numbers(cells: Iterable[str]) -> bool:
    """Whether every cell is a number."""
    try:
        for cell in cells:
            number(cell)
    except ValueError:
        return False
    return True


def chosen(target: str, names: Sequence[str], where: str, key: str = "data.target") -> int:
    """The place of the column of a name; the last one where no name is given."""
    if not target:
        return len(names) - 1
    if target in names:
        return names.index(target)
    problem = f'there is no column "{target}"; {nearest(target, names)}'.rstrip("; ")
    raise InputError(problem, key, where)


def distinct_names(names: Sequence[str]) -> tuple[str, ...]:
    """The same names, with a number behind one that was there before, or for one that is empty."""
    found: list[str] = []
    for place, given in enumerate(names):
        name, count = given.strip() or f"unnamed {place + 1}", 1
        while name in found:
            count += 1
            name = f"{given.strip()} ({count})"
        found.append(name)
    return tuple(found)


def _present(cells: Sequence[str]) -> tuple[set[str], bool]:
    """The different cells that say something, and whether all of them do."""
    distinct = {cell.strip() for cell in set(cells)}
    present = {cell for cell in distinct if cell.lower() not in MISSING}
    return present, len(present) == len(distinct)


def _counts(cells: Sequence[str]) -> bool:
    """Whether each cell is one more than the one before."""
    some = cells[:1000]
    return not any(map(is_missing, some)) and all(
        number(after) - number(before) == 1 for before, after in pairwise(some)
    )
