"""Targets of a table that are several labels: a column for each, or lists in one column."""

from collections.abc import Callable
from dataclasses import dataclass

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import Column

YES_AND_NO = 2
"""Distinct values of a column that says whether a label applies: the second in order is yes."""


@dataclass(frozen=True, slots=True)
class Labels:
    """What a table says about several labels of each row."""

    names: tuple[str, ...]
    columns: tuple[Column, ...]
    "One for each label, or a single one of lists."
    separator: str = ""
    "What separates the labels of a list."

    @property
    def are_probabilities(self) -> bool:
        """Whether the columns hold any numbers, not only two values such as 0 and 1."""
        return (
            any(len(column.values) != YES_AND_NO for column in self.columns) and not self.separator
        )


def find_labels(
    column: Column, others: list[str], find: Callable[[str], Column], separator: str, where: str
) -> Labels:
    """Finds the labels of each row.

    Args:
        column: the target, or the first of several.
        others: the names of the other columns of labels.
        find: returns a column by its name, as a target.

    Raises:
        InputError: a column is neither yes or no nor numbers, or no cell holds a list.
    """
    if separator:
        return _find_in_lists(column, separator, where)
    columns = (column, *map(find, others))
    for each in columns:
        if each.kind == "category" and len(each.values) != YES_AND_NO:
            values = ", ".join(each.values[:4])
            raise InputError(
                f'"{each.name}" is one of several columns in data.target, so it must be 0 or 1, '
                f"or a probability; it has {len(each.values)} values ({values} …)",
                where,
            )
    return Labels(tuple(each.name for each in columns), columns)


def split_list(cell: str, separator: str) -> list[str]:
    """Returns the labels in a cell.

    >>> split_list("comedy; drama", ";")
    ['comedy', 'drama']
    """
    return [part for each in cell.split(separator) if (part := each.strip())]


def _find_in_lists(column: Column, separator: str, where: str) -> Labels:
    names = sorted({label for value in column.values for label in split_list(value, separator)})
    if not any(separator in value for value in column.values):
        raise InputError(
            f'the cells of "{column.name}" hold no lists of labels separated by "{separator}"; set '
            "data.label_separator to what separates them",
            where,
        )
    return Labels(tuple(names), (column,), separator)
