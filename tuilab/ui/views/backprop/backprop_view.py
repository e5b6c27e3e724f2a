"""The view of one training step in slow motion: phase by phase, number by number."""

from dataclasses import replace
from typing import ClassVar

from msgspec import structs
from textual.binding import BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.network.layer_labels import find_label
from tuilab.core.protocol.inspect.backprop_messages import (
    PHASES_AROUND,
    STEP_PARTS,
    BackpropRequest,
    BackpropResponse,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.views.backprop.draw_phase import Position, draw_step
from tuilab.ui.views.view import View
from tuilab.ui.views.view_keys import hidden_key, view_key

STRIDE = PHASES_AROUND // 2
"""Phases that can be walked before others are requested."""


class BackpropView(View[BackpropResponse]):
    """One phase of the next step; arrow keys walk, other keys choose what is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        view_key("right", "walk(1)", "Walk, select", "walk",
                 "Go to the next phase; up and down select the row", key_display="arrows"),
        view_key("enter", "next_part(1)", "Next part", "part",
                 "Go to the next part: forward, loss, backward, optimizer, new weights"),
        view_key("g", "switch_graph", "Graph", "graph",
                 "The computational graph instead of the tables, or back"),
        view_key("i", "next_example(1)", "Example", "example",
                 "Follow the next example of the batch"),
        view_key("w", "next_table(1)", "Tensor", "table",
                 "Select another tensor of the phase, such as dL/dW"),
        view_key("pagedown", "next_slice(1)", "Slice", "slice",
            "Show the next slice of tensors with more rows than are shown", key_display="PgDn"),
        hidden_key("pageup", "next_slice(-1)", "previous slice", "slice_before",
                   "Show the previous slice"),
        hidden_key("t", "next_optimizer_phase", "other side", "optimizer_phase",
                   "For a GAN: the step of the discriminator, or of the generator"),
        hidden_key("left", "walk(-1)", "previous phase", "walk_back",
                   "Go back to the previous phase"),
        hidden_key("down", "next_row(1)", "row below", "row", "Select the row below"),
        hidden_key("up", "next_row(-1)", "row above", "row_before", "Select the row above"),
        hidden_key("backspace", "next_part(-1)", "previous part", "part_before",
                   "Go back to the previous part"),
        hidden_key("home", "next_part(-9)", "first phase", "first",
                   "Go to the beginning of the step"),
        hidden_key("I", "next_example(-1)", "previous example", "example_before",
                   "Follow the previous example"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = BackpropResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.position = Position()
        self.example = self.optimizer_phase = self.slice = 0
        self._next_layer = ""
        "The layer to go to with the next response."

    def request(self, run: Run, experiment: Experiment) -> BackpropRequest | None:
        """Returns the request that fills the view."""
        phase = (self.position.phase + STRIDE // 2) // STRIDE * STRIDE
        return BackpropRequest(
            self.example, self.optimizer_phase, self.slice, phase, self.position.is_graph,
            len(run.marks),
        )  # fmt: skip

    def is_unfinished(self, response: BackpropResponse) -> bool:
        """Returns whether the response is about a past step."""
        return response.is_outdated

    def comparison_key(self, response: BackpropResponse) -> object:
        """Returns which numbers of a step are shown, whatever knob was changed before it."""
        request = self.last_request
        if isinstance(request, BackpropRequest):
            request = structs.replace(request, knob_changes=0)
        return request, response.example, response.optimizer_phase, bool(response.nodes)

    def draw_response(self, response: BackpropResponse, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        return draw_step(response, self.position.clamp(response), (width, height), self.draw_style)

    def select_layer(self, layer: str) -> None:
        """Goes to where the gradient passes this layer, with the next response."""
        self._next_layer = layer

    def show(self, run: Run, experiment: Experiment) -> None:
        """Shows the newest response, at the layer that was selected."""
        before = self.response
        super().show(run, experiment)
        if self.response is not before:
            self.refresh_bindings()
        if self._next_layer and (response := self._current) is not None:
            labels = {at: phase.label for at, phase in enumerate(response.phases)
                      if phase.part == "backward"}  # fmt: skip
            target = find_label(self._next_layer, labels.values())
            passing = [at for at, label in labels.items() if label == target]
            self._next_layer = ""
            self._go(Position(passing[0]) if passing else self.position)

    # --- keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers only the keys that have an effect: none while no step is shown."""
        if action in ("keep", "travel"):
            return super().check_action(action, parameters)
        response = self._current
        if response is None:
            return False
        if action == "next_slice":
            return response.slices > 1
        if action == "next_example":
            return response.examples > 1
        if action == "next_table":
            tables = response.phases[self.position.clamp(response).phase].tables
            return not self.position.is_graph and len(tables) > 1
        return True

    @property
    def _current(self) -> BackpropResponse | None:
        return self.response if self.response is not None and self.response.phases else None

    def _go(self, position: Position) -> None:
        if (response := self._current) is not None:
            self.position = position.clamp(response)
            self.refresh_bindings()
            self.redraw()

    def action_walk(self, by: int) -> None:
        """Goes to the next phase or the previous one; in the graph, to the next node."""
        if (response := self._current) is None:
            return
        position = self.position.clamp(response)
        if position.is_graph:
            self._go(replace(position, node=position.node + by))
        else:
            self._go(replace(position, phase=position.phase + by, table=0))

    def action_next_part(self, by: int) -> None:
        """Goes to the first phase of the next part, or of the previous one."""
        if (response := self._current) is None or self.position.is_graph:
            return
        part = STEP_PARTS.index(response.phases[self.position.clamp(response).phase].part)
        # Where nothing is trained, a part has no phase: skip it.
        for steps in (by, 2 * by) if by in (1, -1) else (by,):
            target = STEP_PARTS[max(0, min(len(STEP_PARTS) - 1, part + steps))]
            indices = [at for at, phase in enumerate(response.phases) if phase.part == target]
            if indices:
                self._go(replace(self.position, phase=indices[0], table=0, row=0))
                return

    def action_next_row(self, by: int) -> None:
        """Selects the row above or below."""
        if (response := self._current) is not None:
            position = self.position.clamp(response)
            self._go(replace(position, row=max(0, position.row + by)))

    def action_next_table(self, by: int) -> None:
        """Selects another tensor of the phase."""
        self._go(replace(self.position, table=self.position.table + by, row=0))

    def action_switch_graph(self) -> None:
        """Shows the graph instead of the tables, or the tables again."""
        self._go(replace(self.position, is_graph=not self.position.is_graph))

    def action_next_example(self, by: int) -> None:
        """Follows another example of the batch."""
        if (response := self._current) is not None:
            example = min(self.example, response.examples - 1)
            self.example = (example + by) % max(1, response.examples)

    def action_next_slice(self, by: int) -> None:
        """Shows another slice of the tensors."""
        if (response := self._current) is not None:
            self.slice = (self.slice + by) % max(1, response.slices)

    def action_next_optimizer_phase(self) -> None:
        """Shows the step of the other side."""
        response = self._current
        if response is None or len(response.optimizer_phases) < 2:
            self.notify("A step of this task has only one optimizer phase.")
            return
        self.optimizer_phase = (response.optimizer_phase + 1) % len(response.optimizer_phases)
