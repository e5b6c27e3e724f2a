"""The one exception for input that cannot be used, worded for the user who wrote it."""

import difflib
import re
from collections.abc import Iterable

CANNOT_START = "This experiment cannot be started"
"""Title of a failure that is caused by the input; nothing was trained."""

GPU_FAULT = "The GPU stopped with an error"
"""Title of a failure after which CUDA cannot be used in this process any more."""


MIN_SIMILARITY = 0.6
"""A less similar name is not suggested, from 0 to 1."""


class InputError(Exception):
    """Input of a user that cannot be used.

    Args:
        problem: what is wrong, and how to fix it.
        where: the file or the key, outermost first.
    """

    def __init__(self, problem: str, *where: str) -> None:
        self.problem = problem
        self.where = tuple(place for place in where if place)
        super().__init__(": ".join((*self.where, problem)))

    def within(self, place: str) -> "InputError":
        """Returns the same error with one more place in front, such as the file of a key."""
        return InputError(self.problem, place, *self.where)


def suggest(word: str, known: Iterable[str]) -> str:
    """Returns a sentence that names the closest known word, or all words if there are few."""
    words = list(known)
    initials = "".join(part[:1] for part in word.lower().split("_"))
    if initials in words and len(initials) > 1:
        return f'"{word}" is called "{initials}" here'
    closest = max(words, key=lambda other: _similarity(word, other), default="")
    if closest and _similarity(word, closest) >= MIN_SIMILARITY:
        return f'nearest to "{word}" is "{closest}"'
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


def with_suggestion(problem: str, word: str, known: Iterable[str]) -> str:
    """Adds to a problem with an unknown word what might be meant, if there is anything near."""
    return f"{problem}; {suggest(word, known)}".rstrip("; ")


def _similarity(word: str, other: str) -> float:
    """Returns a similarity from 0 to 1; a match with a part of a name counts a little less."""
    word, other = word.lower(), other.lower()
    parts = other.split("_") if "_" in other else ()
    ratios = [difflib.SequenceMatcher(None, word, part).ratio() - 0.2 for part in parts]
    return max(difflib.SequenceMatcher(None, word, other).ratio(), *ratios, 0.0)


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
