"""Studies beside a run: a search for a learning rate or a batch size, repeats, folds."""

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from textual.binding import Binding

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import iter_knobs
from tuilab.core.protocol.commands import Cancel, CrossValidate, Find, TrainSeeds
from tuilab.core.run.run import Run
from tuilab.core.run.seeds import parse_seeds
from tuilab.ui.controllers.context import Context
from tuilab.ui.controllers.edits import EditController
from tuilab.ui.controllers.training import TrainingController, parse_count
from tuilab.ui.keymap import bind
from tuilab.ui.screens.dialogs import Prompt

if TYPE_CHECKING:  # its charts are imported with the first study
    from tuilab.ui.screens.study import CrossValidation, Search, SeedRepeats

KNOBS = {"lr": "optimizer.lr", "batch_size": "data.batch_size"}
"""The knob that a search finds a value for."""

MAX_FOLDS = 100

_key = partial(bind, "Training")


class StudyController:
    """Starts studies, follows them in a dialog, and takes over what they suggest."""

    BINDINGS: ClassVar[list[Binding]] = [
        _key("L", "studies.find('lr')", "find a learning rate",
             "Try rising learning rates on a new network for some seconds"),
        _key("S", "studies.find('batch_size')", "find a batch size",
             "Time larger and larger batches for some seconds"),
        _key("V", "studies.validate", "cross-validate",
             "Train on several splits of the examples in turn: mean and standard deviation"),
        _key("M", "studies.repeat", "repeat over seeds",
             "Train it with several seeds: a band in the charts, mean and standard deviation"),
    ]  # fmt: skip

    def __init__(
        self, context: Context, training: TrainingController, edits: EditController
    ) -> None:
        self._context, self._training, self._edits = context, training, edits
        self._workspace = context.workspace
        self._dialog: Search | CrossValidation | SeedRepeats | None = None

    def show(self, run: Run) -> None:
        """Shows the dialog of a study, if one is open, what the host has reported."""
        if self._dialog is not None and self._dialog.is_mounted:
            self._dialog.show(run)

    async def find(self, quantity: Literal["lr", "batch_size"]) -> None:
        """Searches for a value for the edited experiment, and sets it if the user takes it."""
        from tuilab.ui.screens.study import Search

        run = self._workspace.run
        if KNOBS[quantity] not in {knob.key for knob in iter_knobs(self._workspace.experiment)}:
            note = "This data is a single example: there is no batch size to choose."
            self._context.notify(note)
            return
        experiment = self._workspace.experiment
        is_of_run = run.started is None or self._workspace.run_experiment == experiment
        if (run.started is None or not is_of_run) and not self._training.can_start():
            return
        start = [] if run.started is not None else self._workspace.start(paused=True)
        self._workspace.run.finder_report = None
        find = Find(quantity, experiment=None if is_of_run else experiment)
        self._context.send([*start, find])
        is_trained = quantity == "lr" and run.step > 0 and is_of_run
        again = partial(self._context.send, [Find(quantity, from_current_weights=True)])
        value = await self._ask(Search(quantity, again if is_trained else None))
        if self._workspace.run.finder_report is None:
            self._context.send([Cancel()])
        if value is not None:
            self._edits.change(KNOBS[quantity], value)

    async def validate(self) -> None:
        """Cross-validates the experiment."""
        from tuilab.ui.screens.study import CrossValidation

        if not self._training.can_start():
            return
        question = "How many folds? Each is held out once."
        folds = await self._context.ask(
            Prompt("Cross-validate", question, "5", check=parse_fold_count)
        )
        if folds is None:
            return
        self._workspace.run.cross_validation = None
        self._context.send([CrossValidate(self._workspace.experiment, folds)])
        if not await self._ask(CrossValidation(folds)):
            self._context.send([Cancel()])

    async def repeat(self) -> None:
        """Trains the experiment with several seeds."""
        from tuilab.ui.screens.study import SeedRepeats

        if not self._training.can_start():
            return
        experiment = self._workspace.experiment
        question = "How many seeds? A list such as 3,7,11 names them."
        parse = partial(parse_seeds, first=experiment.seed)
        seeds = await self._context.ask(Prompt("Repeat over seeds", question, "5", check=parse))
        if seeds is None:
            return
        self._workspace.run.seeds = None
        self._context.send([TrainSeeds(experiment, seeds)])
        if not await self._ask(SeedRepeats(len(seeds))):
            self._context.send([Cancel()])

    async def _ask(self, dialog: "Search | CrossValidation | SeedRepeats") -> Any:
        self._dialog = dialog
        try:
            return await self._context.ask(dialog)
        finally:
            self._dialog = None


def parse_fold_count(text: str) -> int:
    """Returns a number of folds; InputError where there are too few or too many."""
    number = int(parse_count(text))
    if not 2 <= number <= MAX_FOLDS:
        raise InputError(f"enter from 2 to {MAX_FOLDS} folds")
    return number
