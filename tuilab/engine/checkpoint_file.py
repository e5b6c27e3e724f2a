"""Checkpoint files as they are read: nothing in them is executed."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment

FORMAT = 2
"""Which version of the file this tuilab writes and reads."""


def read(path: Path) -> dict[str, Any]:
    """What a checkpoint holds; InputError if it is unusable. Nothing in it is executed."""
    try:
        captured: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(error.strerror or "it cannot be read", str(path)) from None
    except Exception as error:  # a damaged file fails in many ways inside the reader
        raise InputError(f"this is no whole checkpoint: {error}", str(path)) from None
    if not isinstance(captured, dict) or captured.get("format") != FORMAT:
        raise InputError("this is no checkpoint of this version of tuilab", str(path))
    return captured


def experiment(captured: dict[str, Any]) -> Experiment:
    """The experiment of a checkpoint, with its live changes."""
    return msgspec.json.decode(captured["experiment"], type=Experiment)


def weights(path: Path) -> dict[str, Tensor]:
    """The network's weights by their names."""
    tensors: dict[str, Tensor] = read(path)["network"]
    return tensors


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a checkpoint says of its run."""

    experiment: Experiment
    step: int
    epoch: int
    is_over: bool


def look(path: Path) -> Glimpse:
    """The experiment and the position of a checkpoint; InputError if it is unusable."""
    captured = read(path)
    chosen = experiment(captured)
    step, epoch, _ = captured["position"]
    is_over = captured["is_stopped"] or epoch >= chosen.training.epochs
    return Glimpse(chosen, step, epoch, is_over)
