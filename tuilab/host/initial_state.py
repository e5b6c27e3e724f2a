"""What a session begins with: a checkpoint, the state of a parent, or weights of the run before."""

from pathlib import Path
from typing import TYPE_CHECKING

from tuilab.core.format import format_count
from tuilab.core.protocol.commands import Start
from tuilab.host import branches

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.checkpoint_file import StoredState
    from tuilab.engine.session import Session


def read_parent(start: Start, session: "Session | None") -> "StoredState | None":
    """Returns the state that a branch begins with; None for any other run.

    Args:
        session: that of the run before, which may be the parent's.

    Raises:
        InputError: there is no such state any more.
    """
    if not start.parent:
        return None
    from tuilab.engine.checkpoint_file import StoredState

    state = branches.read_parent_state(start.parent, start.parent_step, session)
    return StoredState(state, Path(), "")


def load_initial_state(
    session: "Session", start: Start, parent: "StoredState | None", previous: "Session | None"
) -> str:
    """Loads what a run begins with; returns a note on it.

    Args:
        parent: the state that a branch begins with.
        previous: the session of the run before, to keep the weights of unchanged layers.
    """
    from tuilab.engine import checkpoint

    if parent is not None:
        notes = checkpoint.load_stored(session, parent)
        text = f"branches off {start.parent} at step {format_count(session.step)}"
    elif start.checkpoint:
        notes = checkpoint.load(session, Path(start.checkpoint))
        text = f"continues from step {format_count(session.step)}"
    else:
        return session.copy_unchanged_weights(previous) if previous is not None else ""
    return f"{text}: {'; '.join(notes)}" if notes else text
