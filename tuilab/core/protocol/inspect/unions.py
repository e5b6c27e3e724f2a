"""All requests and responses of the views, for the wire: what the modules beside this declare."""

from typing import TYPE_CHECKING, Union

from tuilab.core.discover import classes_in
from tuilab.core.protocol import inspect
from tuilab.core.protocol.inspect.request import InspectRequest, InspectResponse

if TYPE_CHECKING:
    AnyInspectRequest = InspectRequest
    AnyInspectResponse = InspectResponse
else:
    REQUESTS = [kind for kind in classes_in(inspect, InspectRequest) if kind is not InspectRequest]
    RESPONSES = [
        kind for kind in classes_in(inspect, InspectResponse) if kind is not InspectResponse
    ]
    AnyInspectRequest = Union[tuple(REQUESTS)]  # noqa: UP007 (msgspec reads the members)
    AnyInspectResponse = Union[tuple(RESPONSES)]  # noqa: UP007
