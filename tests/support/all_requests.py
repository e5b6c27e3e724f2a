"""Every request of every view, in all its forms."""

from collections.abc import Iterator
from typing import get_args

from tuilab.core.protocol.inspect.backprop_messages import PHASES_AROUND, BackpropRequest
from tuilab.core.protocol.inspect.examples_messages import (
    ATTRIBUTIONS,
    SPLITS,
    ExamplesRequest,
    Page,
    UserInput,
)
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest
from tuilab.core.protocol.inspect.layer_messages import (
    QUANTITIES,
    LayerRequest,
    LayerResponse,
    PlotKind,
)
from tuilab.core.protocol.inspect.request import InspectRequest
from tuilab.core.protocol.inspect.result_messages import ResultRequest
from tuilab.core.protocol.inspect.units_messages import UnitsRequest
from tuilab.engine.inspect.dispatch import Dispatcher
from tuilab.engine.session import Session


def all_requests(session: Session, layers: list[str]) -> Iterator[InspectRequest]:
    """Yields every request of every view, in all its forms."""
    yield UnitsRequest(3, 3)
    yield ResultRequest(4, 3, samples=2)
    yield LandscapeRequest(size=3, refresh_count=session.step)
    yield LandscapeRequest(size=3, plane="path", refresh_count=session.step)
    for direction in ("optimizer", "gradient"):
        yield LandscapeRequest("scan", direction=direction, refresh_count=session.step)
    for page in get_args(Page):
        for split, attribution in zip(SPLITS, ATTRIBUTIONS, strict=True):
            entered = UserInput("0.5, 1", bytes(28 * 28)) if page == "user_input" else None
            yield ExamplesRequest(page, split, count=2, attribution=attribution, user_input=entered)
    for quantity in QUANTITIES:
        for kind in get_args(PlotKind) if quantity in ("weights", "activations") else ("map",):
            for layer in layers:
                yield LayerRequest(layer, quantity, kind, width=4, height=4)
    for number in range(min(2, len(session.phases))):
        for phase in range(0, 3 * PHASES_AROUND, PHASES_AROUND):
            yield BackpropRequest(1, number, phase=phase, with_graph=number == phase)


def inspect_everything(session: Session, dispatcher: Dispatcher) -> None:
    response = dispatcher.inspect(LayerRequest())
    assert isinstance(response, LayerResponse) and response.layers
    for request in all_requests(session, response.layers):
        dispatcher.inspect(request)
