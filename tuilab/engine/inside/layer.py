"""Looks for the view of layer."""

from tuilab.engine.session import Session
from tuilab.lab.inside.layer import LayerSeen, LayerWanted


class LayerEye:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, wanted: LayerWanted) -> LayerSeen:
        """What the view is to show."""
        return LayerSeen(self._session.run, self._session.step)
