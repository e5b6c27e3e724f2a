"""The view of one layer: weights, gradients, updates and activations, in many pictures."""

from typing import ClassVar

import msgspec
from textual import events
from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.layer_messages import WHATS, LayerRequest, LayerResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.views.layer.draw_layer import LIST, LayerPicture
from tuilab.ui.views.request_throttle import Asking
from tuilab.ui.views.view import View


class LayerView(View):
    """Shows one layer; keys choose which, what of it, how, and for which examples."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "layer(1)", "Layer", key_display="↑↓", id="inside.layer",
                tooltip="Choose the next layer"),
        Binding("right", "what(1)", "What", key_display="←→", id="inside.what",
                tooltip="Weights, gradients, updates, or activations"),
        Binding("v", "kind(1)", "Picture", id="inside.kind",
                tooltip="Heat map, histogram, over time, and what else the layer has"),
        Binding("w", "tensor(1)", "Weight or bias", id="inside.tensor",
                tooltip="Choose the next parameter of the layer: the weight, the bias"),
        Binding("full_stop", "example(1)", "Example", key_display=", .", id="inside.example",
                tooltip="Show the next examples"),
        Binding("up", "layer(-1)", "layer before", show=False, id="inside.layer_before",
                tooltip="Choose the layer before"),
        Binding("left", "what(-1)", "what before", show=False, id="inside.what_before",
                tooltip="Activations, updates, gradients, or weights"),
        Binding("comma", "example(-1)", "example before", show=False, id="inside.example_before",
                tooltip="Show the examples before"),
        Binding("home", "end(0)", "first layer", show=False, id="inside.layer_first",
                tooltip="Choose the first layer"),
        Binding("end", "end(-1)", "last layer", show=False, id="inside.layer_last",
                tooltip="Choose the last layer"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = LayerResponse

    EMPTY: ClassVar[str] = (
        "Press space to start training, or s for one step: the numbers inside each layer "
        "appear here."
    )

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.choice = LayerRequest()
        "What is to be shown; the answer to it comes a little later."
        self._listed: dict[int, str] = {}

    def wanted(self, run: Run, experiment: Experiment) -> LayerRequest | None:
        """What would fill the view."""
        return self.choice

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """What is shown of which layer; an answer says so itself."""
        assert isinstance(seen, LayerResponse)
        return seen.layer, seen.what, seen.kind, seen.tensor, seen.example

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        assert isinstance(seen, LayerResponse)
        drawing = LayerPicture(seen, Brush(self.hues(), signs()))
        grid = drawing.draw(width, height)
        self._listed = drawing.layers if self.kept is None else {}
        self.refresh_bindings()
        return grid

    def on_resize(self) -> None:
        """Ask for a map that fills the new size."""
        width, height = self.size
        self._change(width=max(20, width), height=max(10, 2 * height))

    # --- choosing

    @property
    def _shown(self) -> LayerResponse | None:
        return self.seen if isinstance(self.seen, LayerResponse) else None

    def aim(self, layer: str) -> None:
        """Show this layer, as soon as there is one of its label."""
        self._change(layer=layer, tensor=0)

    def _change(self, **changes: object) -> None:
        """Ask for something else, and at once."""
        self.choice = msgspec.structs.replace(self.choice, **changes)
        self._asking = Asking()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that would do nothing are not offered."""
        seen = self._shown
        if action == "tensor":
            return seen is not None and len(seen.tensors) > 1
        if action == "example":
            return seen is not None and seen.examples < seen.most
        return super().check_action(action, parameters)

    def action_layer(self, by: int) -> None:
        """Choose a layer further down or up."""
        if (seen := self._shown) is not None and seen.layers:
            chosen = self.choice.layer if self.choice.layer in seen.layers else seen.layer
            place = (seen.layers.index(chosen) + by) % len(seen.layers)
            self._change(layer=seen.layers[place], tensor=0)

    def action_end(self, place: int) -> None:
        """Choose the first layer or the last."""
        if (seen := self._shown) is not None and seen.layers:
            self._change(layer=seen.layers[place], tensor=0)

    def action_what(self, by: int) -> None:
        """Choose weights, gradients, updates or activations."""
        place = (WHATS.index(self.choice.what) + by) % len(WHATS)
        self._change(what=WHATS[place])

    def action_kind(self, by: int) -> None:
        """Choose another picture."""
        if (seen := self._shown) is not None and seen.kinds:
            chosen = self.choice.kind if self.choice.kind in seen.kinds else seen.kind
            place = (seen.kinds.index(chosen) + by) % len(seen.kinds)
            self._change(kind=seen.kinds[place])

    def action_tensor(self, by: int) -> None:
        """Choose another parameter of the layer."""
        if (seen := self._shown) is not None and seen.tensors:
            self._change(tensor=(self.choice.tensor + by) % len(seen.tensors))

    def action_example(self, by: int) -> None:
        """Choose the examples after or before those that are shown."""
        if (seen := self._shown) is not None and seen.most:
            first = self.choice.example + by * max(1, seen.examples)
            last = seen.most - 1 - (seen.most - 1) % max(1, seen.examples)
            self._change(example=last if first < 0 else 0 if first >= seen.most else first)

    def on_click(self, event: events.Click) -> None:
        """Choose the layer under the mouse."""
        offset = event.get_content_offset(self)
        if offset is not None and offset.x < LIST and offset.y in self._listed:
            self._change(layer=self._listed[offset.y], tensor=0)
