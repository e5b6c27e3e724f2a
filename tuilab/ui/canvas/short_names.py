"""Names cut to a few cells so that they stay different from each other."""

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

MIN_ELLIPSIS_ROOM = 6
"""Cells from which on an ellipsis stands between the two parts of a name."""


def shorten_names(names: Sequence[str], room: int, ellipsis: str = "…") -> list[str]:
    """Returns the names in at most `room` cells each.

    Names with the same beginning lose the end of that beginning rather than what differs; names
    that are still alike are numbered.

    >>> shorten_names(["diameter", "color=green", "color=red", "organic=no", "organic=yes"], 8)
    ['diameter', 'color=g…', 'color=r…', 'organ…no', 'orga…yes']
    >>> shorten_names(["color=green", "color=red", "weight"], 3)
    ['cgr', 'cre', 'wei']
    """
    mark = ellipsis if room >= MIN_ELLIPSIS_ROOM else ""
    short = [_cut(name, room, mark) for name in names]
    count = Counter(short)
    for text in [text for text in count if count[text] > 1]:
        alike = [index for index, other in enumerate(short) if other == text]
        start = _count_common([names[index] for index in alike])
        for index in alike:
            beginning, rest = names[index][:start], names[index][start:]
            short[index] = _join(beginning, rest, room, mark)
    count = Counter(short)
    distinct = len(set(names))
    for index, text in enumerate(short):
        if count[text] > 1 and distinct == len(names):
            short[index] = _cut(str(index + 1), room)
    return short


def _count_common(names: Sequence[str]) -> int:
    """Returns how many characters all names begin with."""
    columns = enumerate(zip(*names, strict=False))
    return next((at for at, letters in columns if len({*letters}) > 1), min(map(len, names)))


def _join(beginning: str, rest: str, room: int, mark: str) -> str:
    """Returns as much of the beginning as there is room for beside the rest."""
    if cell_len(beginning + rest) <= room:
        return beginning + rest
    tail_width = min(cell_len(rest), max(1, room - len(mark) - max(1, room // 3)))
    head = _cut(beginning, room - len(mark) - tail_width)
    return head + mark + _cut(rest, tail_width)


def _cut(text: str, room: int, mark: str = "") -> str:
    if cell_len(text) <= room:
        return text
    return set_cell_size(text, max(0, room - len(mark))).rstrip() + mark
