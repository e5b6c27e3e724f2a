"""Studies beside a run: which learning rate, which batch size, how much the result varies."""

from typing import TYPE_CHECKING, Literal

from textual import work

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import knobs
from tuilab.core.protocol.commands import Cancel, Find, Validate
from tuilab.core.run.run import Run
from tuilab.ui.controllers.training import TrainingController, whole_number
from tuilab.ui.screens.dialogs import Prompt

if TYPE_CHECKING:
    from tuilab.ui.screens.study import Study

KEYS = {"lr": "optimizer.lr", "batch_size": "data.batch_size"}

MOST_FOLDS = 100


class StudyController(TrainingController):
    """Control, and studies that leave the run as it was."""

    _study: "Study | None" = None

    def hear_study(self, run: Run) -> None:
        """Tell the dialog of a study, if there is one, what the host has said."""
        if self._study is not None and self._study is self.app.screen:
            self._study.hear(run)

    @work(exclusive=True, group="study")
    async def action_find(self, what: Literal["lr", "batch_size"]) -> None:
        """Search for a learning rate or a batch size; take it if it is wanted."""
        run = self.workspace.run
        if KEYS[what] not in {knob.key for knob in knobs(self.workspace.experiment)}:
            self.notify("This data is a single example: there is no batch size to choose.")
            return
        if run.started is None and not self.can_start():
            return
        begin = [] if run.started is not None else self.workspace.start(paused=True)
        self.workspace.run.found = None
        self.send([*begin, Find(what)])
        from tuilab.ui.screens.study import Search

        self._study = Search(what)
        value = await self.app.push_screen_wait(self._study)
        if self.workspace.run.found is None:
            self.send([Cancel()])
        if value is not None:
            self.change(KEYS[what], value)

    @work(exclusive=True, group="study")
    async def action_validate(self) -> None:
        """Cross-validate the experiment as it is on the desk."""
        if not self.can_start():
            return
        folds = await self.app.push_screen_wait(
            Prompt(
                "Cross-validate", "How many folds? Each is held back once.", "5", check=fold_count
            )
        )
        if folds is None:
            return
        self.workspace.run.validated = None
        self.send([Validate(self.workspace.experiment, folds)])
        from tuilab.ui.screens.study import Folds

        self._study = Folds(folds)
        if not await self.app.push_screen_wait(self._study):
            self.send([Cancel()])


def fold_count(text: str) -> int:
    """A number of folds, of at least two."""
    number = int(whole_number(text))
    if not 2 <= number <= MOST_FOLDS:
        raise InputError(f"from 2 to {MOST_FOLDS} folds")
    return number
