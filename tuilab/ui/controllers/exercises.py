"""Exercises in code: the learner's file in their editor, then checked in a process of its own."""

import asyncio
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from tuilab.core.errors import InputError
from tuilab.ui.controllers.context import Context

if TYPE_CHECKING:  # exercises are imported with the first one that is opened
    from tuilab.core.exercises.check_result import Result


async def write_and_check(context: Context, name: str) -> "Result | None":
    """Opens an exercise in the editor; returns its check, None where it was not opened."""
    from tuilab.core.exercises import learner_files
    from tuilab.host import run_check

    try:
        path = learner_files.write_stub(name)
        _edit(context, [*learner_files.editor_command(), str(path)])
    except (InputError, OSError, SuspendNotSupported) as error:
        context.notify(str(error), title="The exercise was not opened", severity="error")
        return None
    context.notify(str(path), title="Your code is being checked")
    return await asyncio.to_thread(run_check.check, name)


def _edit(context: Context, command: list[str]) -> None:
    """Gives the terminal to the editor until it ends; what the lab prints goes elsewhere."""
    with context.suspend(), Path("/dev/tty").open("r+b", buffering=0) as terminal:
        subprocess.run(command, stdin=terminal, stdout=terminal, stderr=terminal, check=False)
