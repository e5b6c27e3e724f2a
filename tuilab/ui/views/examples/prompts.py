"""What is said where somebody gives an input of their own."""

from collections.abc import Callable
from dataclasses import dataclass

from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, typed_numbers

MOST_NAMES = 24
"""Names of numbers that are listed where they are typed."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words around one kind of input."""

    title: str
    about: str
    invitation: str
    hint: str

    def text(self, seen: ExamplesResponse) -> str:
        """What to type, with how much of it there is to be."""
        count = (seen.own_shape or [1])[0]
        words = self.about.format(count=count, names=_names(count, seen.own_names))
        return f"{words}. {seen.own_unit}" if seen.own_unit else words


PROMPTS = {
    "picture": Words("", "", "Press i or enter to draw, O to open a picture.",
                     "enter draws on, c clears, O opens a picture file, w: why, esc: back"),
    "numbers": Words("Your own input", "{count} numbers with commas between them: {names}",
                     "Press i or enter and type your own input.", "enter: another input, w: why"),
    "text": Words("Your own text", "Up to {count} tokens. What the network does not know is told.",
                  "Press i or enter and type a text.", "enter: another text, w: why"),
    "": Words("", "", "This task has no input to draw or to type.", ""),
}  # fmt: skip


def _names(count: int, named: list[str]) -> str:
    if named:
        return ", ".join(named[:MOST_NAMES]) + (", ..." if count > MOST_NAMES else "")
    lettered = [f"x{number}" for number in range(1, min(count, 4) + 1)]
    return "x" if count == 1 else ", ".join(lettered) + (", ..." if count > 4 else "")


def checked(seen: ExamplesResponse) -> Callable[[str], str]:
    """What refuses a line that cannot be used, while it is typed."""
    is_row = seen.accepts == "numbers" and len(seen.own_shape) == 1

    def check(text: str) -> str:
        if is_row:
            typed_numbers(text, seen.own_shape[0])
        elif not text:
            raise InputError("nothing is typed yet")
        return text

    return check
