"""Checkpoint files: a checksum over everything, two generations, and nothing is executed."""

import hashlib
import io
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.file_paths import restore_paths
from tuilab.core.files.stored_file import read_stored
from tuilab.core.run import run_files

FORMAT = 3
"""The version of the file that this tuilab writes; version 2 has no checksum."""

READABLE_FORMATS = (2, 3)

SEAL = b"tuilab sha256 "
"""Begins the comment at the end of the zip file; the checksum of all bytes before it follows."""

DIGEST_SIZE = 64

FIELDS: dict[str, type | tuple[type, ...]] = {
    "experiment": str, "network": dict, "optimizer": dict, "position": (list, tuple),
    "seconds": (int, float), "chance": Tensor, "average": dict, "stopping": dict,
    "is_stopped": bool, "is_unmeasured": bool, "validation_losses": (list, tuple),
}  # fmt: skip
"""What every checkpoint has, by the names of its format."""


class DamagedCheckpointError(InputError):
    """A checkpoint that cannot be read, or is not what was written."""


def previous_path(path: Path) -> Path:
    """Returns where the checkpoint before this one is kept."""
    return path.with_name(run_files.PREVIOUS_CHECKPOINT)


# --- one file -----------------------------------------------------------------------------------


def encode(state: dict[str, Any]) -> bytes:
    """Returns a state as a file: a zip file as of `torch.save`, with a checksum as its comment."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    # The last two bytes of a zip file without a comment are the length of the comment.
    buffer.seek(-2, io.SEEK_END)
    buffer.write(struct.pack("<H", len(SEAL) + DIGEST_SIZE) + SEAL)
    buffer.write(hashlib.sha256(buffer.getbuffer()).hexdigest().encode())
    return buffer.getvalue()


def read(path: Path) -> dict[str, Any]:
    """Reads the state in a checkpoint, after its checksum; nothing in it is executed.

    Raises:
        DamagedCheckpointError: if the file cannot be read, or is not what was written.
        InputError: if it is of another version, or has not what this version needs.
    """
    try:
        content = read_stored(path)
    except OSError as error:
        reason = error.strerror or "unknown error"
        raise DamagedCheckpointError(
            f"this checkpoint cannot be read: {reason}", str(path)
        ) from None
    is_sealed = _check(content, path)
    try:
        state: dict[str, Any] = torch.load(io.BytesIO(content), "cpu", weights_only=True)
    except Exception as error:  # a damaged file fails in many ways inside the reader
        if is_sealed:  # what was written, but nothing that this version reads
            raise _of_another_version("its content", path) from None
        raise _incomplete(error, path) from None
    _check_format(state, path)
    if state["format"] == FORMAT and not is_sealed:
        raise DamagedCheckpointError("this checkpoint is damaged: it has no checksum", str(path))
    _check_fields(state, path)
    return state


def _check_format(state: object, path: Path) -> None:
    stored = state.get("format") if isinstance(state, dict) else None
    if stored in READABLE_FORMATS:
        return
    if isinstance(stored, int) and stored > FORMAT:
        raise InputError(
            f"this checkpoint is of a newer version of tuilab: its format is {stored}, this tuilab "
            f"reads up to {FORMAT}. Update tuilab to go on with it",
            str(path),
        )
    problem = "this is not a checkpoint that this version of tuilab reads"
    raise InputError(f"{problem}{suggest_restart(path)}", str(path))


def is_whole(path: Path) -> bool:
    """Returns whether a file can be read and is what was written."""
    try:
        _check(read_stored(path), path)
    except (OSError, DamagedCheckpointError):
        return False
    return True


def _check(content: bytes, path: Path) -> bool:
    """Checks all bytes of a file; returns whether it has a checksum.

    Files of older versions have none of their own: those in the zip file cover most of it.
    """
    if content.endswith(SEAL, 0, -DIGEST_SIZE):
        digest = hashlib.sha256(memoryview(content)[:-DIGEST_SIZE]).hexdigest()
        if digest.encode() != content[-DIGEST_SIZE:]:
            raise DamagedCheckpointError(
                "this checkpoint is damaged: its checksum does not match", str(path)
            )
        return True
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if name := archive.testzip():
                raise ValueError(f"the checksum of {name} does not match")
    except Exception as error:
        raise _incomplete(error, path) from None
    return False


def _incomplete(error: Exception, path: Path) -> DamagedCheckpointError:
    # The first sentence: what PyTorch says after it is advice to load the file without care.
    reason = str(error).split("\n")[0].split(". ")[0] or type(error).__name__
    return DamagedCheckpointError(f"this is not a complete checkpoint: {reason}", str(path))


# --- two generations ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredState:
    """The state of the newest checkpoint that is whole."""

    state: dict[str, Any]
    path: Path
    note: str
    "Why it is not the newest one; empty if it is."


def read_newest(path: Path) -> StoredState:
    """Reads a checkpoint; if it is damaged or missing, the one before.

    Raises:
        InputError: if both are unusable.
    """
    try:
        return StoredState(read(path), path, "")
    except DamagedCheckpointError as error:
        older, problem = previous_path(path), error.problem
        note = f"the newest checkpoint cannot be used ({problem}); this is the one before it"
        try:
            if older != path and older.exists():
                return StoredState(read(older), older, note)
        except InputError:
            problem += "; the checkpoint before it cannot be used either"
        raise InputError(f"{problem}{suggest_restart(path)}", *error.where) from None


def read_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    """Returns the weights of a checkpoint, and a note if it is an older one.

    They are tensors of any shape by their names.

    Raises:
        InputError: if the file is unusable.
    """
    stored = read_newest(path)
    weights: dict[str, Tensor] = stored.state["network"]
    if not all(isinstance(tensor, Tensor) for tensor in weights.values()):
        raise _of_another_version("network", path)
    return weights, stored.note


def _check_fields(state: dict[str, Any], path: Path) -> None:
    for name, kind in FIELDS.items():
        if not isinstance(state.get(name), kind):
            raise _of_another_version(name, path)
    position = state["position"]
    if len(position) != 3 or not all(type(value) is int and value >= 0 for value in position):
        raise _of_another_version("position", path)


def decode_experiment(state: dict[str, Any], path: Path) -> Experiment:
    """Returns the experiment of a state, with its live changes; InputError if it has none."""
    try:
        return restore_paths(msgspec.json.decode(state["experiment"], type=Experiment))
    except (msgspec.MsgspecError, InputError, ValueError, TypeError, RecursionError) as error:
        raise _of_another_version(f"experiment: {error}", path) from None


def suggest_restart(path: Path) -> str:
    """Returns what to do about a checkpoint that cannot be used."""
    experiment = path.with_name(run_files.EXPERIMENT)
    return f"; start the run again with: tuilab train {experiment}" if experiment.exists() else ""


def _of_another_version(name: str, path: Path) -> InputError:
    problem = f"this checkpoint is of another version of tuilab ({name})"
    return InputError(f"{problem}{suggest_restart(path)}", str(path))


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """What a checkpoint says of its run."""

    experiment: Experiment
    step: int
    epoch: int
    is_over: bool
    note: str
    "Why it is not the newest one; empty if it is."


def read_summary(path: Path) -> CheckpointSummary:
    """Reads the experiment and the position of a checkpoint.

    Raises:
        InputError: if the file is unusable.
    """
    stored = read_newest(path)
    experiment = decode_experiment(stored.state, stored.path)
    step, epoch, _ = stored.state["position"]
    is_over = stored.state["is_stopped"] or epoch >= experiment.training.epochs
    return CheckpointSummary(experiment, step, epoch, is_over, stored.note)
