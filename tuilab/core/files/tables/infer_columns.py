"""What each column of a table is, by its cells: number, category, date, or left out."""

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.files.tables.column_profile import (
    FEW_CATEGORIES,
    MAX_BAD_SHARE,
    MAX_REFUSED_SHARE,
    Cells,
    FileContext,
    Profile,
    choose_spellings,
    could_be_categories,
    describe_format,
    describe_pairs,
    has_case_pairs,
    refuse,
    shorten,
)
from tuilab.core.files.tables.columns import (
    MISSING_CATEGORY,
    OTHER_CATEGORY,
    Column,
    category_key,
)
from tuilab.core.files.tables.compound_number import are_pairs
from tuilab.core.files.tables.date_format import DateFormat, choose_date_format, is_epoch
from tuilab.core.files.tables.infer_target import infer_target
from tuilab.core.files.tables.missing_words import (
    HUMAN_WORDS,
)
from tuilab.core.files.tables.number_format import (
    NumberFormat,
    count_units,
    parse_number,
)
from tuilab.core.files.tables.read_options import ReadOptions
from tuilab.core.format import format_count, format_percent

MAX_DECLARED_CATEGORIES = 10_000
"""The same where the user declares the column to hold categories."""

MIN_COUNTED_ROWS = 10
"""A column of any name that counts this many rows, from 0 or 1, only numbers them."""

MIN_IDS = 10
"""Numbers that are all different are ids only if there are this many, and their name says so."""

EXACT_INTEGERS = 2**53
"""Above, a double-precision number is no longer exact."""

COUNTER_NAMES = frozenset(
    {"#", "id", "index", "no", "nr", "number", "row", "rownames", "unnamed 1", "unnamed: 0",
     "__index_level_0__"}
)  # fmt: skip
"""Names of columns that may number the rows from any start, in lower case."""

ID_NAME = re.compile(
    r"(?:.*[_\s.-])?(?:id|ids|uuid|guid|acc(?:oun)?t|ssn|isbn|barcode|sku|rowid|index|pk)"
    r"(?:[_\s.-]?(?:no|nr|num|number))?|.*[a-z]Id|.*ID"
)  # fmt: skip
CODE_NAME = re.compile(
    r"(?:.*[_\s.-])?(?:zip|zip[_\s-]?codes?|post(?:al)?[_\s-]?codes?|plz|fips|code|codes)", re.I
)
"""Names of columns whose numbers name something."""

TIME_NAME = re.compile(
    r"(?:.*[_\s.-])?(?:date|time|timestamp|ts|day|datetime|epoch|created|updated|datum)"
    r"(?:[_\s.-].*)?",
    re.IGNORECASE,
)

MAX_NAMED_UNITS = 5
"""More units in a column are none, but codes."""

COUNTER = "it only numbers the rows"


def infer_columns(
    columns: Sequence[Cells], target_index: int, context: FileContext
) -> tuple[tuple[Column, ...], Column]:
    """Infers the kinds of all input columns and of the target."""
    declared = _find_declared(columns, context.options)
    profiles = [Profile(cells, context.options.missing) for cells in columns]
    for profile in profiles:
        if profile.number_share > 0.5:
            context.evidence.add(profile.evidence)
    inputs = []
    for profile in profiles:
        if profile.cells.index != target_index:
            column = infer_input(profile, context, declared.get(profile.cells.index, ""))
            inputs.append(column)
            if column.kind == "number":
                context.missing_words |= {
                    cell.lower() for cell in profile.cells.counts if cell.lower() in HUMAN_WORDS
                }
    target = next(each for each in profiles if each.cells.index == target_index)
    return tuple(inputs), infer_target(target, context, declared.get(target_index, ""))


def _find_declared(columns: Sequence[Cells], options: ReadOptions) -> dict[int, str]:
    """Returns the kinds that the user declares, by the index of the column."""
    names = {cells.name: cells.index for cells in columns}
    for name, _ in options.kinds:
        if name.strip() not in names:
            problem = with_suggestion(f'there is no column "{name}"', name, names)
            raise InputError(problem, "data.kinds")
    return {names[name.strip()]: kind for name, kind in options.kinds}


# --- inputs ------------------------------------------------------------------------------------


def infer_input(profile: Profile, context: FileContext, declared: str = "") -> Column:
    """Infers the kind of an input column, unless the user declares it."""
    cells = profile.cells
    if declared:
        return _declare_input(profile, context, declared)
    left_out = Column(cells.name, cells.index, "left out")
    if not profile.present:
        return replace(left_out, reason="it is empty")
    keys = {category_key(cell) for cell in profile.present}
    if len(keys) == 1 and not profile.has_missing:
        return replace(left_out, reason=f"it is always {shorten(next(iter(profile.present)))}")
    if _is_code(profile):
        return _infer_code(profile, context)
    if column := _infer_number(profile, context):
        return column
    if date := choose_date_format(profile.present, 1 - MAX_BAD_SHARE, context.prefers_day):
        return _make_date(cells, date)
    return _infer_category(profile, context)


