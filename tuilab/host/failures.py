"""Explanations of failures, also when PyTorch itself cannot be loaded."""

import sys
import traceback
from typing import TYPE_CHECKING

from tuilab.core.protocol.events import Failed

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


def release_memory() -> None:
    """Frees the memory of a failed run, now that its traceback is gone."""
    if "torch" in sys.modules:
        from tuilab.engine.device import memory

        memory.free_memory()
