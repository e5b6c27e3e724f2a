"""Explanations of failures, also when PyTorch itself cannot be loaded."""

import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Failed, Offer
from tuilab.core.run.run import make_run_id

if TYPE_CHECKING:
    from tuilab.engine.session import Session


def explain_failure(error: BaseException, run: str, session: "Session | None") -> Failed:
    """Returns a failure in the user's terms."""
    try:
        from tuilab.engine import failures
    except BaseException as broken:
        return Failed(
            run,
            "PyTorch cannot be loaded",
            hint=f"{type(broken).__name__}: {broken}. Reinstall it, then start tuilab again.",
            detail="".join(traceback.format_exception(broken)),
        )
    return failures.describe_failure(error, run, session)


def describe_changed_data(start: Start, changes: Sequence[str]) -> Failed:
    """Returns why a run does not go on from its checkpoint, with the ways that are left."""
    new_run = Start(make_run_id(start.experiment), start.experiment, is_paced=start.is_paced)
    return Failed(
        start.run,
        "The data of the run has changed",
        hint=". ".join(changes) + ". Resumed, it would go on with other examples, so that its "
        "history means nothing.",
        offers=[
            Offer("Resume: the data is back as it was", [start]),
            Offer("Start a new run", [new_run]),
            Offer("Resume with the changed data", [replace(start, accepts_changed_data=True)]),
        ],
    )


def release_memory() -> None:
    """Frees the memory of a failed run, now that its traceback is gone."""
    if "torch" in sys.modules:
        from tuilab.engine.device import memory

        memory.free_memory()
