"""The texts around an input of the user."""

from collections.abc import Callable
from dataclasses import dataclass

from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.examples_messages import ExamplesResponse, parse_numbers

MAX_NAMES = 24
"""Names of numbers that are listed where the numbers are typed."""


@dataclass(frozen=True, slots=True)
class InputPrompt:
    """The texts around one kind of input."""

    title: str
    template: str
    invitation: str
    hint: str

    def describe(self, response: ExamplesResponse) -> str:
        """Returns what to type, and how much."""
        count = (response.input_shape or [1])[0]
        names = _list_names(count, response.input_names)
        text = self.template.format(count=count, names=names)
        return f"{text}. {response.input_unit}" if response.input_unit else text


PROMPTS = {
    "picture": InputPrompt(
        "", "", "Press i or enter to draw, O to open an image.",
        "enter continues drawing, c clears, O opens an image file, w: why, esc: back",
    ),
    "numbers": InputPrompt(
        "Your own input", "{count} numbers with commas between them: {names}",
        "Press i or enter and type your own input.", "enter: another input, w: why",
    ),
    "text": InputPrompt(
        "Your own text", "Up to {count} tokens. Unknown tokens are reported.",
        "Press i or enter and type a text.", "enter: another text, w: why",
    ),
    "": InputPrompt("", "", "This task has no input to draw or to type.", ""),
}  # fmt: skip


def _list_names(count: int, names: list[str]) -> str:
    if names:
        return ", ".join(names[:MAX_NAMES]) + (", ..." if count > MAX_NAMES else "")
    numbered = [f"x{number}" for number in range(1, min(count, 4) + 1)]
    return "x" if count == 1 else ", ".join(numbered) + (", ..." if count > 4 else "")


def build_input_check(response: ExamplesResponse) -> Callable[[str], str]:
    """Returns the check of a line while it is typed; it raises InputError."""
    is_row = response.input_kind == "numbers" and len(response.input_shape) == 1

    def check(text: str) -> str:
        if is_row:
            parse_numbers(text, response.input_shape[0])
        elif not text:
            raise InputError("nothing is typed yet")
        return text

    return check
