"""The view of examples."""

from typing import ClassVar

from tuilab.lab.experiment import Experiment
from tuilab.lab.inside.examples import ExamplesSeen, ExamplesWanted
from tuilab.lab.inside.view import Seen
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class ExamplesView(View):
    """Shows examples."""

    SEEN: ClassVar[type[Seen]] = ExamplesSeen

    def wanted(self, run: Run, experiment: Experiment) -> ExamplesWanted | None:
        """What would fill the view."""
        return ExamplesWanted()

    def picture(self, seen: Seen, width: int, height: int) -> Grid:
        """An answer in a size."""
        assert isinstance(seen, ExamplesSeen)
        grid = Grid(width, height, self.hues().label)
        say(grid, seen.note, self.hues().label)
        return grid
