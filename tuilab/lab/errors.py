"""The one exception for input that cannot be used, worded for the person who wrote it."""

import difflib
import re
from collections.abc import Iterable


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
    folded = {word.lower(): word for word in words}
    close = difflib.get_close_matches(wrong.lower(), folded, n=1, cutoff=0.4)
    if close:
        return f'nearest to "{wrong}" is "{folded[close[0]]}"'
    if 0 < len(words) <= 12:
        return "known: " + ", ".join(words)
    return ""


def in_plain_words(message: str) -> tuple[str, str]:
    """Split a msgspec message into (key, sentence).

    >>> in_plain_words("Expected `int`, got `str` - at `$.data.batch_size`")
    ('data.batch_size', 'expected a whole number, got text')
    """
    text, _, path = message.partition(" - at `")
    key = path.rstrip("`").removeprefix("$").lstrip(".").removeprefix("key in ")
    words = {
        "`int`": "a whole number",
        "`float`": "a number",
        "`str`": "text",
        "`bool`": "true or false",
        "`array`": "a list",
        "`object`": "a table",
        "`null`": "nothing",
    }
    for type_name, word in words.items():
        text = text.replace(type_name, word)
    text = re.sub(r"`([^`]*)`", lambda kind: kind[1].replace("|", "or"), text)
    text = re.sub(r"(\d)\.0\b", r"\1", text).replace(">=", "≥").replace("<=", "≤")
    text = text.replace("whole number, got a number", "whole number, got a fraction")
    return key, text[:1].lower() + text[1:]
