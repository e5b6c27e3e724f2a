"""Looks for the view of units."""

from tuilab.engine.session import Session
from tuilab.lab.inside.units import UnitsSeen, UnitsWanted


class UnitsEye:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, wanted: UnitsWanted) -> UnitsSeen:
        """What the view is to show."""
        return UnitsSeen(self._session.run, self._session.step)
