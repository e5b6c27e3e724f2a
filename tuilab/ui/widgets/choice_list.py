"""A short list to choose from, at the bottom of a pane."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from tuilab.ui.terminal.glyphs import get_glyphs
from tuilab.ui.widgets.line_list import LineList, Span, fit_text, glyph_or_ascii


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    key: str
    label: str
    help: str = ""
    mark: str = ""
    "Drawn before it, such as ✓ for the current choice."
    problem: str = ""
    "Why it cannot be chosen."


class ChoiceList(LineList[Choice]):
    """Choices with their help; without the focus it shows the suggestions of an input.

    Not an `OptionList`: the cursor also goes to choices that cannot be chosen, to read why, and
    help is cut to the width that the labels leave.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select", "choose", tooltip="Take the choice at the cursor",
                id="choices.select"),
        Binding("space", "select", "choose", show=False, tooltip="Take the choice at the cursor"),
        Binding("escape", "cancel", "leave", tooltip="Leave without a change",
                id="choices.cancel"),
    ]  # fmt: skip
    SELECTS_ON_FIRST_CLICK = True

    class Canceled(Message):
        """Nothing was chosen."""

    def action_select(self) -> None:
        """Takes the choice at the cursor."""
        self.post_message(self.Selected(self))

    def action_cancel(self) -> None:
        """Chooses nothing."""
        self.post_message(self.Canceled())

    def on_blur(self) -> None:
        """Chooses nothing when the focus goes elsewhere in this program."""
        if self.display and self.app.app_focus and self.screen.is_current:
            self.post_message(self.Canceled())

    def show_choices(self, choices: Sequence[Choice], current: str = "") -> None:
        """Shows choices with the cursor on the current one, or on the first."""
        self.set_cursor(current)
        self.set_lines(choices)
        self.call_after_refresh(self.scroll_to_cursor)

    def draw_line(self, line: Choice, width: int) -> list[Span]:
        """Returns mark, label and as much help as there is room for."""
        longest = max((cell_len(choice.label) for choice in self.lines), default=0)
        room = min(longest, width - 4 if width < 30 else width // 2)
        pointer = glyph_or_ascii("›", ">") if line.key == self.cursor else " "
        spans = [(pointer, "line-list--glyph")]
        if any(choice.mark for choice in self.lines):
            spans.append((fit_text(line.mark, 1), "line-list--glyph"))
        label_style = "line-list--disabled" if line.problem else "line-list--value"
        spans.append((f" {fit_text(line.label, room)} ", label_style))
        text_width = sum(cell_len(text) for text, _ in spans)
        about = f"{get_glyphs().cross} {line.problem}" if line.problem else line.help
        about_style = "line-list--problem" if line.problem else "line-list--muted"
        return [*spans, (" " + fit_text(about, width - text_width - 1), about_style)]
