"""What a user may want to know about how the columns of a table are read, in sentences."""

from collections.abc import Iterable

from tuilab.core.files.tables.columns import Column

MAX_LISTED = 6
"""Columns that a sentence lists."""

AMBIGUOUS = {
    ", decimal": "the comma is taken for a decimal mark; if it separates thousands, "
    'set data.thousands to ","',
    ", thousands": "the comma is taken to separate thousands; if it is a decimal mark, "
    'set data.decimal to ","',
    ". decimal": "the point is taken for a decimal mark; if it separates thousands, "
    'set data.thousands to "."',
    ". thousands": "the point is taken to separate thousands; if it is a decimal mark, "
    'set data.decimal to "."',
}
"""What is said where both conventions fit all cells of a column."""


def describe_columns(columns: Iterable[Column], target: Column) -> tuple[str, ...]:
    """Returns one sentence for each decision a user may not expect, with its columns."""
    topics: dict[str, list[tuple[str, str]]] = {}
    for column in columns:
        for topic, detail in column.notes:
            topics.setdefault(topic, []).append((f'"{column.name}"', detail))
    return tuple(_describe(topic, pairs) for topic, pairs in topics.items())


def _describe(topic: str, pairs: list[tuple[str, str]]) -> str:
    names = _join([name for name, _ in pairs])
    details = _join([f"{name} {detail}".strip() for name, detail in pairs])
    match topic:
        case "unit":
            return f"Units: {_join([f'{name} in {unit}' for name, unit in pairs])}."
        case "scale":
            return f"Suffixes multiply: {details}."
        case "feet":
            return f"Feet and inches as inches: {names}."
        case "fraction":
            return f"Fractions as numbers: {names}."
        case "pair":
            return (
                f"Two numbers in a cell taken for a category: {details}; split such a column into "
                "two to have numbers."
            )
        case "decimal":
            return f"Decimal commas: {names}."
        case "thousands":
            return f"Separators between thousands: {details}."
        case "ambiguous":
            return f"{names}: {AMBIGUOUS[pairs[0][1]]}."
        case "limit":
            return f"Limits read as the number itself: {_join(_limits(pairs))}."
        case "date":
            listed = [f"{name} ({detail})" if detail else name for name, detail in pairs]
            return f"Dates and times as a number of days: {_join(listed)}."
        case "ambiguous date":
            order, other = ("day", "mdy") if pairs[0][1].startswith("day") else ("month", "dmy")
            return (
                f"Dates as a number of days: {names}; the {order} is taken to come first; if not, "
                f'set data.kinds of the column to "{other}".'
            )
        case "time":
            return f"Times since 1970: {names}."
        case "spelling":
            return f"Spellings combined: {_join([f'{n} ({d[:60]})' for n, d in pairs])}."
        case "code":
            return f"Digits taken for categories, not numbers: {names}."
        case "class word":
            return f"Taken for classes, not missing: {_join([d for _, d in pairs])} in {names}."
        case "only input":
            return f"{names} only numbers the rows, but there is no other input."
    raise ValueError(topic)


def _limits(pairs: list[tuple[str, str]]) -> list[str]:
    """Returns how many cells of each column are limits such as <0.1."""
    details = [(name, *detail.partition(" ")) for name, detail in pairs]
    return [f"{count} with {sign} in {name}" for name, count, _, sign in details]


def _join(parts: list[str]) -> str:
    more = f" and {len(parts) - MAX_LISTED} more" if len(parts) > MAX_LISTED else ""
    return ", ".join(parts[:MAX_LISTED]) + more
