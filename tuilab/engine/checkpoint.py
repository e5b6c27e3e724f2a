"""All that a run needs to go on exactly where it was: in memory, and in a file.

A run that goes on from a checkpoint on the same machine, with the same number of threads, ends
bitwise as if it had never stopped: weights, optimizer, position and random generators are all in
it. The number of threads is too, so that another one is noticed: it rounds sums differently.
"""

from collections.abc import Iterator
from math import isclose
from pathlib import Path
from typing import Any

import torch

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import format_count, format_counted, format_number
from tuilab.core.printable import encode_json
from tuilab.core.protocol.events import Rewound
from tuilab.engine.checkpoint_file import (
    FORMAT,
    StoredState,
    decode_experiment,
    read_newest,
    suggest_restart,
)
from tuilab.engine.optim.schedule_free import counters
from tuilab.engine.preserve import clone_tensors
from tuilab.engine.recorder import Recorder
from tuilab.engine.session import Session


def capture_state(session: Session) -> dict[str, Any]:
    """Returns a copy of all that changes while a session trains."""
    state = {  # "chance" and "cuda_chance" are the file format's names of random generators
        "format": FORMAT,
        "experiment": encode_json(session.experiment).decode(),
        "network": session.network.state_dict(),
        "optimizer": session.optimizer.state_dict(),
        "position": [session.step, session.epoch, session.offset],
        "seconds": session.seconds,
        "chance": torch.get_rng_state(),
        "average": session.task.average.state_dict(),
        "stopping": session.early_stopping.state_dict(),
        "is_stopped": session.is_stopped,
        "is_unmeasured": session.is_evaluation_pending,
        "validation_losses": session.validation_losses,
        "recorder": session.recorder.state_dict(),
        "threads": torch.get_num_threads(),
    }
    if session.task.scaler is not None:
        state["scaler"] = session.task.scaler.state_dict()
    if session.device.type == "cuda":
        state["cuda_chance"] = torch.cuda.get_rng_state(session.device)
    copied: dict[str, Any] = clone_tensors(state)
    return copied


def restore_state(session: Session, state: dict[str, Any]) -> None:
    """Sets a session to a captured state; the knobs stay as they are now."""
    session.network.load_state_dict(state["network"])
    current = session.optimizer.state_dict()
    if _have_same_state(current, state["optimizer"]):
        # A copy, as torch would keep the tensors and go on writing to them.
        memory = clone_tensors(state["optimizer"]["state"])
        groups = zip(current["param_groups"], state["optimizer"]["param_groups"], strict=True)
        merged = [group | counters(captured) for group, captured in groups]
        session.optimizer.load_state_dict({"state": memory, "param_groups": merged})
    session.step, session.epoch, session.offset = state["position"]
    session.seconds = state["seconds"]
    session.task.average.load_state_dict(state["average"])
    session.early_stopping.load_state_dict(state["stopping"])
    session.is_stopped = state["is_stopped"]
    session.is_evaluation_pending = state["is_unmeasured"]
    session.validation_losses = tuple(state["validation_losses"])
    session.recorder = Recorder()
    if "recorder" in state:  # checkpoints of older versions have none
        session.recorder.load_state_dict(state["recorder"])
    if session.task.scaler is not None and "scaler" in state:
        session.task.scaler.load_state_dict(state["scaler"])
    torch.set_rng_state(state["chance"].cpu())
    if session.device.type == "cuda" and "cuda_chance" in state:
        torch.cuda.set_rng_state(state["cuda_chance"].cpu(), session.device)


def _have_same_state(current: dict[str, Any], captured: dict[str, Any]) -> bool:
    """Returns whether two optimizers have the same hyperparameters, and so the same memory."""
    first, second = current["param_groups"][0], captured["param_groups"][0]
    return set(first) == set(second)


def capture_finite_state(session: Session) -> dict[str, Any] | None:
    """Returns a copy of the state if all its weights are finite; else None.

    A step with a finite loss may have made them infinite; the loss shows it a step later.
    """
    norms = torch.stack(torch._foreach_norm([p.detach() for p in session.parameters]))
    return capture_state(session) if norms.isfinite().all() else None


def rewind(session: Session) -> Rewound:
    """Goes back to the last good state."""
    if session.good_state is not None:
        restore_state(session, session.good_state)
        session.snapshots.drop_after(session.step)
    return Rewound(session.run, session.step)


def load(session: Session, path: Path) -> list[str]:
    """Sets a session to the state of a checkpoint, or of the one before if it is damaged.

    Returns:
        Notes on what is different from before: an older checkpoint, another rate, other threads.

    Raises:
        InputError: if the file is unusable or of another network.
    """
    return load_stored(session, read_newest(path))


def load_stored(session: Session, stored: StoredState) -> list[str]:
    """Sets a session to a state that was read, as `load` does."""
    experiment = decode_experiment(stored.state, stored.path)
    try:
        restore_state(session, stored.state)
        session.discard_outdated(experiment)
    except Exception as error:  # what does not fit fails in many ways inside torch
        reason = next(reversed(str(error).splitlines()), type(error).__name__).strip()
        problem = f"this checkpoint is of another network: {reason}"
        restart = suggest_restart(stored.path)
        raise InputError(f"{problem}{restart}", str(stored.path)) from None
    notes = (stored.note, *_compare_threads(session, stored.state))
    return [note for note in (*notes, *_compare_rates(session, experiment)) if note]


def _compare_threads(session: Session, state: dict[str, Any]) -> Iterator[str]:
    """Yields that sums are rounded differently, if the number of CPU threads is not the same."""
    before, now = state.get("threads"), torch.get_num_threads()
    if before not in (None, now) and session.device.type == "cpu":
        yield (
            f"it has {format_counted(now, 'CPU thread')} now instead of {format_count(before)}, so "
            "sums are rounded differently and it does not end bit for bit as it would have"
        )


def _compare_rates(session: Session, stored: Experiment) -> Iterator[str]:
    """Yields that the learning rate jumps, if the schedule is another one from here on."""
    if stored.optimizer.lr == session.experiment.optimizer.lr:
        yield from describe_rate_change(session.rate_of(stored), session.lr)


def describe_rate_change(before: float, after: float) -> Iterator[str]:
    """Yields a sentence on a learning rate that is another one at the same position."""
    if not isclose(before, after, rel_tol=0.01):
        yield (
            f"the learning rate is {format_number(after, 3)} here instead of "
            f"{format_number(before, 3)}, as the schedule is another one"
        )
