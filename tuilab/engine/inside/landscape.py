"""Looks for the view of landscape."""

from tuilab.engine.session import Session
from tuilab.lab.inside.landscape import LandscapeSeen, LandscapeWanted


class LandscapeEye:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, wanted: LandscapeWanted) -> LandscapeSeen:
        """What the view is to show."""
        return LandscapeSeen(self._session.run, self._session.step)
