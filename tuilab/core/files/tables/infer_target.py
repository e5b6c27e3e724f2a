"""What the target of a table is: a number, or classes."""

from collections.abc import Iterable
from dataclasses import replace

from tuilab.core.errors import InputError
from tuilab.core.files.tables.column_profile import (
    MAX_BAD_SHARE,
    MAX_REFUSED_SHARE,
    FileContext,
    Profile,
    choose_spellings,
    could_be_categories,
    describe_format,
    describe_pairs,
    has_case_pairs,
    refuse,
)
from tuilab.core.files.tables.columns import Column
from tuilab.core.files.tables.date_format import choose_date_format
from tuilab.core.files.tables.missing_words import HUMAN_WORDS, is_missing_for_certain
from tuilab.core.files.tables.number_format import parse_number
from tuilab.core.format import format_count, format_counted

MAX_CLASSES = 1000
"""A target with more distinct texts (or a tenth as many integers) has no classes."""

MAX_INTEGER_CLASSES = 20
"""Up to this many distinct integers of a target are classes, unless the task says otherwise."""

MIN_ROWS_PER_CLASS = 5
"""More than a few distinct integers are classes only with this many rows each on average."""


def infer_target(profile: Profile, context: FileContext, declared: str = "") -> Column:
    """Infers the kind of the target; numbers that can be classes have their values as well."""
    cells = profile.cells
    where = f'column "{cells.name}"'
    if declared in ("date", "dmy", "mdy", "left out"):
        problem = (
            f'it is the target, so it cannot be "{declared}"; set data.target to another column'
        )
        raise InputError(problem, where)
    column = None
    is_class = declared in ("category", "exact") or _is_code_class(profile)
    is_class |= profile.are_limits and declared != "number"
    if profile.present and not is_class:
        column = _infer_number_target(profile, context, declared == "number")
    if column is None and profile.present and not declared:
        date = choose_date_format(profile.present, 1 - MAX_BAD_SHARE, context.prefers_day)
        if date is not None and date.order == "time":
            notes = (("date", "time of day"),)
            return Column(cells.name, cells.index, "date", date_format=date, notes=notes)
        if date is not None and not could_be_categories(profile):
            problem = "it is the target, but holds dates; set data.target to another column"
            raise InputError(problem, where)
    column = column or _infer_classes_target(profile, context, declared)
    if len(column.values) == 1:
        raise InputError(
            f"it is the target, but always {column.values[0]}: there is nothing to predict; "
            "data.target names another column",
            where,
        )
    if column.kind == "category" and not column.values:
        count = format_counted(len(profile.present), "distinct text")
        problem = (
            f"it is the target, but its {count} are too many; data.target names another column"
        )
        raise InputError(problem, where)
    return column


def _is_code_class(profile: Profile) -> bool:
    return any(len(cell) > 1 and cell[0] == "0" and cell.isdecimal() for cell in profile.present)


def _infer_number_target(
    profile: Profile, context: FileContext, is_declared: bool
) -> Column | None:
    cells = profile.cells
    style = profile.choose_number_format(context)
    bad = profile.find_bad(style)
    if len(bad) == len(profile.present):
        if is_declared:
            raise refuse(profile, context, bad, "none of its cells is a number")
        return None
    share = profile.share(bad)
    if share > MAX_BAD_SHARE and not is_declared:
        if share > MAX_REFUSED_SHARE or could_be_categories(profile):
            return None
        raise refuse(
            profile,
            context,
            bad,
            f"{format_count(profile.count(bad))} of its cells are not numbers",
        )
    wrong = set(bad)
    numbers = {parse_number(cell, style) for cell in profile.present if cell not in wrong}
    labels = () if is_declared and len(numbers) > 1 else infer_classes(numbers, cells.rows)
    notes = describe_format(profile, style)
    return Column(
        cells.name, cells.index, "number", labels, number_format=style, notes=notes,
        is_declared=is_declared,
    )  # fmt: skip


def _infer_classes_target(profile: Profile, context: FileContext, declared: str) -> Column:
    """Returns a target of texts; words such as none and NA are classes unless they are missing."""
    cells, missing = profile.cells, {*context.options.missing, *context.missing_words}
    present = {
        cell: count
        for cell, count in cells.counts.items()
        if not is_missing_for_certain(cell, missing)
    }
    is_only_word = len(present) == 1 and next(iter(present)).lower() in HUMAN_WORDS
    if is_only_word or (not present and profile.cells.counts):
        raise InputError(
            "it is the target, but all of its cells are missing", f'column "{cells.name}"'
        )
    names, merged = choose_spellings(present, declared == "exact")
    if len(names) < 2 and context.missing_words:
        return _infer_classes_target(profile, replace(context, missing_words=set()), declared)
    words = [name for name in names if name.lower() in HUMAN_WORDS]
    notes = (("spelling", ", ".join(merged)),) if merged else ()
    notes = (*notes, *describe_pairs(profile))
    if words:
        notes = (*notes, ("class word", ", ".join(words)))
    return Column(
        cells.name, cells.index, "category", tuple(names) if len(names) <= MAX_CLASSES else (),
        is_exact=declared == "exact" or has_case_pairs(present), notes=notes,
        is_declared=bool(declared),
    )  # fmt: skip


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
