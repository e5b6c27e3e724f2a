"""The one exception for input that cannot be used, worded for the user who wrote it."""

import re
from collections.abc import Iterable

from tuilab.core.printable import escape_surrogates

CANNOT_START = "This experiment cannot be started"
"""Title of a failure that is caused by the input; nothing was trained."""

GPU_FAULT = "The GPU stopped with an error"
"""Title of a failure after which CUDA cannot be used in this process any more."""

MAX_WORD_LENGTH = 100
"""A longer word is not a mistyped name."""

LETTERS_PER_TYPO = 4
"""A name is near if it differs in at most one letter for each of this many."""


class InputError(Exception):
    """Input of a user that cannot be used.

    Args:
        problem: what is wrong, and how to fix it.
        where: the file or the key, outermost first.
    """

    def __init__(self, problem: str, *where: str) -> None:
        self.problem = escape_surrogates(problem)
        self.where = tuple(escape_surrogates(part) for part in where if part)
        super().__init__(": ".join((*self.where, self.problem)))

    def within(self, location: str) -> "InputError":
        """Returns the same error with one more place in front, such as the file of a key."""
        return InputError(self.problem, location, *self.where)


def suggest(word: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the closest known word, or all words if there are few."""
    words = list(known)
    initials = "".join(part[:1] for part in word.lower().split("_"))
    if initials in words and len(initials) > 1:
        return f'"{word}" is called "{initials}" here'
    if closest := find_near(word, words):
        return f'nearest to "{word}" is "{closest}"'
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


def with_suggestion(problem: str, word: str, known: Iterable[str]) -> str:
    """Adds to a problem with an unknown word what might be meant, if there is anything near."""
    return f"{problem}; {suggest(word, known)}".rstrip("; ")


def find_near(word: str, known: Iterable[str]) -> str:
    """Returns the known word that is most likely meant; empty if none is near."""
    if len(word) > MAX_WORD_LENGTH:
        return ""
    near = ((rank, other) for other in known if (rank := _rank(word, other)) is not None)
    return min(near, default=((), ""), key=lambda pair: pair[0])[1]


def _rank(word: str, other: str) -> tuple[int, int] | None:
    """Returns how near a known word is, the nearest first; None if it is not near.

    Near are a few typing errors, then a beginning, then a part such as `vit` of `glyphs-vit`.
    """
    sections, names = word.split("."), other.split(".")
    if len(sections) == len(names) == 2:
        ranks = [_rank(part, name) for part, name in zip(sections, names, strict=True)]
        return max(filter(None, ranks)) if all(ranks) else None
    typed, name = (re.sub(r"[ _-]", "", text.lower()) for text in (word, other))
    shorter, longer = sorted((typed, name), key=len)
    typos = _count_typos(typed, name)
    has_same_letters = set(typed) == set(name)  # `sdg` for `sgd`, `lrr` for `lr`
    if typos <= len(typed) // LETTERS_PER_TYPO or (typos == 1 and has_same_letters):
        return 0, typos
    if len(shorter) >= 3 and longer.startswith(shorter) and len(longer) < 6 * len(shorter):
        return 1, len(longer)
    if len(typed) >= 3 and typed in re.split(r"[ _-]", other.lower()):
        return 2, len(name)
    return None


def _count_typos(typed: str, name: str) -> int:
    """Returns how many letters have to be added, removed, replaced or swapped with the next."""
    before: list[int] = []
    row = list(range(len(name) + 1))
    for i, letter in enumerate(typed):
        older, before, row = before, row, [i + 1]
        for j, other in enumerate(name):
            costs = [before[j] + (letter != other), before[j + 1] + 1, row[j] + 1]
            if i and j and typed[i - 1 : i + 1] == name[j] + name[j - 1]:
                costs.append(older[j - 1] + 1)
            row.append(min(costs))
    return row[-1]


TYPE_NAMES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
    "null": "nothing",
}
"""The types of msgspec's messages in plain English."""


def describe_msgspec_error(message: str) -> tuple[str, str]:
    """Splits a message of msgspec into the key and a plain sentence.

    >>> describe_msgspec_error("Expected `int`, got `str` - at `$.data.batch_size`")
    ('data.batch_size', 'expected a whole number, got text')
    """
    text, _, path = message.partition(" - at `")
    key = path.rstrip("`").removeprefix("$").lstrip(".").removeprefix("key in ")

    def name_types(match: re.Match[str]) -> str:
        return " or ".join(TYPE_NAMES.get(kind, kind) for kind in match[1].split(" | "))

    text = re.sub(r"`([^`]*)`", name_types, text)
    text = re.sub(r"(\d)\.0\b", r"\1", text).replace(">=", "≥").replace("<=", "≤")
    text = text.replace("whole number, got a number", "whole number, got a fraction")
    return key, text[:1].lower() + text[1:]
