"""What panes and views request of the lab around them."""

from dataclasses import dataclass
from typing import Any

from textual.message import Message

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.protocol.commands import AnyCommand


@dataclass
class EditRequested(Message):
    """A key of the experiment, such as `optimizer.lr` or `network`, is to get another value."""

    key: str
    value: Any


@dataclass
class CommandIssued(Message):
    """A command is to be sent to the worker at once."""

    command: AnyCommand


class FindingsRequested(Message):
    """The view of the diagnosis has been opened, and waits for what has been found."""


class ChecksToggled(Message):
    """The checks for the diagnosis are to start, or to be canceled."""


@dataclass
class FixChosen(Message):
    """A fix of a finding was chosen."""

    fix: Fix


@dataclass
class TemperatureStepped(Message):
    """The temperature of generated text is to be raised (1) or lowered (-1) by a step."""

    direction: int
