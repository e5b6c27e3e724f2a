"""One line of text typed in place, with completion."""

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input

from tuilab.core.network.complete import Completion


def no_completion(text: str) -> Completion:
    """Nothing to offer."""
    return Completion(len(text))


class LineInput(Input):
    """An input without a frame: enter accepts, escape leaves, tab completes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "accept", "accept", tooltip="Keep what is typed", id="line.accept"),
        Binding("escape", "leave", "leave", tooltip="Leave without a change", id="line.leave"),
        Binding("tab", "complete", "complete", tooltip="Take the suggestion", id="line.complete"),
        Binding("up", "choose(-1)", "suggestion above", show=False,
                tooltip="Go to the suggestion above", id="line.above"),
        Binding("down", "choose(1)", "suggestion below", show=False,
                tooltip="Go to the suggestion below", id="line.below"),
    ]  # fmt: skip

    class Typed(Message):
        """The text or the chosen suggestion is another one."""

        def can_replace(self, message: Message) -> bool:
            """Only the newest of several counts."""
            return isinstance(message, LineInput.Typed)

    class Accepted(Message):
        """What is typed is to be kept."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The line was left; `text` is what stood there, `by_key` whether on purpose."""

        def __init__(self, text: str, by_key: bool) -> None:
            super().__init__()
            self.text, self.by_key = text, by_key

    def __init__(self) -> None:
        super().__init__(compact=True, select_on_focus=False)
        self.completer: Callable[[str], Completion] = no_completion
        self.completion = Completion(0)
        self.chosen = 0
        "Index of the suggestion that tab takes."
        self._steered = False

    def begin(self, text: str, completer: Callable[[str], Completion] = no_completion) -> None:
        """Start with a text and its own way of completing."""
        self.completer = completer
        self.value = text
        self.cursor_position = len(text)
        self._look()
        self.display = True
        self.screen.set_focus(self, scroll_visible=False)

    def end(self) -> None:
        """Go out of sight."""
        self.display = False
        self.completer = no_completion

    def watch_selection(self) -> None:
        """Suggestions are those for the word at the cursor."""
        self._look()

    def watch_value(self) -> None:
        """Suggestions are those for what is typed."""
        self._look()

    def _look(self) -> None:
        completion = self.completer(self.value[: self.cursor_position])
        if completion != self.completion:
            self.completion, self.chosen, self._steered = completion, 0, False
        self.post_message(self.Typed())

    def take(self, index: int) -> None:
        """Put a suggestion in the place of the word at the cursor."""
        text = self.completion.suggestions[index].text
        start, end = self.completion.start, self.cursor_position
        self.value = self.value[:start] + text + self.value[end:]
        self.cursor_position = start + len(text)
        self._look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where nothing can be completed, tab goes on to the next widget."""
        return action not in ("complete", "choose") or self.completer is not no_completion

    def action_complete(self) -> None:
        """Take the chosen suggestion."""
        if self.completion.suggestions:
            self.take(self.chosen)

    def action_choose(self, by: int) -> None:
        """Go to another suggestion."""
        if count := len(self.completion.suggestions):
            self.chosen = (self.chosen + by) % count
            self._steered = True
            self.post_message(self.Typed())

    def action_accept(self) -> None:
        """Keep the line; take the suggestion first if one was gone to."""
        if self._steered and self.completion.suggestions:
            self.take(self.chosen)
        else:
            self.post_message(self.Accepted(self.value))

    def action_leave(self) -> None:
        """Leave the line as it was."""
        self.post_message(self.Left(self.value, by_key=True))

    def on_blur(self, event: events.Blur) -> None:
        """Tell when the focus goes elsewhere in this program; another window does not count."""
        if self.display and self.app.app_focus and self.screen.is_current:
            self.post_message(self.Left(self.value, by_key=False))
