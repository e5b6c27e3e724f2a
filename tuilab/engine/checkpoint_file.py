"""Checkpoint files as they are read: nothing in them is executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment

FORMAT = 2
"""The version of the file that this tuilab writes and reads."""


def read(path: Path) -> dict[str, Any]:
    """Reads the state in a checkpoint; nothing in it is executed.

    Raises:
        InputError: if the file is unusable.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(error.strerror or "it cannot be read", str(path)) from None
    except Exception as error:  # a damaged file fails in many ways inside the reader
        raise InputError(f"this is not a complete checkpoint: {error}", str(path)) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise InputError("this is not a checkpoint of this version of tuilab", str(path))
    return state


def decode_experiment(state: dict[str, Any]) -> Experiment:
    """Returns the experiment of a state, with its live changes."""
    return msgspec.json.decode(state["experiment"], type=Experiment)


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """What a checkpoint says of its run."""

    experiment: Experiment
    step: int
    epoch: int
    is_over: bool


def read_summary(path: Path) -> CheckpointSummary:
    """Reads the experiment and the position of a checkpoint.

    Raises:
        InputError: if the file is unusable.
    """
    state = read(path)
    experiment = decode_experiment(state)
    step, epoch, _ = state["position"]
    is_over = state["is_stopped"] or epoch >= experiment.training.epochs
    return CheckpointSummary(experiment, step, epoch, is_over)
