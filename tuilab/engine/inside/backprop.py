"""Looks for the view of backprop."""

from tuilab.engine.session import Session
from tuilab.lab.inside.backprop import BackpropSeen, BackpropWanted


class BackpropEye:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, wanted: BackpropWanted) -> BackpropSeen:
        """What the view is to show."""
        return BackpropSeen(self._session.run, self._session.step)
