"""Every question and every answer of the views inside, for the wire."""

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest, BackpropResponse
from tuilab.core.protocol.inspect.examples_messages import ExamplesRequest, ExamplesResponse
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.core.protocol.inspect.layer_messages import LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse

AnyInspectRequest = (
    UnitsRequest | LayerRequest | ExamplesRequest | BackpropRequest | LandscapeRequest
)
AnyInspectResponse = (
    UnitsResponse | LayerResponse | ExamplesResponse | BackpropResponse | LandscapeResponse
)
