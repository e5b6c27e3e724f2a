"""Answers the views: passes each request to its inspector, between two batches."""

import time
from collections.abc import Callable
from typing import Any

from msgspec import structs

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest
from tuilab.core.protocol.inspect.examples_messages import ExamplesRequest
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest
from tuilab.core.protocol.inspect.layer_messages import LayerRequest
from tuilab.core.protocol.inspect.request import InspectRequest
from tuilab.core.protocol.inspect.result_messages import ResultRequest
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.inspect.units_messages import UnitsRequest
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.examples.examples_inspector import ExamplesInspector
from tuilab.engine.inspect.landscape.landscape_inspector import LandscapeInspector
from tuilab.engine.inspect.layer.layer_inspector import LayerInspector
from tuilab.engine.inspect.result.result_inspector import ResultInspector
from tuilab.engine.inspect.units.units_inspector import UnitsInspector
from tuilab.engine.session import Session

INSPECTORS: dict[type[InspectRequest], Callable[[Session], Any]] = {
    ResultRequest: ResultInspector,
    UnitsRequest: UnitsInspector,
    LayerRequest: LayerInspector,
    ExamplesRequest: ExamplesInspector,
    BackpropRequest: BackpropInspector,
    LandscapeRequest: LandscapeInspector,
}
"""The inspector of each request: a class whose method `inspect` returns the response.

It may keep what it has computed, should take no longer than a twentieth of a second, and leaves the
session as it was (see `preserve`).
"""


class Dispatcher:
    """The inspectors of one session, each made when it is first needed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._inspectors: dict[type[InspectRequest], Any] = {}

    def inspect(self, request: InspectRequest) -> AnyInspectResponse:
        """Returns the response to a request, with the seconds that it took."""
        kind = type(request)
        if kind not in self._inspectors:
            self._inspectors[kind] = INSPECTORS[kind](self._session)
        start = time.perf_counter()
        response: AnyInspectResponse = self._inspectors[kind].inspect(request)
        return structs.replace(response, cost=time.perf_counter() - start)
