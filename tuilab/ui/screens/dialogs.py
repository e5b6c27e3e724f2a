"""Dialogs: choose one of several answers, or type one line."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import Collapsible, Input, OptionList, Static
from textual.widgets.option_list import Option

from tuilab.core.errors import InputError


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the answers to choose from."""

    label: str
    value: Any
    key: str = ""
    about: str = ""
    "One more line about it, in a muted color."
    problem: str = ""
    "Why it cannot be chosen; empty if it can."

    @property
    def prompt(self) -> Content:
        """The choice as the list shows it."""
        key = Content.styled(f" {self.key or ' '} ", "$accent bold")
        label = Content.styled(self.label, "bold" if not self.problem else "")
        content = Content.assemble(key, label)
        for text, style in ((self.problem, "$warning"), (self.about, "$foreground 65%")):
            if text:
                content = Content.assemble(content, "\n   ", Content.styled(text, style))
        return content


class Overlay(ModalScreen[Any]):
    """A screen over the lab that is dismissed once, however often that is requested."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+z", "app.suspend_process", "suspend", show=False)
    ]

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Closes with an answer; a key that comes later has no effect."""
        return super().dismiss(result) if self.is_current else AwaitComplete()


class Dialog(Overlay):
    """A box over the lab; escape closes it without an answer."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "cancel", tooltip="Close without an answer")
    ]


class Ask(Dialog):
    """Asks a question with several answers, one key each."""

    def __init__(
        self, title: str, text: str, choices: list[Choice], *, detail: str = "", tone: str = ""
    ) -> None:
        super().__init__(classes=tone)
        self._title, self._text, self._detail = title, text, detail
        self._choices = _with_keys(choices)

    def compose(self) -> ComposeResult:
        """Yields the text, the answers, and the detail, which is folded."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter chooses · escape cancels"
            if self._text:
                with VerticalScroll(classes="text", can_focus=False):
                    yield Static(self._text, markup=False)
            yield OptionList(
                *(Option(c.prompt, disabled=bool(c.problem)) for c in self._choices),
                markup=False,
            )
            if self._detail:
                with Collapsible(title="detail", collapsed=True):
                    yield VerticalScroll(Static(self._detail, markup=False), classes="detail")

    def on_mount(self) -> None:
        """Puts the focus into the answers."""
        self.set_focus(self.query_one(OptionList))

    @on(OptionList.OptionSelected)
    def _on_chosen(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._choices[event.option_index].value)

    def on_key(self, event: events.Key) -> None:
        """Answers with the choice whose key was pressed."""
        for choice in self._choices:
            if event.character and event.character == choice.key and not choice.problem:
                event.stop()
                self.dismiss(choice.value)
                return


def _with_keys(choices: list[Choice]) -> list[Choice]:
    """Returns every choice with a key: its own, or the next number."""
    numbers = iter("123456789")
    return [replace(choice, key=choice.key or next(numbers, "")) for choice in choices]


class Prompt(Dialog):
    """Asks for one line; what is wrong with it is shown below while it is typed."""

    def __init__(
        self,
        title: str,
        text: str,
        value: str = "",
        *,
        check: Callable[[str], Any] = str,
        suggester: Suggester | None = None,
    ) -> None:
        """Initializes the dialog.

        Args:
            value: what stands in the line at first.
            check: returns what the line means, or raises InputError.
        """
        super().__init__()
        self._title, self._text, self._value = title, text, value
        self._check, self._suggester = check, suggester

    def compose(self) -> ComposeResult:
        """Yields the text, the line, and what is wrong with it."""
        with Vertical(classes="box") as box:
            box.border_title = Content(self._title)
            box.border_subtitle = "enter accepts · escape cancels"
            yield Static(self._text, markup=False)
            yield Input(self._value, suggester=self._suggester, compact=True)
            yield Static("", classes="problem", markup=False)

    @on(Input.Changed)
    def _on_changed(self, event: Input.Changed) -> None:
        try:
            self._check(event.value)
        except InputError as error:
            self.query_one(".problem", Static).update(str(error))
        else:
            self.query_one(".problem", Static).update("")

    @on(Input.Submitted)
    def _on_submitted(self, event: Input.Submitted) -> None:
        try:
            self.dismiss(self._check(event.value))
        except InputError:
            self.app.bell()


def move_highlight(options: OptionList, key: str) -> bool:
    """Moves in a list while a line beside it is typed; returns whether the key does that."""
    if key == "down":
        options.action_cursor_down()
    elif key == "up":
        options.action_cursor_up()
    return key in ("down", "up")
