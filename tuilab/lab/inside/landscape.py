"""The loss around the present weights."""

from tuilab.lab.inside.view import Seen, Wanted


class LandscapeWanted(Wanted, frozen=True):
    """A slice through the loss, so many points on each side."""

    size: int = 21
    span: float = 1.0


class LandscapeSeen(Seen, frozen=True):
    """The losses so far; more come while it is asked for again."""

    evaluations: int = 0
    of: int = 0
    note: str = ""
