"""Branches: runs that share the past of another one up to a step, and no file with it."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from tuilab.core.diagnosis.finding import DiagnosisChanged
from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import write_atomically
from tuilab.core.files.stored_file import open_stored
from tuilab.core.format import format_count
from tuilab.core.protocol.events import (
    AnyEvent,
    Checking,
    ChecksReported,
    Failed,
    Finished,
    Logged,
    Paused,
    Progressed,
    Resumed,
    Rewound,
    Saved,
    SnapshotKept,
    Started,
)
from tuilab.core.run import run_files
from tuilab.core.run.run import Run
from tuilab.core.run.snapshot_paths import list_snapshots, snapshot_path
from tuilab.host import run_store

if TYPE_CHECKING:  # the wall: importing the host must not load PyTorch
    from tuilab.engine.session import Session

LEFT_OUT = (
    Checking, ChecksReported, DiagnosisChanged, Failed, Finished, Paused, Resumed, Saved,
    SnapshotKept,
)  # fmt: skip
"""Events of the parent that say nothing of the past that a branch shares."""


def read_parent_state(parent: str, step: int, session: "Session | None") -> dict[str, Any]:
    """Returns the state that a branch begins with.

    Args:
        session: that of this process, which may be the parent's.

    Raises:
        InputError: there is no such state; it says which there are.
    """
    from tuilab.engine import stored_states
    from tuilab.engine.checkpoint import capture_state

    if session is None or session.run != parent:
        return stored_states.read_state(run_store.run_dir(parent), step)
    if step in session.snapshots.steps:
        return session.snapshots.load(step)
    if step == session.step:
        return capture_state(session)
    raise InputError(f"there is no snapshot of step {format_count(step)} any more", parent)


def copy_history(started: Started) -> list[Logged]:
    """Writes the log of a branch as far as it is that of its parent; returns a note if it cannot.

    It is a copy, so that the parent can be deleted.
    """
    folder = Path(started.folder)
    if (folder / run_store.LOG).exists():
        return []
    try:
        with open_stored(run_store.run_dir(started.parent) / run_store.LOG) as log:
            events = cut_history(run_store.decode_events(log), started.parent_step)
        lines = [
            run_store.encode_event(_adopt(event, started, is_first=not index))
            for index, event in enumerate(events)
        ]
        write_atomically(folder / run_store.LOG, b"".join(lines))
    except (OSError, InputError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return [Logged(f"The history before the branch could not be copied: {reason}.")]
    return []


def cut_history(events: Iterable[AnyEvent], last_step: int) -> list[AnyEvent]:
    """Returns what led to the state at a step: without what was taken back, and what came later."""
    history: list[AnyEvent] = []
    step = 0
    for event in events:
        if isinstance(event, (Started, Resumed, Rewound)) and event.step < step:
            history = _cut(history, event.step)
        step = getattr(event, "step", step)
        if not isinstance(event, (*LEFT_OUT, Rewound)):
            history.append(event)
    return _cut(history, last_step)


def _cut(events: list[AnyEvent], last_step: int) -> list[AnyEvent]:
    """Returns the events up to a step; of a report that goes beyond it, its points until then."""
    remaining: list[AnyEvent] = []
    for event in events:
        if getattr(event, "step", 0) <= last_step:
            remaining.append(event)
        elif isinstance(event, Progressed) and event.points:
            points = [point for point in event.points if point.step <= last_step]
            if points:
                last = points[-1]
                remaining.append(
                    replace(
                        event, step=last.step, points=points, loss=last.mean, low=last.low,
                        high=last.high, lr=last.lr,
                    )
                )  # fmt: skip
    return remaining


def _adopt(event: AnyEvent, started: Started, *, is_first: bool) -> AnyEvent:
    """Returns an event of the parent as one of the branch; the first one names the parent."""
    if isinstance(event, Started):
        lineage = started if is_first else event
        return replace(event, run=started.run, folder=started.folder, time=lineage.time,
                       parent=lineage.parent, parent_step=lineage.parent_step,
                       group=lineage.group)  # fmt: skip
    return replace(event, run=started.run) if getattr(event, "run", "") else event


def read_branch(started: Started) -> Run | None:
    """Returns a branch that has just started, with the history that it shares with its parent.

    None if that could not be copied.
    """
    try:
        run = run_store.read_run(Path(started.folder))
    except InputError:
        return None
    return run if run.id == started.run and run.started is not None else None


def link_snapshots(parent: str, folder: Path, last_step: int) -> None:
    """Gives a branch the snapshots of its parent up to a step: second names of the same files."""
    theirs = run_store.run_dir(parent) / run_files.SNAPSHOTS
    ours = folder / run_files.SNAPSHOTS
    with suppress(OSError):  # a file system without links: the branch has its own from now on
        ours.mkdir(parents=True, exist_ok=True)
        for step, _, _ in list_snapshots(theirs):
            if step <= last_step:
                os.link(snapshot_path(theirs, step), snapshot_path(ours, step))
