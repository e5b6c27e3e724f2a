"""All requests and responses of the views, for the wire."""

from tuilab.core.protocol.inspect.backprop_messages import BackpropRequest, BackpropResponse
from tuilab.core.protocol.inspect.examples_messages import ExamplesRequest, ExamplesResponse
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.core.protocol.inspect.layer_messages import LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.result_messages import ResultRequest, ResultResponse
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse

AnyInspectRequest = (
    ResultRequest | UnitsRequest | LayerRequest | ExamplesRequest | BackpropRequest
    | LandscapeRequest
)  # fmt: skip
AnyInspectResponse = (
    ResultResponse | UnitsResponse | LayerResponse | ExamplesResponse | BackpropResponse
    | LandscapeResponse
)  # fmt: skip