def _declare_input(profile: Profile, context: FileContext, kind: str) -> Column:
    cells = profile.cells
    if kind == "left out":
        return Column(cells.name, cells.index, "left out", reason="data.kinds leaves it out")
    if kind in ("category", "exact"):
        column = _make_category(profile, context, kind == "exact")
        if column.width > MAX_DECLARED_CATEGORIES:
            many, limit = format_count(column.width), format_count(MAX_DECLARED_CATEGORIES)
            problem = f"it has {many} distinct texts; at most {limit} can be categories"
            raise InputError(problem, "data.kinds", f'column "{cells.name}"')
        return replace(column, is_declared=True)
    if kind == "number":
        style = profile.choose_number_format(context)
        bad = profile.find_bad(style)
        if len(bad) < len(profile.present) or not profile.present:
            column = Column(cells.name, cells.index, "number", number_format=style)
            return replace(column, is_declared=True, notes=describe_format(profile, style))
        raise refuse(profile, context, bad, "none of its cells is a number")
    if kind in ("dmy", "mdy"):
        return replace(_make_date(cells, DateFormat(kind)), is_declared=True)  # type: ignore[arg-type]
    date = choose_date_format(profile.present, 0.01, context.prefers_day)
    if date is None and profile.number_share > 0.5:
        date = DateFormat("epoch")
    if date is None:
        raise refuse(profile, context, list(profile.present), "none of its cells is a date")
    return replace(_make_date(cells, date), is_declared=True)


def _infer_number(profile: Profile, context: FileContext) -> Column | None:
    """Returns a column of numbers; None if it holds something else; InputError in between."""
    if profile.number_share < 0.5 or profile.are_limits:
        return None
    cells, style = profile.cells, profile.choose_number_format(context)
    bad = profile.find_bad(style)
    share = profile.share(bad)
    if share > MAX_BAD_SHARE:
        is_repeated = len({cell.lower() for cell in bad}) <= 3 and share <= 0.5
        is_mostly_number = share <= MAX_REFUSED_SHARE or (
            is_repeated and len(bad) < profile.count(bad)
        )
        if not is_mostly_number or could_be_categories(profile):
            return None
        few = f"{format_count(profile.count(bad))} of its {format_count(profile.total)} cells"
        raise refuse(profile, context, bad, f"{few} are not numbers")
    if reason := _find_index(profile, style, is_exact=not bad):
        return Column(cells.name, cells.index, "left out", reason=reason)
    if _is_compact_date(profile):
        return _make_date(cells, DateFormat("compact"))
    notes = describe_format(profile, style)
    if not bad and _is_time(profile):
        notes = (*notes, ("time", ""))
    return Column(cells.name, cells.index, "number", number_format=style, notes=notes)


def _find_index(profile: Profile, style: NumberFormat, is_exact: bool) -> str:
    """Returns why a column of numbers only names or counts the rows; empty if it does not."""
    cells = profile.cells
    name = cells.name.lower()
    if not is_exact or style.unit or not all(_is_integer(cell) for cell in profile.present):
        return ""
    starts = cells.rows >= MIN_COUNTED_ROWS and cells.head[0].strip() in ("0", "1", "0.0", "1.0")
    if (name in COUNTER_NAMES or starts) and is_counting(cells.head):
        return COUNTER
    are_different = len(profile.present) == profile.total and profile.total >= MIN_IDS
    is_named = bool(ID_NAME.fullmatch(cells.name) or ID_NAME.fullmatch(name))
    if not are_different or (_is_time(profile) and not is_named):
        return ""
    is_long = any(abs(parse_number(cell)) > EXACT_INTEGERS for cell in profile.present)
    is_unnamed = name.startswith("unnamed") and cells.index == 0
    if is_long or is_unnamed or is_named:
        return f"it is an id: {format_count(profile.total)} different numbers"
    return ""


def _is_integer(cell: str) -> bool:
    return cell.isdecimal() or cell.removesuffix(".0").lstrip("+-").isdecimal()


def is_counting(head: Sequence[str]) -> bool:
    """Returns whether each cell is one more than the one before."""
    try:
        numbers = [float(cell) for cell in head]
    except ValueError:
        return False
    return len(numbers) > 1 and all(after - before == 1 for before, after in pairwise(numbers))


