"""Answers the views: passes each request to its inspector, between two batches."""

import time

from msgspec import structs

from tuilab.core.discover import import_modules
from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse
from tuilab.engine import inspect
from tuilab.engine.inspect.inspectors import INSPECTORS, Inspector
from tuilab.engine.session import Session

import_modules(inspect)  # every class that is marked `@inspector`


class Dispatcher:
    """The inspectors of one session, each made when it is first needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inspectors: dict[type[InspectRequest], Inspector] = {}

    def inspect(self, request: InspectRequest) -> InspectResponse:
        """Returns the response to a request, with the seconds that it took."""
        kind = type(request)
        if kind not in self._inspectors:
            self._inspectors[kind] = INSPECTORS[kind](self._session)
        start = time.perf_counter()
        response = self._inspectors[kind].inspect(request)
        return structs.replace(response, cost=time.perf_counter() - start)
