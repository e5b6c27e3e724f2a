"""Inspectors: for each request of a view, the class that answers it."""

from typing import Any, Protocol

from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.engine.registry import Registry
from tuilab.engine.session import Session


class Inspector(Protocol):
    """Answers one kind of request about a session; may keep what it has computed."""

    def __init__(self, session: Session) -> None: ...

    def inspect(self, request: Any) -> InspectResponse:
        """Returns the response, in a twentieth of a second; leaves the session as it was.

        `engine/preserve.py` restores what is changed on the way.
        """


INSPECTORS: Registry[type[InspectRequest], type[Inspector]] = Registry("inspector")

inspector = INSPECTORS.register
"""Marks the class that answers a request: `@inspector(UnitsRequest)`."""
