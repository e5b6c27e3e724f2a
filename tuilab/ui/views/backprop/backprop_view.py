"""One training step in slow motion: phase by phase, number by number, forward and back."""

from dataclasses import replace
from typing import ClassVar

from msgspec.structs import replace as replace_in
from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.backprop_messages import (
    NEAR,
    PARTS,
    BackpropRequest,
    BackpropResponse,
)
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.terminal.glyphs import signs
from tuilab.ui.views.backprop.draw_phase import Stand, draw_step
from tuilab.ui.views.view import View

STRIDE = NEAR // 2
"""Phases that can be walked before others are asked for."""


class BackpropView(View):
    """Shows one phase of the next step; arrow keys walk, other keys choose what is looked at."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "walk(1)", "Walk, choose", key_display="arrows", id="inside.walk",
                tooltip="Go to the next phase; up and down choose the row"),
        Binding("enter", "part(1)", "Next part", id="inside.part",
                tooltip="Go on to the next part: forward, loss, backward, optimizer, new weights"),
        Binding("g", "graph", "Graph", id="inside.graph",
                tooltip="The computational graph instead of the tables, or back"),
        Binding("i", "example(1)", "Example", id="inside.example",
                tooltip="Follow the next example of the batch"),
        Binding("w", "table(1)", "Tensor", id="inside.table",
                tooltip="Choose another tensor of the phase, such as dL/dW"),
        Binding("pagedown", "slice(1)", "Slice", id="inside.slice", key_display="PgDn",
                tooltip="The next stretch of tensors with more rows than are shown"),
        Binding("pageup", "slice(-1)", "slice before", show=False, id="inside.slice_before",
                tooltip="The stretch before"),
        Binding("t", "turn", "other side", show=False, id="inside.turn",
                tooltip="Of a GAN: the step of the discriminator, or of the generator"),
        Binding("left", "walk(-1)", "phase before", show=False, id="inside.walk_back",
                tooltip="Go back to the phase before"),
        Binding("down", "row(1)", "row below", show=False, id="inside.row",
                tooltip="Choose the row below"),
        Binding("up", "row(-1)", "row above", show=False, id="inside.row_before",
                tooltip="Choose the row above"),
        Binding("backspace", "part(-1)", "part before", show=False, id="inside.part_before",
                tooltip="Go back to the part before"),
        Binding("home", "part(-9)", "first phase", show=False, id="inside.first",
                tooltip="Go to the beginning of the step"),
        Binding("I", "example(-1)", "example before", show=False, id="inside.example_before",
                tooltip="Follow the example before"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = BackpropResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.stand = Stand()
        self.example = self.turn = self.slice = 0
        self._aim = ""
        "The layer to turn to with the next answer."

    def wanted(self, run: Run, experiment: Experiment) -> BackpropRequest | None:
        """What would fill the view."""
        around = (self.stand.phase + STRIDE // 2) // STRIDE * STRIDE
        return BackpropRequest(
            self.example, self.turn, self.slice, around, self.stand.is_graph, len(run.marks)
        )

    def is_unfinished(self, seen: InspectResponse | None) -> bool:
        """Whether the answer is of a step that is past."""
        return isinstance(seen, BackpropResponse) and seen.is_old

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """Which numbers of a step, whatever knob was turned before it."""
        assert isinstance(seen, BackpropResponse)
        asked = replace_in(wanted, changes=0) if isinstance(wanted, BackpropRequest) else None
        return asked, seen.example, seen.turn, bool(seen.nodes)

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        assert isinstance(seen, BackpropResponse)
        brush = Brush(self.hues(), signs())
        return draw_step(seen, self.stand.within(seen), brush, (width, height))

    def aim(self, layer: str) -> None:
        """Go to where the gradient passes this layer, as soon as a step is told."""
        self._aim = layer

    def show(self, run: Run, experiment: Experiment) -> None:
        """Show the newest answer, at the layer that was aimed at."""
        super().show(run, experiment)
        if self._aim and (seen := self._shown) is not None:
            passed = [at for at, phase in enumerate(seen.phases)
                      if phase.part == "backward" and phase.label == self._aim]  # fmt: skip
            self._aim = ""
            self._go(Stand(passed[0]) if passed else self.stand)

    # --- choosing

    @property
    def _shown(self) -> BackpropResponse | None:
        return self.seen if isinstance(self.seen, BackpropResponse) and self.seen.phases else None

    def _go(self, stand: Stand) -> None:
        if (seen := self._shown) is not None:
            self.stand = stand.within(seen)
            self.redraw()

    def action_walk(self, by: int) -> None:
        """Go to the next phase or the one before; in the graph, to the next node."""
        if (seen := self._shown) is None:
            return
        stand = self.stand.within(seen)
        if stand.is_graph:
            self._go(replace(stand, node=stand.node + by))
        else:
            self._go(replace(stand, phase=stand.phase + by, table=0))

    def action_part(self, by: int) -> None:
        """Go to the first phase of the next part, or of the one before."""
        if (seen := self._shown) is None or self.stand.is_graph:
            return
        here = PARTS.index(seen.phases[self.stand.within(seen).phase].part)
        there = PARTS[max(0, min(len(PARTS) - 1, here + by))]
        place = next((at for at, p in enumerate(seen.phases) if p.part == there), None)
        if place is None and by in (1, -1):  # nothing learns: the part has no phase
            there = PARTS[max(0, min(len(PARTS) - 1, here + 2 * by))]
            place = next((at for at, p in enumerate(seen.phases) if p.part == there), None)
        if place is not None:
            self._go(replace(self.stand, phase=place, table=0, row=0))

    def action_row(self, by: int) -> None:
        """Choose the row above or below."""
        if (seen := self._shown) is not None:
            stand = self.stand.within(seen)
            self._go(replace(stand, row=max(0, stand.row + by)))

    def action_table(self, by: int) -> None:
        """Choose another tensor of the phase."""
        self._go(replace(self.stand, table=self.stand.table + by, row=0))

    def action_graph(self) -> None:
        """The graph instead of the tables, or back."""
        self._go(replace(self.stand, is_graph=not self.stand.is_graph))

    def action_example(self, by: int) -> None:
        """Follow another example of the batch."""
        if (seen := self._shown) is not None:
            self.example = (min(self.example, seen.examples - 1) + by) % max(1, seen.examples)

    def action_slice(self, by: int) -> None:
        """Show another stretch of the tensors."""
        if (seen := self._shown) is not None:
            self.slice = (self.slice + by) % max(1, seen.slices)

    def action_turn(self) -> None:
        """Show another side's turn."""
        seen = self._shown
        if seen is None or len(seen.turns) < 2:
            self.notify("A step of this task has one turn only.")
            return
        self.turn = (seen.turn + 1) % len(seen.turns)
