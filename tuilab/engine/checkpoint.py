"""Everything that a run needs to go on exactly where it was: in memory, and in a file.

A run that continues from a checkpoint on the same machine ends bitwise as if it had never
stopped: weights, optimizer, position and the state of chance are all in it.
"""

import io
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.experiment.toml_file import write_atomically
from tuilab.core.protocol.events import Rewound, Saved
from tuilab.engine.checkpoint_file import FORMAT, experiment, read
from tuilab.engine.session import Session


def state(session: Session) -> dict[str, Any]:
    """A copy of all that changes while a session trains."""
    captured = {
        "format": FORMAT,
        "experiment": msgspec.json.encode(session.experiment).decode(),
        "network": session.network.state_dict(),
        "optimizer": session.optimizer.state_dict(),
        "position": [session.step, session.epoch, session.offset],
        "seconds": session.seconds,
        "chance": torch.get_rng_state(),
        "average": session.task.average.state_dict(),
        "stopping": session.stopping.state_dict(),
        "is_stopped": session.is_stopped,
        "is_unmeasured": session.is_unmeasured,
        "validation_losses": session.validation_losses,
    }
    if session.task.scaler is not None:
        captured["scaler"] = session.task.scaler.state_dict()
    if session.device.type == "cuda":
        captured["cuda_chance"] = torch.cuda.get_rng_state(session.device)
    copied: dict[str, Any] = _copied(captured)
    return copied


def _copied(value: Any) -> Any:
    """The same structure with tensors of its own."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def put_back(session: Session, captured: dict[str, Any]) -> None:
    """Set a session to a captured state; the knobs stay as they are now."""
    session.network.load_state_dict(captured["network"])
    if _same_optimizer(session.optimizer.state_dict(), captured["optimizer"]):
        groups = session.optimizer.state_dict()["param_groups"]
        memory = _copied(captured["optimizer"]["state"])  # torch would go on in the captured one
        session.optimizer.load_state_dict({"state": memory, "param_groups": groups})
    session.step, session.epoch, session.offset = captured["position"]
    session.seconds = captured["seconds"]
    session.task.average.load_state_dict(captured["average"])
    session.stopping.load_state_dict(captured["stopping"])
    session.is_stopped = captured["is_stopped"]
    session.is_unmeasured = captured["is_unmeasured"]
    session.validation_losses = tuple(captured["validation_losses"])
    if session.task.scaler is not None and "scaler" in captured:
        session.task.scaler.load_state_dict(captured["scaler"])
    torch.set_rng_state(captured["chance"].cpu())
    if session.device.type == "cuda" and "cuda_chance" in captured:
        torch.cuda.set_rng_state(captured["cuda_chance"].cpu(), session.device)


def _same_optimizer(present: dict[str, Any], captured: dict[str, Any]) -> bool:
    """Whether the memory of one optimizer means something to the other."""
    first, second = present["param_groups"][0], captured["param_groups"][0]
    return set(first) == set(second)


def save(session: Session, path: Path) -> Saved:
    """Write a checkpoint, whole or not at all."""
    buffer = io.BytesIO()
    torch.save(state(session), buffer)
    write_atomically(path, buffer.getvalue())
    return Saved(session.run, session.step, str(path))


def keep_good(session: Session) -> None:
    """Remember this state as the one to go back to, if all its weights are finite.

    A step with a finite loss may have moved them beyond that; the loss shows it a step later.
    """
    sizes = torch.stack(torch._foreach_norm([p.detach() for p in session.parameters]))
    if sizes.isfinite().all():
        session.good = state(session)


def rewind(session: Session) -> Rewound:
    """Go back to the last good state."""
    if session.good is not None:
        put_back(session, session.good)
    return Rewound(session.run, session.step)


def restore(session: Session, path: Path) -> None:
    """Go on from a checkpoint; InputError if it is unusable or of another network."""
    try:
        captured = read(path)
        put_back(session, captured)
        session.reconsider(experiment(captured))
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"this checkpoint is of another network: {reason}", str(path)) from None
