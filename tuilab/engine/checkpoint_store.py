"""Where a run keeps its checkpoints, and what is done if the disk is full or fails."""

import errno
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, TypeVar

import torch

from tuilab.core.errors import InputError
from tuilab.core.files.atomic_write import put_aside, write_atomically
from tuilab.core.format import format_count
from tuilab.core.protocol.events import Saved
from tuilab.core.run import run_files
from tuilab.engine import checkpoint_file
from tuilab.engine.checkpoint import capture_state
from tuilab.engine.model import transfer
from tuilab.engine.session import Session
from tuilab.engine.snapshot_files import remove_every_second

T = TypeVar("T")

RETRY_DELAYS = (0.0, 0.1, 0.3, 1.0, 2.0)
"""Seconds before each attempt to write what is kept of a run at its end."""

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""Errors of a disk without space."""


class FinalSave(NamedTuple):
    """What was kept of a run at its end."""

    saved: Saved | None
    "None if there is no checkpoint of the last step."
    note: str
    "What was kept instead; empty if nothing was, or a whole checkpoint."
    lost: str
    "What is lost; empty if nothing is."


class CheckpointStore:
    """The two newest checkpoints of a run.

    Args:
        report: called with what the user should know.
    """

    def __init__(self, path: Path, report: Callable[[str], None] = lambda _: None) -> None:
        self._path, self._report = path, report
        self._previous = checkpoint_file.previous_path(path)
        self._weights = path.with_name(run_files.WEIGHTS)
        self._is_verified = False
        "Whether the newest checkpoint on the disk was verified by this process."
        self._saved_step = -1

    def save(self, session: Session) -> Saved:
        """Writes a checkpoint whole or not at all, and keeps the one before.

        Raises:
            OSError: if it cannot be written.
        """
        self._put_folders_aside()
        # A damaged one does not take the place of the one before, which may be the only good one.
        is_kept = self._is_verified or checkpoint_file.is_whole(self._path)
        content = checkpoint_file.encode(capture_state(session))
        write_atomically(self._path, content, previous=self._previous if is_kept else None)
        self._is_verified, self._saved_step = True, session.step
        with suppress(OSError):  # they are older than the checkpoint
            self._weights.unlink(missing_ok=True)
        return Saved(session.run, session.step, str(self._path))

    def _put_folders_aside(self) -> None:
        for path in (self._path, self._previous):
            if path.is_dir() and not path.is_symlink():
                aside = put_aside(path)
                self._report(f"A folder was in the way of {path}; it is now {aside.name}.")

    def save_final(self, session: Session) -> FinalSave:
        """Keeps the end of a run: a checkpoint, else the weights alone, else says what is lost."""
        saved, reason = _retry(lambda: self.save(session), self._make_space)
        if saved is not None:
            return FinalSave(saved, "", "")
        step = format_count(session.step)
        if self._has_weights_of(session):
            note = f"The last checkpoint could not be written ({reason}); the one before it"
            return FinalSave(None, f"{note} has the weights of step {step}: {self._path}", "")
        has_weights, weights_reason = _retry(lambda: self._save_weights(session))
        if has_weights:
            note = (
                f"No checkpoint could be written ({reason}). The weights of step {step} are kept "
                f"in {self._weights}, without the state of the optimizer. {self._describe_older()}"
            )
            return FinalSave(None, note, "")
        lost = (
            f"The weights of step {step} are lost: they could not be written to "
            f"{self._path.parent} ({weights_reason}). {self._describe_older()}"
        )
        return FinalSave(None, "", lost)

    def _has_weights_of(self, session: Session) -> bool:
        """Returns whether the checkpoint on the disk has the weights that a session has now."""
        try:
            stored, _ = checkpoint_file.read_weights(self._path)
        except InputError:
            return False
        current = session.network.state_dict()
        return stored.keys() == current.keys() and all(
            torch.equal(stored[name], tensor.cpu()) for name, tensor in current.items()
        )

    def _save_weights(self, session: Session) -> bool:
        weights = transfer.encode_weights(
            session.network, session.task.average, session.experiment, session.step
        )
        write_atomically(self._weights, weights)
        return True

    def _make_space(self) -> None:
        """Removes the snapshots; if there are none, the older checkpoint if the newer is whole."""
        folder = self._path.with_name(run_files.SNAPSHOTS)
        if remove_every_second(folder):
            while remove_every_second(folder):
                pass
        elif checkpoint_file.is_whole(self._path):
            self._previous.unlink(missing_ok=True)

    def _describe_older(self) -> str:
        """Returns what `--resume` can still go on from."""
        if self._saved_step >= 0:
            return f"Its last checkpoint is of step {format_count(self._saved_step)}: {self._path}"
        if run_files.find_checkpoint(self._path.parent):
            return f"Its last checkpoint is the one that it was resumed from: {self._path}"
        return "It has no checkpoint."


def _retry(
    write: Callable[[], T], make_space: Callable[[], None] = lambda: None
) -> tuple[T | None, str]:
    """Returns what a function returns that writes, or why it failed each time.

    An error that is not of the disk, such as a lost GPU, is not tried again.
    """
    reason = ""
    for delay in RETRY_DELAYS:
        time.sleep(delay)
        try:
            return write(), ""
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno in FULL:
                with suppress(OSError):
                    make_space()
        except Exception as error:
            return None, str(error) or type(error).__name__
    return None, reason
