"""Looks for the view of examples."""

from tuilab.engine.session import Session
from tuilab.lab.inside.examples import ExamplesSeen, ExamplesWanted


class ExamplesEye:
    """Looks at one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def look(self, wanted: ExamplesWanted) -> ExamplesSeen:
        """What the view is to show."""
        return ExamplesSeen(self._session.run, self._session.step)
