"""One line of text typed in place, with completion."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tuilab.core.network.complete import Completion
from tuilab.core.network.torch_code import join_lines


def complete_nothing(text: str) -> Completion:
    """Returns no suggestions."""
    return Completion(len(text))


class LineInput(Input):
    """An input without a frame: enter accepts, escape cancels, tab completes.

    Completion is not Textual's `Suggester`, which offers one suggestion and only for the whole
    text: a word is completed here, and a list shows all that fit.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", tooltip="Keep what is typed", id="line.accept"),
        Binding("escape", "cancel", "leave", tooltip="Leave without a change", id="line.cancel"),
        Binding("tab", "complete", "complete", tooltip="Take the suggestion", id="line.complete"),
        Binding("up", "select(-1)", "suggestion above", show=False,
                tooltip="Go to the suggestion above", id="line.above"),
        Binding("down", "select(1)", "suggestion below", show=False,
                tooltip="Go to the suggestion below", id="line.below"),
    ]  # fmt: skip

    class Typed(Message):
        """The text or the selected suggestion changed."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest of several counts."""
            return isinstance(message, LineInput.Typed)

    @dataclass
    class Accepted(Message):
        """The text is to be kept."""

        text: str

    @dataclass
    class Exited(Message):
        """The focus left the line with this text: by escape, or for another widget."""

        text: str
        by_key: bool

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.completer: Callable[[str], Completion] = complete_nothing
        self.completion = Completion(0)
        self.selected_index = 0
        "The suggestion that tab takes."
        self._was_moved = False
        "The selection was moved by a key, so that enter takes it."

    def begin(self, text: str, completer: Callable[[str], Completion] = complete_nothing) -> None:
        """Shows the input with a text and its own completer, and focuses it."""
        self.completer = completer
        self.value = text
        self.cursor_position = len(text)
        self._update_completion()
        self.display = True
        self.screen.set_focus(self, scroll_visible=False)

    def end(self) -> None:
        """Hides the input."""
        self.display = False
        self.completer = complete_nothing

    def watch_selection(self) -> None:
        """Completes the word at the cursor."""
        self._update_completion()

    def watch_value(self) -> None:
        """Completes what is typed."""
        self._update_completion()

    def _update_completion(self) -> None:
        completion = self.completer(self.value[: self.cursor_position])
        if completion != self.completion:
            self.completion, self.selected_index, self._was_moved = completion, 0, False
        self.post_message(self.Typed())

    def insert_suggestion(self, index: int) -> None:
        """Replaces the word at the cursor by a suggestion."""
        text = self.completion.suggestions[index].text
        start, end = self.completion.start, self.cursor_position
        self.value = self.value[:start] + text + self.value[end:]
        self.cursor_position = start + len(text)
        self._update_completion()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Lets tab go to the next widget where nothing can be completed."""
        return action not in ("complete", "select") or self.completer is not complete_nothing

    def action_complete(self) -> None:
        """Takes the selected suggestion."""
        if self.completion.suggestions:
            self.insert_suggestion(self.selected_index)

    def action_select(self, by: int) -> None:
        """Selects another suggestion."""
        if count := len(self.completion.suggestions):
            self.selected_index = (self.selected_index + by) % count
            self._was_moved = True
            self.post_message(self.Typed())

    def action_accept(self) -> None:
        """Keeps the line; takes the suggestion first if one was selected by key."""
        if self._was_moved and self.completion.suggestions:
            self.insert_suggestion(self.selected_index)
        else:
            self.post_message(self.Accepted(self.value))

    def action_cancel(self) -> None:
        """Leaves the line unchanged."""
        self.post_message(self.Exited(self.value, by_key=True))

    def _on_paste(self, event: events.Paste) -> None:
        """Inserts what is pasted, code over several lines as one; Textual takes the first line."""
        event.prevent_default()
        event.stop()
        self.replace(join_lines(event.text), *self.selection)

    def on_blur(self, event: events.Blur) -> None:
        """Reports that the focus went elsewhere in this program; another window does not count."""
        if self.display and self.app.app_focus and self.screen.is_current:
            self.post_message(self.Exited(self.value, by_key=False))
