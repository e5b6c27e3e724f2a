"""The network as nodes and edges: what each unit answers, and every weight to read and to write."""

from typing import Any, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.set_weight import Assign, number
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.response_map import Brush
from tuilab.ui.messages import Commanded
from tuilab.ui.plot.legend import say
from tuilab.ui.terminal.glyphs import glyphs, signs
from tuilab.ui.views.units.draw_units import UnitsPicture
from tuilab.ui.views.units.unit_positions import Plan, Spot
from tuilab.ui.views.units.unit_text import title, value_of
from tuilab.ui.views.view import View

FINE, COARSE = 32, 20
"""Points on each side of a plane, where there is room for a large map and where not."""

NUDGE = 0.1
"""What one key adds to a weight, or takes from it."""


class UnitsView(View):
    """Shows every unit's answers; one unit or edge is chosen, read and written."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "Select", key_display="arrows", id="inside.down",
                tooltip="Choose the unit below, or the next weight"),
        Binding("enter", "write", "Set value", id="inside.write",
                tooltip="Type another bias for the unit, or another weight for the edge"),
        Binding("i", "edge(1)", "Weights", id="inside.edge",
                tooltip="Choose the next weight into the unit; up and down go on from there"),
        Binding("z", "take_back", "Put back", id="inside.take_back",
                tooltip="Put back the value that was typed over last"),
        Binding("plus,equals_sign", "nudge(1)", "Raise", id="inside.raise", key_display="+",
                tooltip=f"Add {NUDGE} to the bias or the weight"),
        Binding("minus", "nudge(-1)", "Lower", id="inside.lower",
                tooltip=f"Take {NUDGE} from the bias or the weight"),
        Binding("I", "edge(-1)", "weight before", show=False, id="inside.edge_before",
                tooltip="Choose the weight before"),
        Binding("escape", "leave_edge", "unit", show=False, id="inside.leave_edge",
                tooltip="Choose the unit again instead of one of its weights"),
        Binding("left", "turn(-1)", "unit to the left", show=False, id="inside.left",
                tooltip="Choose a unit of the column before; of an edge, where it comes from"),
        Binding("right", "turn(1)", "unit to the right", show=False, id="inside.right",
                tooltip="Choose a unit of the column after; of an edge, where it goes to"),
        Binding("up", "move(-1)", "unit above", show=False, id="inside.up",
                tooltip="Choose the unit above, or the weight before"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = UnitsResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.spot = Spot()
        self._plan: Plan | None = None
        self._written: tuple[InspectResponse | None, dict[Spot, float]] = (None, {})
        "What was written since an answer came, so that a key pressed twice counts twice."

    def wanted(self, run: Run, experiment: Experiment) -> UnitsRequest | None:
        """What would fill the view."""
        side = FINE if self.size.width >= 60 else COARSE
        return UnitsRequest(side, side)

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """All answers are of the same."""
        return None

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        assert isinstance(seen, UnitsResponse)
        hues = self.hues()
        if not seen.columns:
            grid = CellBuffer(width, height, hues.label)
            say(grid, seen.note, hues.label)
            return grid
        spot = self.spot.within(seen.columns)
        drawing = UnitsPicture(seen, spot, Brush(hues, signs()), is_braille=glyphs() == "braille")
        grid = drawing.draw(width, height)
        self._plan = drawing.plan if self.kept is None else None
        return grid

    # --- choosing

    @property
    def _shown(self) -> UnitsResponse | None:
        """The answer whose units can be chosen."""
        return self.seen if isinstance(self.seen, UnitsResponse) and self.seen.columns else None

    def _choose(self, spot: Spot) -> None:
        if (seen := self._shown) is not None:
            self.spot = spot.within(seen.columns)
            self.redraw()

    def action_move(self, by: int) -> None:
        """Choose the unit above or below, or the weight before or after."""
        if self.spot.source is not None:
            self.action_edge(by)
        elif (seen := self._shown) is not None:
            spot = self.spot.within(seen.columns)
            count = seen.columns[spot.column].shown
            self._choose(Spot(spot.column, (spot.unit + by) % count))

    def action_turn(self, by: int) -> None:
        """Choose a unit of the next column, as high as the present one."""
        if (seen := self._shown) is None:
            return
        spot = self.spot.within(seen.columns)
        if spot.source is not None:
            self._choose(
                Spot(spot.column - 1, spot.source) if by < 0 else Spot(spot.column, spot.unit)
            )
            return
        column = max(0, min(len(seen.columns) - 1, spot.column + by))
        share = (spot.unit + 0.5) / seen.columns[spot.column].shown
        self._choose(Spot(column, int(share * seen.columns[column].shown)))

    def action_edge(self, by: int) -> None:
        """Choose the next weight into the unit."""
        if (seen := self._shown) is None:
            return
        spot = self.spot.within(seen.columns)
        if not spot.column:
            self.notify("No weights go into an input; → goes to the first layer.")
            return
        count = seen.columns[spot.column - 1].shown
        before = spot.source if spot.source is not None else (-1 if by > 0 else 0)
        self._choose(Spot(spot.column, spot.unit, (before + by) % count))

    def action_leave_edge(self) -> None:
        """Choose the unit again."""
        self._choose(Spot(self.spot.column, self.spot.unit))

    def on_click(self, event: events.Click) -> None:
        """Choose the unit under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or self._plan is None:
            return
        if (place := self._plan.at(offset.x, offset.y)) is not None:
            self._choose(Spot(*place))

    # --- writing

    def _value(self) -> tuple[UnitsResponse, Spot, float] | None:
        """The number that is chosen; None, and says so, where there is none."""
        if (seen := self._shown) is None:
            self.notify("There are no weights yet: press s for one step.")
            return None
        spot = self.spot.within(seen.columns)
        value = value_of(seen, spot)
        if value is None:
            self.notify("This unit has no bias; i chooses one of the weights into it."
                        if spot.column else "An input has neither weight nor bias.")  # fmt: skip
            return None
        if self._written[0] is not seen:
            self._written = (seen, {})
        return seen, spot, self._written[1].get(spot, value)

    def action_write(self) -> None:
        """Ask for another value of what is chosen."""
        from tuilab.ui.screens.dialogs import Prompt

        if (found := self._value()) is None:
            return
        seen, spot, value = found
        what = "weight" if spot.source is not None else "bias"
        text = f"{title(seen, spot)}\nTraining goes on from the new value; z puts this one back."

        def take(answer: Any) -> None:
            if answer is not None:
                self._write(seen, spot, answer)

        prompt = Prompt(f"Set a {what}", text, f"{value:.6g}", check=number)
        self.app.push_screen(prompt, take)

    def action_nudge(self, direction: int) -> None:
        """Raise or lower what is chosen."""
        if (found := self._value()) is not None:
            seen, spot, value = found
            self._write(seen, spot, value + direction * NUDGE)

    def _write(self, seen: UnitsResponse, spot: Spot, value: float) -> None:
        if self._written[0] is seen:
            self._written[1][spot] = value
        layer = seen.columns[spot.column].label
        name = "bias" if spot.source is None else "weight"
        index = [spot.unit] if spot.source is None else [spot.unit, spot.source]
        self.post_message(Commanded(Assign(layer, name, index, value)))

    def action_take_back(self) -> None:
        """Put back the value that was typed over last."""
        self._written = (None, {})
        self.post_message(Commanded(Assign()))
