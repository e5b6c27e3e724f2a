"""A column's cells, counted and sorted into missing ones, numbers and others."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from tuilab.core.errors import InputError
from tuilab.core.files.tables.columns import category_key
from tuilab.core.files.tables.compound_number import are_pairs, choose_compound
from tuilab.core.files.tables.missing_words import is_missing
from tuilab.core.files.tables.number_format import (
    Evidence,
    NumberFormat,
    choose_format,
    choose_unit,
    collect_evidence,
    count_written,
    is_currency,
    is_finite_number,
    parse_number,
)
from tuilab.core.files.tables.read_options import ReadOptions

MAX_BAD_SHARE = 0.05
"""Up to this share of a column's cells may be neither number nor missing; they become missing."""

MAX_REFUSED_SHARE = 0.2
"""Up to this share they are refused; with more of them the column holds texts."""

FEW_CATEGORIES, MANY_CATEGORIES, MAX_CATEGORIES = 10, 50, 500
"""Distinct texts that are always categories; that need 2 rows each on average; that need 5."""

EVIDENCE_CELLS = 3000
"""Plain numbers of a column that are looked at for separators."""

MARK_NAMES = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}


@dataclass(slots=True)
class Cells:
    """The cells of a column, counted."""

    name: str
    index: int
    counts: dict[str, int]
    "Distinct cells, without spaces around them, with their counts in the order of the file."
    head: Sequence[str] = ()
    "The first cells as they follow each other."
    find_line: Callable[[str], int] = lambda cell: 0
    "Returns the line of a cell; 0 if that is unknown."
    rows: int = 0

    @classmethod
    def count(
        cls, name: str, index: int, cells: Sequence[str], lines: Sequence[int] = ()
    ) -> "Cells":
        """Counts cells that follow each other, in these lines."""
        counts = Counter(map(str.strip, cells))

        def find_line(text: str) -> int:
            return next(
                (n for n, cell in zip(lines, cells, strict=False) if cell.strip() == text), 0
            )

        return cls(name, index, dict(counts), cells[:1000], find_line, len(cells))


@dataclass(slots=True)
class FileContext:
    """What all columns of a file have in common."""

    options: ReadOptions
    delimiter: str = ""
    is_complete: bool = True
    "Whether these are all cells; else the rest of the file may hold other texts."
    evidence: Evidence = field(default_factory=Evidence)
    missing_words: set[str] = field(default_factory=set)
    "Words for missing values in columns of numbers, in lower case."
    unit: str = "line"
    "What an error counts."

    @property
    def prefers_day(self) -> bool:
        """Whether 1/2/2024 is rather the first of February."""
        return self.delimiter == ";" or self.evidence.decimals[","] > self.evidence.decimals["."]


