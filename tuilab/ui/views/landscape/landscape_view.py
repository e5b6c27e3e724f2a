"""The view of the loss around the current weights: a map of a slice, or a scan along the step."""

from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.height_map import HeightMap
from tuilab.ui.canvas.styled_cells import draw_note
from tuilab.ui.views.landscape.draw_landscape import draw_slice
from tuilab.ui.views.landscape.draw_line_scan import draw_scan
from tuilab.ui.views.view import View
from tuilab.ui.views.view_keys import view_key

SIZES = (9, 17, 33, 65)
"""Points on each side of a slice, from coarse to fine."""

MIN_SPAN, MAX_SPAN = 2.0**-10, 2.0**4
"""Spans between which the slice can be zoomed."""

ZOOM = Binding.Group("zoom", compact=True)
POINTS = Binding.Group("points", compact=True)


class LandscapeView(View[LandscapeResponse]):
    """The loss around the current weights, and the loss after a step of any length."""

    BINDINGS: ClassVar[list[BindingType]] = [
        view_key("v", "switch_kind", "Slice/scan", "landscape_kind",
            "A slice around the weights, or the loss after the next step at every learning rate"),
        view_key("a", "refresh", "Refresh", "landscape_refresh",
                 "Measure around the current weights"),
        view_key("p", "switch_plane", "Path", "landscape_plane",
                 "The plane in which the path so far is widest, or two random directions"),
        view_key("o", "switch_direction", "Optimizer/gradient", "landscape_direction",
                 "Along the optimizer's step, or straight down the gradient"),
        view_key("l", "switch_log", "Log", "landscape_log", "Logarithmic or linear losses"),
        view_key("plus,equals_sign", "zoom(-1)", "Closer", "landscape_closer",
                 "Show a smaller part around the weights", group=ZOOM),
        view_key("minus", "zoom(1)", "Farther", "landscape_farther",
                 "Show more around the weights", group=ZOOM),
        view_key("apostrophe", "refine(1)", "Finer", "landscape_finer",
                 "Measure more points", group=POINTS),
        view_key("semicolon", "refine(-1)", "Coarser", "landscape_coarser",
                 "Measure fewer points", group=POINTS),
        view_key("d", "next_directions", "Directions", "landscape_directions",
                 "Draw other random directions"),
    ]  # fmt: skip

    RESPONSE: ClassVar[type[InspectResponse]] = LandscapeResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.choice = LandscapeRequest()
        self.is_log: bool | None = None
        "None: a slice has the scale that suits it, a scan a linear one."

    def request(self, run: Run, experiment: Experiment) -> LandscapeRequest | None:
        """Returns the request that fills the view."""
        return self.choice

    def is_unfinished(self, response: LandscapeResponse) -> bool:
        """Returns whether points are left to be measured."""
        return response.evaluations < response.total_evaluations

    def comparison_key(self, response: LandscapeResponse) -> object:
        """Returns which slice, or which scan, whatever step's weights it is around."""
        if (slice_ := response.slice) is not None:
            return slice_.size, slice_.span, slice_.plane, slice_.seed
        return response.scan.direction if response.scan is not None else None

    def draw_response(self, response: LandscapeResponse, width: int, height: int) -> CellBuffer:
        """Draws a response in a size."""
        size, style = (width, height), self.draw_style
        if response.slice is not None:
            return draw_slice(response, response.slice, self.is_log, size, style)
        if response.scan is not None:
            return draw_scan(response, response.scan, bool(self.is_log), size, style)
        return draw_note(response.note or "The loss is being measured.", size, style)

    # --- keys ---------------------------------------------------------------------------------

    def _change(self, **changes: object) -> None:
        self.choice = replace(self.choice, **changes)
        self.refresh_bindings()

    def action_switch_kind(self) -> None:
        """Switches between the slice and the scan."""
        self._change(kind="scan" if self.choice.kind == "slice" else "slice")

    def action_zoom(self, direction: int) -> None:
        """Shows a smaller or a larger part of the plane."""
        span = self.choice.span * 2.0**direction
        self._change(span=min(MAX_SPAN, max(MIN_SPAN, span)))

    def action_refine(self, direction: int) -> None:
        """Measures more or fewer points."""
        index = SIZES.index(self.choice.size) + direction
        self._change(size=SIZES[min(len(SIZES) - 1, max(0, index))])

    def action_next_directions(self) -> None:
        """Draws other random directions."""
        self._change(seed=self.choice.seed + 1, plane="random")

    def action_switch_plane(self) -> None:
        """Switches between random directions and those of the path."""
        self._change(plane="path" if self.choice.plane == "random" else "random")

    def action_switch_direction(self) -> None:
        """Switches between the optimizer's step and the gradient."""
        is_optimizer = self.choice.direction == "optimizer"
        self._change(direction="gradient" if is_optimizer else "optimizer")

    def action_refresh(self) -> None:
        """Measures again, around the current weights."""
        self._change(refresh_count=self.choice.refresh_count + 1)

    def action_switch_log(self) -> None:
        """Switches between logarithmic and linear losses."""
        is_log, slice_ = self.is_log, self.response.slice if self.response else None
        if is_log is None and slice_ is not None:
            is_log = HeightMap(slice_.losses, slice_.size).is_log
        self.is_log = not is_log
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offers only the keys of what is shown."""
        if action in ("zoom", "refine", "next_directions", "switch_plane"):
            return self.choice.kind == "slice"
        if action == "switch_direction":
            return self.choice.kind == "scan"
        return super().check_action(action, parameters)
