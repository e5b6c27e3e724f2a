"""Answers the views: looks at a session between two batches and leaves it as it was."""

import time
from collections.abc import Callable
from typing import Any

from msgspec import structs

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest
from tuilab.core.protocol.inspect.examples_messages import ExamplesRequest
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest
from tuilab.core.protocol.inspect.layer_messages import LayerRequest
from tuilab.core.protocol.inspect.request import InspectRequest
from tuilab.core.protocol.inspect.unions import AnyInspectResponse
from tuilab.core.protocol.inspect.units_messages import UnitsRequest
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.examples.examples_inspector import ExamplesInspector
from tuilab.engine.inspect.landscape.landscape_inspector import LandscapeInspector
from tuilab.engine.inspect.layer.layer_inspector import LayerInspector
from tuilab.engine.inspect.units.units_inspector import UnitsInspector
from tuilab.engine.session import Session

INSPECTORS: dict[type[InspectRequest], Callable[[Session], Any]] = {
    UnitsRequest: UnitsInspector,
    LayerRequest: LayerInspector,
    ExamplesRequest: ExamplesInspector,
    BackpropRequest: BackpropInspector,
    LandscapeRequest: LandscapeInspector,
}
"""Who answers which question."""


class Dispatcher:
    """What looks at one session; each kind of eye is made when it is first needed.

    An eye is a class with a method `look`; it may keep what it has computed from one look to the
    next, and should take no longer than a twentieth of a second for each.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._eyes: dict[type[InspectRequest], Any] = {}

    def inspect(self, wanted: InspectRequest) -> AnyInspectResponse:
        """What one view is to show."""
        kind = type(wanted)
        if kind not in self._eyes:
            self._eyes[kind] = INSPECTORS[kind](self._session)
        begun = time.perf_counter()
        seen: AnyInspectResponse = self._eyes[kind].look(wanted)
        return structs.replace(seen, cost=time.perf_counter() - begun)
