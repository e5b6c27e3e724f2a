"""Answers the views: looks at a session between two batches and leaves it as it was."""

import time
from collections.abc import Callable
from typing import Any

from msgspec import structs

from tuilab.core.protocol.inspect.backprop_messages import BackpropWanted
from tuilab.core.protocol.inspect.examples_messages import ExamplesWanted
from tuilab.core.protocol.inspect.landscape_messages import LandscapeWanted
from tuilab.core.protocol.inspect.layer_messages import LayerWanted
from tuilab.core.protocol.inspect.request import Wanted
from tuilab.core.protocol.inspect.unions import AnySeen
from tuilab.core.protocol.inspect.units_messages import UnitsWanted
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropEye
from tuilab.engine.inspect.examples.examples_inspector import ExamplesEye
from tuilab.engine.inspect.landscape.landscape_inspector import LandscapeEye
from tuilab.engine.inspect.layer.layer_inspector import LayerEye
from tuilab.engine.inspect.units.units_inspector import UnitsEye
from tuilab.engine.session import Session

EYES: dict[type[Wanted], Callable[[Session], Any]] = {
    UnitsWanted: UnitsEye,
    LayerWanted: LayerEye,
    ExamplesWanted: ExamplesEye,
    BackpropWanted: BackpropEye,
    LandscapeWanted: LandscapeEye,
}
"""Who answers which question."""


class Inspector:
    """What looks at one session; each kind of eye is made when it is first needed.

    An eye is a class with a method `look`; it may keep what it has computed from one look to the
    next, and should take no longer than a twentieth of a second for each.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._eyes: dict[type[Wanted], Any] = {}

    def look(self, wanted: Wanted) -> AnySeen:
        """What one view is to show."""
        kind = type(wanted)
        if kind not in self._eyes:
            self._eyes[kind] = EYES[kind](self._session)
        begun = time.perf_counter()
        seen: AnySeen = self._eyes[kind].look(wanted)
        return structs.replace(seen, cost=time.perf_counter() - begun)