class Profile:
    """A column's cells sorted into missing ones, numbers and others."""

    def __init__(self, cells: Cells, missing: Collection[str]) -> None:
        self.cells = cells
        counts = cells.counts
        self.present = {cell: n for cell, n in counts.items() if not is_missing(cell, missing)}
        self.has_missing = len(self.present) < len(counts)
        self.total = sum(self.present.values())
        self.plain = [cell for cell in self.present if _is_plain(cell)]
        self.plain_cells = frozenset(self.plain)
        others = ((cell, n) for cell, n in self.present.items() if cell not in self.plain_cells)
        self.numbers, self.texts = count_written(others)
        self.text_count = sum(self.present[cell] for cell in self.texts)
        step = max(1, len(self.plain) // EVIDENCE_CELLS)
        sample, _ = count_written((cell, self.present[cell]) for cell in self.plain[::step])
        self.compound = choose_compound(self.present)
        self.evidence = (
            Evidence() if self.compound else collect_evidence({**sample, **self.numbers})
        )

    @property
    def number_share(self) -> float:
        """The share of the present cells that look like numbers."""
        if self.compound:
            return 1.0
        return 1 - self.text_count / self.total if self.total else 0.0

    @property
    def are_limits(self) -> bool:
        """Whether all cells are one of a few limits, such as `<=50K` and `>50K`: classes."""
        if len(self.present) > FEW_CATEGORIES or self.plain or self.texts or not self.numbers:
            return False
        return all(number.limit[:1] in ("<", ">", "≤", "≥") for number in self.numbers)

    def choose_number_format(self, context: FileContext) -> NumberFormat:
        """Chooses what separators and units mean in this column."""
        if self.compound:
            return NumberFormat(compound=self.compound)
        options = context.options
        unit, is_scaled = choose_unit(self.numbers)
        style = choose_format(
            self.evidence, context.evidence, context.delimiter, options.decimal, options.thousands,
            is_money=is_currency(unit),
        )  # fmt: skip
        return replace(style, unit=unit, is_scaled=is_scaled)

    def find_bad(self, style: NumberFormat) -> list[str]:
        """Returns the present cells that are not a number in a format."""
        is_plain = style.decimal == "." and not style.compound
        known = self.plain_cells if is_plain else frozenset()
        return [
            cell for cell in self.present if cell not in known and not is_finite_number(cell, style)
        ]

    def count(self, cells: Iterable[str]) -> int:
        """Returns in how many rows some of the distinct cells are."""
        return sum(self.present[cell] for cell in cells)

    def share(self, cells: Iterable[str]) -> float:
        """Returns in what share of the rows with a value some of the cells are."""
        return self.count(cells) / self.total if self.total else 1.0


def _is_plain(cell: str) -> bool:
    try:
        return isfinite(float(cell)) and "_" not in cell
    except ValueError:
        return False


def refuse(profile: Profile, context: FileContext, bad: Sequence[str], problem: str) -> InputError:
    """Returns an error that names the first cell that is not a number, and what to do."""
    name, first = profile.cells.name, bad[0] if bad else ""
    line = profile.cells.find_line(first)
    where = f'{context.unit} {line}, column "{name}"' if line else f'column "{name}"'
    return InputError(
        f'"{shorten(first)}" is not a number; {problem}; correct them, list such words in '
        f'data.missing, or set data.kinds = {{"{name}" = "number"}} to take them as missing '
        '(or "category", or "left out")',
        where,
    )


def could_be_categories(profile: Profile) -> bool:
    """Returns whether the distinct texts are few for the number of rows."""
    count = len({category_key(cell) for cell in profile.present})
    if count <= FEW_CATEGORIES:
        return True
    rows_each = 2 if count <= MANY_CATEGORIES else 5
    return count <= MAX_CATEGORIES and profile.total >= rows_each * count


def choose_spellings(cells: Mapping[str, int], is_exact: bool) -> tuple[list[str], list[str]]:
    """Returns the categories that cells stand for, in order, and examples of combined spellings."""
    if is_exact or has_case_pairs(cells):
        return _sort(cells), []
    groups: dict[str, list[str]] = {}
    for cell in cells:
        groups.setdefault(category_key(cell), []).append(cell)
    names = [max(group, key=lambda cell: cells[cell]) for group in groups.values()]
    merged = ["/".join(sorted(group)) for group in groups.values() if len(group) > 1]
    return _sort(names), merged


def has_case_pairs(cells: Mapping[str, int]) -> bool:
    """Returns whether single letters mean something else in upper case: most are there in both."""
    letters = {cell for cell in cells if len(cell) == 1 and cell.isalpha()}
    pairs = sum(letter.lower() in letters for letter in letters if letter != letter.lower())
    return pairs > 2 and 2 * len(letters) > len(cells)


def _sort(names: Iterable[str]) -> list[str]:
    """Returns names in order; numbers by their size."""
    listed = list(names)
    if all(map(is_finite_number, listed)):
        return sorted(listed, key=lambda name: (parse_number(name), name))
    return sorted(listed)


def describe_format(profile: Profile, style: NumberFormat) -> tuple[tuple[str, str], ...]:
    """Returns what is surprising about how numbers are read."""
    notes: list[tuple[str, str]] = []
    if style.compound:
        notes.append((style.compound, ""))
    if style.unit:
        notes.append(("unit", style.unit))
    if style.is_scaled:
        scales = dict.fromkeys(number.scale for number in profile.numbers if number.scale)
        notes.append(("scale", ", ".join(scales)))
    uses_comma = profile.evidence.decimals[","] + profile.evidence.either[","]
    if style.decimal == "," and uses_comma:
        notes.append(("decimal", ""))
    if marks := style.separators:
        notes.append(("thousands", ", ".join(MARK_NAMES[mark] for mark in marks)))
    if style.is_ambiguous:
        mark = next(mark for mark in (",", ".") if profile.evidence.either[mark])
        as_decimal = mark == style.decimal
        notes.append(("ambiguous", f"{mark} {'decimal' if as_decimal else 'thousands'}"))
    limits = sum(count for number, count in profile.numbers.items() if number.limit)
    if limits:
        limit = next(number for number in profile.numbers if number.limit)
        notes.append(("limit", f"{limits} {limit.limit}"))
    return tuple(notes)


def describe_pairs(profile: Profile) -> tuple[tuple[str, str], ...]:
    """Returns that cells hold two numbers, where nearly all of them do."""
    if not are_pairs(profile.present):
        return ()
    return (("pair", f"({shorten(next(iter(profile.present)))})"),)


def shorten(text: str) -> str:
    """Returns the beginning of a text on one line."""
    text = " ".join(text.split())
    return text if len(text) <= 40 else text[:39] + "…"
