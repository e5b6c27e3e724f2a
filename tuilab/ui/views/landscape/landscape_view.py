"""The loss around the present weights: a map of a slice, or a scan along the next step."""

from typing import ClassVar

from msgspec.structs import replace
from textual.binding import Binding, BindingType

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.inspect.landscape_messages import LandscapeRequest, LandscapeResponse
from tuilab.core.protocol.inspect.request import InspectResponse
from tuilab.core.protocol.inspect.unions import AnyInspectRequest
from tuilab.core.run.run import Run
from tuilab.ui.canvas.cell_buffer import CellBuffer
from tuilab.ui.canvas.height_map import Terrain
from tuilab.ui.plot.chart import Chart
from tuilab.ui.plot.legend import say
from tuilab.ui.plot.scene import Look
from tuilab.ui.terminal.glyphs import glyphs, signs
from tuilab.ui.views.landscape.draw_landscape import Paints, draw_slice
from tuilab.ui.views.view import View

SIZES = (9, 17, 33, 65)
"""Points on each side of a slice, from coarse to fine."""

NEAREST, FARTHEST = 2.0**-10, 2.0**4
"""Spans between which the slice can be zoomed."""

RAMP = 5
"""Colours that the levels are blended from."""


ZOOM = Binding.Group("zoom", compact=True)
POINTS = Binding.Group("points", compact=True)


def _key(
    key: str, action: str, label: str, name: str, tooltip: str, group: Binding.Group | None = None
) -> Binding:
    name = f"inside.landscape_{name}"
    return Binding(key, action, label, tooltip=tooltip, id=name, group=group)


class LandscapeView(View):
    """Shows where the weights stand in the loss, and where steps of any length would lead."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"landscape--level-{number}" for number in range(1, RAMP + 1)),
        *Chart.COMPONENT_CLASSES,
    }

    BINDINGS: ClassVar[list[BindingType]] = [
        _key("v", "turn", "Slice/scan", "turn",
             "A slice around the weights, or the loss after the next step at every learning rate"),
        _key("a", "anew", "Anew", "anew", "Take the weights of this moment"),
        _key("p", "plane", "Path", "plane",
             "The plane in which the path so far is widest, or two random directions"),
        _key("o", "along", "Optimizer/gradient", "along",
             "Along the optimizer's step, or straight down the gradient"),
        _key("l", "log", "Log", "log", "Logarithmic or linear losses"),
        _key("plus,equals_sign", "zoom(-1)", "Closer", "closer",
             "Show a smaller part around the weights", ZOOM),
        _key("minus", "zoom(1)", "Farther", "farther", "Show more around the weights", ZOOM),
        _key("full_stop", "refine(1)", "Finer", "finer", "Measure more points", POINTS),
        _key("comma", "refine(-1)", "Coarser", "coarser", "Measure fewer points", POINTS),
        _key("d", "directions", "Directions", "directions", "Other random directions"),
    ]  # fmt: skip

    SEEN: ClassVar[type[InspectResponse]] = LandscapeResponse

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.asked = LandscapeRequest()
        self.is_log: bool | None = None
        "None: a slice has the scale that suits it, a scan a linear one."

    def wanted(self, run: Run, experiment: Experiment) -> LandscapeRequest | None:
        """What would fill the view."""
        return self.asked

    def is_unfinished(self, seen: InspectResponse | None) -> bool:
        """Whether points are left to be measured."""
        return isinstance(seen, LandscapeResponse) and seen.evaluations < seen.of

    def topic(self, wanted: AnyInspectRequest | None, seen: InspectResponse) -> object:
        """Which slice, or which scan, around the weights of whatever moment."""
        assert isinstance(seen, LandscapeResponse)
        if (found := seen.slice) is not None:
            return found.size, found.span, found.plane, found.seed
        return seen.scan.along if seen.scan is not None else None

    def picture(self, seen: InspectResponse, width: int, height: int) -> CellBuffer:
        """An answer in a size."""
        assert isinstance(seen, LandscapeResponse)
        if seen.slice is not None:
            return draw_slice(seen, seen.slice, self.is_log, (width, height), self._paints())
        if seen.scan is not None:
            from tuilab.ui.views.landscape.draw_line_scan import draw_scan

            return draw_scan(seen, seen.scan, bool(self.is_log), (width, height), self._look())
        grid = CellBuffer(width, height, self.hues().label)
        say(grid, seen.note or "The loss is being measured.", self.hues().label)
        return grid

    def _paints(self) -> Paints:
        names = (f"landscape--level-{number}" for number in range(1, RAMP + 1))
        ramp = tuple(self.get_component_styles(name).color for name in names)
        return Paints(self.hues(), ramp, signs())

    def _look(self) -> Look:
        style = self.get_component_rich_style
        return Look(
            self.rich_style,
            axis=style("chart--axis"),
            label=style("chart--label"),
            title=style("chart--title"),
            mark=style("chart--mark"),
            gap=style("chart--gap"),
            lines={number: style(f"chart--line-{number}") for number in (1, 2)},
            signs=signs(),
            glyphs=glyphs(),
        )

    # --- what the user does -------------------------------------------------------------------

    def _ask(self, **changes: object) -> None:
        self.asked = replace(self.asked, **changes)
        self.refresh_bindings()

    def action_turn(self) -> None:
        """Turn from the slice to the scan and back."""
        self._ask(kind="scan" if self.asked.kind == "slice" else "slice")

    def action_zoom(self, direction: int) -> None:
        """Show a smaller or a larger part of the plane."""
        span = self.asked.span * 2.0**direction
        self._ask(span=min(FARTHEST, max(NEAREST, span)))

    def action_refine(self, direction: int) -> None:
        """Measure more or fewer points."""
        place = SIZES.index(self.asked.size) + direction
        self._ask(size=SIZES[min(len(SIZES) - 1, max(0, place))])

    def action_directions(self) -> None:
        """Draw other random directions."""
        self._ask(seed=self.asked.seed + 1, plane="random")

    def action_plane(self) -> None:
        """Change between random directions and those of the path."""
        self._ask(plane="path" if self.asked.plane == "random" else "random")

    def action_along(self) -> None:
        """Change between the optimizer's step and the gradient."""
        self._ask(along="gradient" if self.asked.along == "optimizer" else "optimizer")

    def action_anew(self) -> None:
        """Begin again with the weights of now."""
        self._ask(anew=self.asked.anew + 1)

    def action_log(self) -> None:
        """Change between logarithmic and linear losses."""
        shown = self.is_log
        if (
            shown is None
            and isinstance(self.seen, LandscapeResponse)
            and self.seen.slice is not None
        ):
            shown = Terrain(self.seen.slice.losses, self.seen.slice.size).is_log
        self.is_log = not shown
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only the keys of what is shown."""
        of_slice = ("zoom", "refine", "directions", "plane")
        if action in of_slice:
            return self.asked.kind == "slice"
        if action == "along":
            return self.asked.kind == "scan"
        return super().check_action(action, parameters)
