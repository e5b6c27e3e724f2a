"""One training step in slow motion: every number of its forward and backward pass."""

from tuilab.lab.inside.view import Seen, Wanted


class BackpropWanted(Wanted, frozen=True):
    """The next training step, on one example of its batch; nothing of the run changes."""

    example: int = 0


class BackpropSeen(Seen, frozen=True):
    """The phases of the step with their numbers."""

    note: str = ""
