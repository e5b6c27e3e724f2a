"""The one exception for input that cannot be used, worded for the person who wrote it."""

import difflib
import re
from collections.abc import Iterable

CANNOT_START = "This experiment cannot be started"
"""The title of a failure that lies in what was written; nothing was trained."""

GPU_FAULT = "The GPU stopped with an error"
"""The title of a failure after which CUDA answers nothing more in this process."""


class InputError(Exception):
    """Something a person wrote cannot be used.

    Args:
        problem: what is wrong, and what would be right.
        where: the file or the key, outermost first.
    """

    def __init__(self, problem: str, *where: str) -> None:
        self.problem = problem
        self.where = tuple(place for place in where if place)
        super().__init__(": ".join((*self.where, problem)))

    def within(self, place: str) -> "InputError":
        """The same error, seen from one place further out."""
        return InputError(self.problem, place, *self.where)


def nearest(wrong: str, right: Iterable[str]) -> str:
    """A sentence that offers the closest right word, or all of them when there are few."""
    words = list(right)
    initials = "".join(part[:1] for part in wrong.lower().split("_"))
    if initials in words and len(initials) > 1:
        return f'"{wrong}" is "{initials}" here'
    closest = max(words, key=lambda word: _closeness(wrong, word), default="")
    if closest and _closeness(wrong, closest) >= 0.4:
        return f'nearest to "{wrong}" is "{closest}"'
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


def _closeness(wrong: str, right: str) -> float:
    """From 0 to 1; a part of a name counts a little less than the whole."""
    wrong, right = wrong.lower(), right.lower()
    parts = right.split("_") if "_" in right else ()
    ratios = [difflib.SequenceMatcher(None, wrong, part).ratio() - 0.2 for part in parts]
    return max(difflib.SequenceMatcher(None, wrong, right).ratio(), *ratios, 0.0)


def in_plain_words(message: str) -> tuple[str, str]:
    """Split a msgspec message into (key, sentence).

    >>> in_plain_words("Expected `int`, got `str` - at `$.data.batch_size`")
    ('data.batch_size', 'expected a whole number, got text')
    """
    text, _, path = message.partition(" - at `")
    key = path.rstrip("`").removeprefix("$").lstrip(".").removeprefix("key in ")
    words = {
        "int": "a whole number",
        "float": "a number",
        "str": "text",
        "bool": "true or false",
        "array": "a list",
        "object": "a table",
        "null": "nothing",
    }
    types = (kinds[1].split(" | ") for kinds in re.finditer(r"`([^`]*)`", text))
    named = (" or ".join(words.get(kind, kind) for kind in kinds) for kinds in types)
    text = re.sub(r"`[^`]*`", lambda _: next(named), text)
    text = re.sub(r"(\d)\.0\b", r"\1", text).replace(">=", "≥").replace("<=", "≤")
    text = text.replace("whole number, got a number", "whole number, got a fraction")
    return key, text[:1].lower() + text[1:]
