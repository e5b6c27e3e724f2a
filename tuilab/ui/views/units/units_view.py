"""The network as nodes and edges: the output of each unit, and every weight to read and to set."""

from typing import Any, ClassVar

from textual import events
from textual.binding import BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.set_weight import SetWeight, parse_finite_number
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.styled_cells import draw_note
from tuilab.ui.messages import CommandIssued
from tuilab.ui.views.units.draw_units import UnitsDrawing
from tuilab.ui.views.units.unit_positions import Selection, UnitLayout
from tuilab.ui.views.units.unit_text import get_selected_value, name_selection
from tuilab.ui.views.view import View
from tuilab.ui.views.view_keys import hidden_key, view_key

FINE, COARSE = 32, 20
"""Points on each side of a response, with and without room for a large map."""

NUDGE = 0.1
"""What one key adds to a weight or subtracts from it."""


class UnitsView(View[UnitsResponse]):
    """The outputs of every unit; one unit or edge is selected, read and set."""

    BINDINGS: ClassVar[list[BindingType]] = [
        view_key("down", "move(1)", "Select", "down",
                 "Select the unit below, or the next weight", key_display="arrows"),
        view_key("enter", "set_value", "Set value", "write",
                 "Type a new bias for the unit, or a new weight for the edge"),
        view_key("i", "next_edge(1)", "Weights", "edge",
                 "Select the next weight into the unit; up and down go on from there"),
        view_key("z", "undo", "Undo value", "undo", "Restore the value that was set last"),
        view_key("plus,equals_sign", "nudge(1)", "Raise", "raise",
                 f"Add {NUDGE} to the bias or the weight", key_display="+"),
        view_key("minus", "nudge(-1)", "Lower", "lower",
                 f"Subtract {NUDGE} from the bias or the weight"),
        hidden_key("I", "next_edge(-1)", "previous weight", "edge_before",
                   "Select the previous weight"),
        hidden_key("escape", "leave_edge", "unit", "leave_edge",
                   "Select the unit again instead of one of its weights"),
        hidden_key("left", "change_column(-1)", "unit to the left", "left",
                   "Select a unit of the previous column; of an edge, where it comes from"),
        hidden_key("right", "change_column(1)", "unit to the right", "right",
                   "Select a unit of the next column; of an edge, where it goes to"),
        hidden_key("up", "move(-1)", "unit above", "up",
                   "Select the unit above, or the previous weight"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = UnitsResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.selection = Selection()
        self._layout: UnitLayout | None = None
        self._new_values: tuple[InspectResponse | None, dict[Selection, float]] = (None, {})
        "Values that were set since a response came, so that a key pressed twice counts twice."

    def request(self, run: Run, experiment: Experiment) -> UnitsRequest | None:
        """Returns the request that fills the view."""
        side = FINE if self.size.width >= 60 else COARSE
        return UnitsRequest(side, side)

    def comparison_key(self, response: UnitsResponse) -> object:
        """Returns the same for all responses."""
        return None

    def draw_response(self, response: UnitsResponse, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        if not response.columns:
            return draw_note(response.note, (width, height), self.draw_style)
        drawing = UnitsDrawing(response, self.selection.clamp(response.columns), self.draw_style)
        cells = drawing.draw(width, height)
        self._layout = drawing.layout if self.left_response is None else None
        return cells

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers no keys of units where the network has none."""
        has_no_units = self.response is not None and not self.response.columns
        if has_no_units and action not in ("keep", "travel"):
            return False
        return super().check_action(action, parameters)

    # --- selection

    @property
    def _current(self) -> tuple[UnitsResponse, Selection] | None:
        """The response whose units can be selected, and what of it is selected."""
        response = self.response
        if response is None or not response.columns:
            return None
        return response, self.selection.clamp(response.columns)

    def _select(self, column: int, unit: int, source: int | None = None) -> None:
        if (current := self._current) is not None:
            self.selection = Selection(column, unit, source).clamp(current[0].columns)
            self.redraw()

    def action_move(self, by: int) -> None:
        """Selects the unit above or below, or the previous or next weight."""
        if self.selection.source is not None:
            self.action_next_edge(by)
        elif (current := self._current) is not None:
            response, selection = current
            count = response.columns[selection.column].shown_units
            self._select(selection.column, (selection.unit + by) % count)

    def action_change_column(self, by: int) -> None:
        """Selects a unit of another column, about as high as the selected one."""
        if (current := self._current) is None:
            return
        columns, selection = current[0].columns, current[1]
        if selection.source is not None:
            unit = selection.source if by < 0 else selection.unit
            self._select(selection.column - (by < 0), unit)
            return
        column = max(0, min(len(columns) - 1, selection.column + by))
        height = (selection.unit + 0.5) / columns[selection.column].shown_units
        self._select(column, int(height * columns[column].shown_units))

    def action_next_edge(self, by: int) -> None:
        """Selects the next weight into the unit."""
        if (current := self._current) is None:
            return
        response, selection = current
        if not selection.column:
            self.notify("An input has no incoming weights; → goes to the first layer.")
            return
        count = response.columns[selection.column - 1].shown_units
        source = selection.source if selection.source is not None else (-1 if by > 0 else 0)
        self._select(selection.column, selection.unit, (source + by) % count)

    def action_leave_edge(self) -> None:
        """Selects the unit again."""
        self._select(self.selection.column, self.selection.unit)

    def on_click(self, event: events.Click) -> None:
        """Selects the unit under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._layout is None:
            return
        if (unit := self._layout.unit_at(*offset)) is not None:
            self._select(*unit)

    # --- values

    def _selected_value(self) -> tuple[UnitsResponse, Selection, float] | None:
        """Returns the selected number; notifies and returns None if there is none."""
        if (current := self._current) is None:
            self.notify("There are no weights yet: press s for one step.")
            return None
        response, selection = current
        value = get_selected_value(response, selection)
        if value is None:
            self.notify("This unit has no bias; i selects one of the weights into it."
                        if selection.column
                        else "An input has neither weights nor a bias.")  # fmt: skip
            return None
        if self._new_values[0] is not response:
            self._new_values = (response, {})
        return response, selection, self._new_values[1].get(selection, value)

    def action_set_value(self) -> None:
        """Asks for a new value of the selected number."""
        from tuilab.ui.screens.dialogs import Prompt

        if (selected := self._selected_value()) is None:
            return
        response, selection, value = selected
        name = "weight" if selection.source is not None else "bias"
        title = name_selection(response, selection)
        text = f"{title}\nTraining continues from the new value; z restores this one."

        def take(new_value: Any) -> None:
            if new_value is not None:
                self._set(response, selection, new_value)

        prompt = Prompt(f"Set a {name}", text, f"{value:.6g}", check=parse_finite_number)
        self.app.push_screen(prompt, take)

    def action_nudge(self, direction: int) -> None:
        """Raises or lowers the selected number."""
        if (selected := self._selected_value()) is not None:
            response, selection, value = selected
            self._set(response, selection, value + direction * NUDGE)

    def _set(self, response: UnitsResponse, selection: Selection, value: float) -> None:
        if self._new_values[0] is response:
            self._new_values[1][selection] = value
        layer = response.columns[selection.column].label
        name, index = "bias", [selection.unit]
        if selection.source is not None:
            name, index = "weight", [selection.unit, selection.source]
        self.post_message(CommandIssued(SetWeight(layer, name, index, value)))

    def action_undo(self) -> None:
        """Restores the value that was set last."""
        self._new_values = (None, {})
        self.post_message(CommandIssued(SetWeight()))
