"""What a widget says when something is to be asked of the worker at once."""

from textual.message import Message

from tuilab.core.protocol.commands import AnyCommand


class Commanded(Message):
    """A command is to be sent."""

    def __init__(self, command: AnyCommand) -> None:
        super().__init__()
        self.command = command
