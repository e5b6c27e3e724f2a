"""What the view of the diagnosis says to its screen."""

from textual.message import Message

from tuilab.core.diagnosis.finding import Fix


class Consulted(Message):
    """The view is open and wants to be told what is found."""


class Cured(Message):
    """A fix was chosen."""

    def __init__(self, fix: Fix) -> None:
        super().__init__()
        self.fix = fix
