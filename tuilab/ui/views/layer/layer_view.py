"""The view of one layer: weights, gradients, updates and activations, in several plots."""

from typing import ClassVar

import msgspec
from textual import events
from textual.binding import BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.layer_messages import QUANTITIES, LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views.layer.draw_layer import draw_layer, measure_list
from tuilab.ui.views.request_throttle import RequestThrottle
from tuilab.ui.views.view import View
from tuilab.ui.views.view_keys import hidden_key, view_key


class LayerView(View[LayerResponse]):
    """One layer; keys choose which, which of its values, how, and for which examples."""

    BINDINGS: ClassVar[list[BindingType]] = [
        view_key("down", "next_layer(1)", "Layer", "layer",
                 "Choose the next layer", key_display="↑↓"),
        view_key("right", "next_quantity(1)", "Quantity", "quantity",
                 "Weights, gradients, updates, or activations", key_display="←→"),
        view_key("v", "next_kind(1)", "Plot", "kind",
                 "Heat map, histogram, over time, and others that the layer has"),
        view_key("w", "next_parameter(1)", "Weight or bias", "tensor",
                 "Choose the next parameter of the layer: the weight, the bias"),
        view_key("apostrophe", "next_examples(1)", "Example", "example",
                 "Show the next examples", key_display="; '"),
        hidden_key("up", "next_layer(-1)", "previous layer", "layer_before",
                   "Choose the previous layer"),
        hidden_key("left", "next_quantity(-1)", "previous quantity", "quantity_before",
                   "Activations, updates, gradients, or weights"),
        hidden_key("semicolon", "next_examples(-1)", "previous examples", "example_before",
                   "Show the previous examples"),
        hidden_key("home", "end_layer(0)", "first layer", "layer_first", "Choose the first layer"),
        hidden_key("end", "end_layer(-1)", "last layer", "layer_last", "Choose the last layer"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = LayerResponse

    empty_text = (
        "Press space to start training, or s for one step: the numbers inside each layer "
        "appear here."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.choice = LayerRequest()
        "The next request; its response comes a little later."
        self._listed: list[str] = []
        "The layers in the rows of the list."

    def request(self, run: Run, experiment: Experiment) -> LayerRequest | None:
        """Returns the request that fills the view."""
        return self.choice

    def comparison_key(self, response: LayerResponse) -> object:
        """Returns what is shown of which layer; a response has all of it."""
        choice = (response.quantity, response.kind, response.parameter, response.example)
        return response.layer, choice

    def draw_response(self, response: LayerResponse, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        cells, listed = draw_layer(response, (width, height), self.draw_style)
        self._listed = listed if self.left_response is None else []
        self.refresh_bindings()
        return cells

    def on_resize(self) -> None:
        """Requests a map that fills the new size."""
        width, height = self.size
        self._change(width=max(20, width), height=max(10, 2 * height))

    # --- choices

    def select_layer(self, layer: str) -> None:
        """Shows this layer, as soon as there is one of its label."""
        self._change(layer=layer, parameter=0)

    def _change(self, **changes: object) -> None:
        """Requests something else, at once."""
        self.choice = msgspec.structs.replace(self.choice, **changes)
        self._throttle = RequestThrottle()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Does not offer keys that would do nothing."""
        response = self.response
        if action == "next_parameter":
            return response is not None and len(response.parameters) > 1
        if action == "next_examples":
            return response is not None and response.examples < response.total_examples
        return super().check_action(action, parameters)

    def action_next_layer(self, by: int) -> None:
        """Chooses a layer further down or up."""
        if (response := self.response) is not None and response.layers:
            layer = _neighbor(response.layers, self.choice.layer, response.layer, by)
            self._change(layer=layer, parameter=0)

    def action_end_layer(self, index: int) -> None:
        """Chooses the first layer or the last."""
        if (response := self.response) is not None and response.layers:
            self._change(layer=response.layers[index], parameter=0)

    def action_next_quantity(self, by: int) -> None:
        """Chooses weights, gradients, updates or activations."""
        index = QUANTITIES.index(self.choice.quantity) + by
        self._change(quantity=QUANTITIES[index % len(QUANTITIES)])

    def action_next_kind(self, by: int) -> None:
        """Chooses another plot."""
        if (response := self.response) is not None and response.kinds:
            self._change(kind=_neighbor(response.kinds, self.choice.kind, response.kind, by))

    def action_next_parameter(self, by: int) -> None:
        """Chooses another parameter of the layer."""
        if (response := self.response) is not None and response.parameters:
            self._change(parameter=(self.choice.parameter + by) % len(response.parameters))

    def action_next_examples(self, by: int) -> None:
        """Chooses the examples after or before those that are shown."""
        if (response := self.response) is not None and (total := response.total_examples):
            count = max(1, response.examples)
            first = self.choice.example + by * count
            last = total - 1 - (total - 1) % count
            self._change(example=last if first < 0 else 0 if first >= total else first)

    def on_click(self, event: events.Click) -> None:
        """Chooses the layer under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self.response is None or offset.x >= measure_list(self.response):
            return
        if offset.y < len(self._listed):
            self.select_layer(self._listed[offset.y])


def _neighbor(items: list[str], selected: str, fallback: str, by: int) -> str:
    """Returns the item after the chosen one, or after the one shown if that is not available."""
    index = items.index(selected if selected in items else fallback)
    return items[(index + by) % len(items)]
