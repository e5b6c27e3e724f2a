"""What panes and views request of the lab around them."""

from typing import Any

from textual.message import Message

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.protocol.commands import AnyCommand


class EditRequested(Message):
    """A key of the experiment, such as `optimizer.lr` or `network`, is to get another value."""

    def __init__(self, key: str, value: Any) -> None:
        super().__init__()
        self.key, self.value = key, value


class CommandIssued(Message):
    """A command is to be sent to the worker at once."""

    def __init__(self, command: AnyCommand) -> None:
        super().__init__()
        self.command = command


class FindingsRequested(Message):
    """The view of the diagnosis has been opened, and waits for what has been found."""


class FixChosen(Message):
    """A fix of a finding was chosen."""

    def __init__(self, fix: Fix) -> None:
        super().__init__()
        self.fix = fix


class TemperatureStepped(Message):
    """The temperature of generated text is to be raised (1) or lowered (-1) by a step."""

    def __init__(self, direction: int) -> None:
        super().__init__()
        self.direction = direction
