"""A short list to choose from, at the foot of a pane."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.message import Message

from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.widgets.line_list import LineList, Span, fitted, sign


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose."""

    key: str
    label: str
    help: str = ""
    sign: str = ""
    "Stands before it, such as ✓ for what is chosen now."
    problem: str = ""
    "Why it cannot be chosen."


class ChoiceList(LineList[Choice]):
    """Choices with their help; without the focus it only shows where another widget stands."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "press", "choose", tooltip="Take the choice at the cursor", id="tray.choose"
        ),
        Binding("space", "press", "choose", show=False, tooltip="Take the choice at the cursor"),
        Binding("escape", "leave", "leave", tooltip="Leave without a change", id="tray.leave"),
    ]
    PRESSED_AT_ONCE = True

    class Left(Message):
        """Nothing was chosen."""

    def action_press(self) -> None:
        """Take the choice at the cursor."""
        self.post_message(self.Pressed(self))

    def action_leave(self) -> None:
        """Choose nothing."""
        self.post_message(self.Left())

    def on_blur(self) -> None:
        """Choose nothing when the focus goes elsewhere in this program."""
        if self.display and self.app.app_focus and self.screen.is_current:
            self.post_message(self.Left())

    def offer(self, choices: Sequence[Choice], chosen: str = "") -> None:
        """Show choices with the cursor on the chosen one, or on the first."""
        self.set_reactive(LineList.cursor, chosen)
        self.fill(choices)
        self.call_after_refresh(self.show_cursor)

    def draw(self, line: Choice, width: int) -> list[Span]:
        """The sign, the label and as much help as there is room for."""
        known = max((cell_len(choice.label) for choice in self.lines), default=0)
        room = min(known, width - 4 if width < 30 else width // 2)
        pointer = sign("›", ">") if line.key == self.cursor else " "
        label = f" {fitted(line.label, room)} "
        about = f"{signs().wrong} {line.problem}" if line.problem else line.help
        spans = [(pointer, "rows--sign")]
        if any(choice.sign for choice in self.lines):
            spans.append((fitted(line.sign, 1), "rows--sign"))
        spans.append((label, "rows--off" if line.problem else "rows--value"))
        used = sum(cell_len(text) for text, _ in spans)
        style = "rows--problem" if line.problem else "rows--muted"
        return [*spans, (" " + fitted(about, width - used - 1), style)]
