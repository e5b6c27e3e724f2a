"""What is wrong with a run, in words, with the evidence and ways out."""

from tuilab.lab.experiment import Experiment
from tuilab.lab.run import Run
from tuilab.ui.views.view import View
from tuilab.ui.widgets.grid import Grid
from tuilab.ui.widgets.legend import say


class DiagnosisView(View):
    """Says what is wrong."""

    def show(self, run: Run, experiment: Experiment) -> None:
        """Look at the history again."""
        self.catch_up()

    def drawn(self, width: int, height: int) -> Grid:
        """The diagnosis in a size."""
        grid = Grid(width, height, self.hues().label)
        say(grid, "Nothing that is sure is wrong.", self.hues().label)
        return grid
