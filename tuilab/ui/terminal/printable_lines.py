"""The door of the lab to the terminal: no line of a widget contains a character that steers it."""

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tuilab.core.printable import CONTROL_OR_BREAK


class PrintableLines(LineFilter):
    """Replaces control characters in the lines of every widget, which stay as wide as they are.

    Where a character would take no cell, it is left out.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Returns the segments of a line with text that is only shown."""
        if not any(CONTROL_OR_BREAK.search(segment.text) for segment in segments):
            return segments
        return [Segment(make_printable(text), style) for text, style, _ in segments]


def make_printable(text: str) -> str:
    """Returns one line of text without control characters, as wide as before."""
    return CONTROL_OR_BREAK.sub(lambda match: "�" * cell_len(match[0]), text)
