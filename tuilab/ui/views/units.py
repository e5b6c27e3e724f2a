"""The view of units."""

from typing import ClassVar

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.units import UnitsSeen, UnitsWanted
from tuilab.lab.inside.view import Seen
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class UnitsView(View):
    """Shows units."""

    SEEN: ClassVar[type[Seen]] = UnitsSeen

    def wanted(self, run: Run, experiment: Experiment) -> UnitsWanted | None:
        """What would fill the view."""
        return UnitsWanted()

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        assert isinstance(seen, UnitsSeen)
        grid = Grid(width, height, self.hues().label)
        say(grid, seen.note, self.hues().label)
        return grid
