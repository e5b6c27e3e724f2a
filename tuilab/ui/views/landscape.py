"""The view of landscape."""

from typing import ClassVar

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.landscape import LandscapeSeen, LandscapeWanted
from tuilab.lab.inside.view import Seen
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class LandscapeView(View):
    """Shows landscape."""

    SEEN: ClassVar[type[Seen]] = LandscapeSeen

    def wanted(self, run: Run, experiment: Experiment) -> LandscapeWanted | None:
        """What would fill the view."""
        return LandscapeWanted()

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        assert isinstance(seen, LandscapeSeen)
        grid = Grid(width, height, self.hues().label)
        say(grid, seen.note, self.hues().label)
        return grid
