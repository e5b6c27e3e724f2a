"""The view of layer."""

from typing import ClassVar

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.layer import LayerSeen, LayerWanted
from tuilab.lab.inside.view import Seen
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class LayerView(View):
    """Shows layer."""

    SEEN: ClassVar[type[Seen]] = LayerSeen

    def wanted(self, run: Run, experiment: Experiment) -> LayerWanted | None:
        """What would fill the view."""
        return LayerWanted()

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        assert isinstance(seen, LayerSeen)
        grid = Grid(width, height, self.hues().label)
        say(grid, seen.note, self.hues().label)
        return grid
