"""The view of backprop."""

from typing import ClassVar

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.backprop import BackpropSeen, BackpropWanted
from tuilab.lab.inside.view import Seen
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class BackpropView(View):
    """Shows backprop."""

    SEEN: ClassVar[type[Seen]] = BackpropSeen

    def wanted(self, run: Run, experiment: Experiment) -> BackpropWanted | None:
        """What would fill the view."""
        return BackpropWanted()

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        assert isinstance(seen, BackpropSeen)
        grid = Grid(width, height, self.hues().label)
        say(grid, seen.note, self.hues().label)
        return grid
