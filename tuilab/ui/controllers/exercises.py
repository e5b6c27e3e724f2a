"""Exercises in code: the learner's file in their own editor, then checked in its own process."""

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from tuilab.core.errors import InputError
from tuilab.ui.controllers.files import FileController

if TYPE_CHECKING:  # exercises are imported with the first that is opened
    from tuilab.core.exercises.check_result import Result


class ExerciseController(FileController):
    """A screen from which an exercise is written and checked."""

    async def written(self, name: str) -> "Result | None":
        """Open an exercise in the editor; how it was checked then, None where it was not opened."""
        from tuilab.core.exercises import learner_files, run_check

        try:
            path = learner_files.write_stub(name)
            self._edit_in_the_terminal([*learner_files.editor(), str(path)])
        except (InputError, OSError, SuspendNotSupported) as error:
            self.notify(str(error), title="The exercise was not opened", severity="error",
                        markup=False)  # fmt: skip
            return None
        self.notify(str(path), title="Your code is being checked", markup=False)
        return await asyncio.to_thread(run_check.check, name)

    def _edit_in_the_terminal(self, command: list[str]) -> None:
        """Give the terminal to the editor until it ends; what the lab prints goes elsewhere."""
        with self.app.suspend(), Path("/dev/tty").open("r+b", buffering=0) as terminal:
            subprocess.run(command, stdin=terminal, stdout=terminal, stderr=terminal, check=False)