def _is_time(profile: Profile) -> bool:
    """Returns whether whole numbers count the time since 1970."""
    cells = list(profile.present)
    if len(cells) < 2 or not all(cell.isdecimal() and 10 <= len(cell) <= 19 for cell in cells):
        return False
    return is_epoch(map(float, cells))


def _is_compact_date(profile: Profile) -> bool:
    """Returns whether all cells are dates such as 20240131, and there are several."""
    cells = profile.present
    if not all(len(cell) in (8, 12, 14) and cell.isdecimal() for cell in cells):
        return False
    is_named = bool(TIME_NAME.fullmatch(profile.cells.name))
    date = choose_date_format(cells, 1.0, prefers_day=False)
    return date is not None and date.order == "compact" and (is_named or len(cells) >= 5)


def _is_code(profile: Profile) -> bool:
    """Returns whether digits name something: they begin with zeros, or the column says so."""
    cells = profile.present
    if not all(cell.isascii() and cell.replace("-", "").isdecimal() for cell in cells):
        return False
    if not all(cell.isdecimal() for cell in cells):
        return bool(CODE_NAME.fullmatch(profile.cells.name)) and not any(
            cell.startswith("-") for cell in cells
        )
    lengths = {len(cell) for cell in cells}
    has_zeros = any(len(cell) > 1 and cell[0] == "0" for cell in cells)
    if has_zeros and (len(lengths) == 1 or max(lengths) > 2):
        return True
    name = profile.cells.name
    is_named = bool(CODE_NAME.fullmatch(name)) or (
        bool(ID_NAME.fullmatch(name) or ID_NAME.fullmatch(name.lower()))
        and len(cells) < profile.total
    )
    return is_named and not is_counting(profile.cells.head)


def _infer_code(profile: Profile, context: FileContext) -> Column:
    """Returns digits that name something as categories if they are few."""
    cells = profile.cells
    if is_counting(cells.head) or len(profile.present) == profile.total >= MIN_IDS:
        reason = f"it is an id: {format_count(profile.total)} different numbers"
    elif could_be_categories(profile):
        return replace(_make_category(profile, context), notes=(("code", ""),))
    else:
        count = format_count(len(profile.present))
        reason = f"it holds {count} different codes (data.kinds can make them categories)"
    return Column(cells.name, cells.index, "left out", reason=reason)


def _infer_category(profile: Profile, context: FileContext) -> Column:
    cells, count = profile.cells, len(profile.present)
    is_pair = are_pairs(profile.present)
    if could_be_categories(profile) and not (is_pair and count > FEW_CATEGORIES):
        column = _make_category(profile, context)
        return replace(column, notes=(*column.notes, *describe_pairs(profile)))
    if is_pair:
        reason = (
            f'its cells hold two numbers, such as "{next(iter(profile.present))}"; split it into '
            "two columns"
        )
        return Column(cells.name, cells.index, "left out", reason=reason)
    more = "" if context.is_complete else " or more"
    reason = f"it has {format_count(count)} distinct texts{more}"
    units = count_units(profile.numbers)
    if not profile.texts and 1 < len(units) <= MAX_NAMED_UNITS:
        listed = ", ".join(units)
        reason += f"; its numbers have several units ({listed}), so they cannot be compared"
    elif profile.texts and profile.number_share > 0.3:
        first, numbers = profile.texts[0], profile.total - profile.text_count
        line = cells.find_line(first)
        where = f" ({context.unit} {line})" if line else ""
        reason += (
            f'; {format_percent(numbers / profile.total)} are numbers, but not "{shorten(first)}"'
            f"{where}"
        )
    return Column(cells.name, cells.index, "left out", reason=reason)


def _make_category(profile: Profile, context: FileContext, is_exact: bool = False) -> Column:
    """Returns a column of categories: the most common spelling of each, in order."""
    cells = profile.cells
    names, merged = choose_spellings(profile.present, is_exact)
    missing = (MISSING_CATEGORY,) if profile.has_missing else ()
    other = () if context.is_complete else (OTHER_CATEGORY,)
    notes = (("spelling", ", ".join(merged)),) if merged else ()
    values = (*names, *missing, *other)
    return Column(
        cells.name, cells.index, "category", values, is_exact=is_exact or (not merged and
        has_case_pairs(profile.present)), notes=notes,
    )  # fmt: skip


def _make_date(cells: Cells, date: DateFormat) -> Column:
    detail = {
        "dmy": "day, month, year", "mdy": "month, day, year",
        "time": "time of day", "epoch": "since 1970",
    }.get(date.order, "")  # fmt: skip
    topic = "ambiguous date" if date.is_ambiguous else "date"
    notes = ((topic, detail),)
    return Column(cells.name, cells.index, "date", date_format=date, notes=notes)
