"""Looking, searching and replaying change nothing: a session is put back as it was, bit by bit."""

import copy
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from tuilab.engine.session import Session

RandomState = tuple[Tensor, Tensor | None]
"""That of the generators of the CPU and of the GPU."""


@contextmanager
def preserving_random_state(device: torch.device) -> Iterator[None]:
    """Restores torch's random generators and number of threads; making a session sets both."""
    state, threads = get_random_state(device), torch.get_num_threads()
    try:
        yield
    finally:
        set_random_state(device, state)
        torch.set_num_threads(threads)


def get_random_state(device: torch.device) -> RandomState:
    """Returns the state of the generators: [bytes] of each."""
    on_gpu = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_gpu


def set_random_state(device: torch.device, state: RandomState) -> None:
    """Sets the generators to a state that `get_random_state` returned."""
    on_cpu, on_gpu = state
    torch.set_rng_state(on_cpu)
    if on_gpu is not None:
        torch.cuda.set_rng_state(on_gpu, device)


@contextmanager
def preserving(session: Session, *, weights: bool = True, optimizer: bool = True) -> Iterator[None]:
    """Restores all that is changed inside: position, modes, gradients, random generators and more.

    What costs copies of tensors can be left out.

    Args:
        weights: whether parameters or buffers may be written to inside.
        optimizer: whether the optimizer may take a step inside.
    """
    with ExitStack() as stack:  # the last callback runs first
        stack.enter_context(preserving_random_state(session.device))
        gradients = [parameter.grad for parameter in session.parameters]
        stack.callback(_restore_gradients, session.parameters, gradients)
        if weights:
            tensors = [t.detach() for t in (*session.parameters, *session.network.buffers())]
            stack.callback(torch._foreach_copy_, tensors, [tensor.clone() for tensor in tensors])
        for one in _optimizers(session.optimizer):
            groups = [(group, dict(group)) for group in one.param_groups]
            stack.callback(_restore_contents, [(one.state, dict(one.state)), *groups])
        # All attributes and not a list of those known to change; what is changed within the object
        # that one refers to, such as a list, stays changed.
        owners = (session, session.task, session.early_stopping, *session.network.modules())
        contents = [vars(owner) for owner in (*owners, *_optimizers(session.optimizer))]
        stack.callback(_restore_contents, [(content, dict(content)) for content in contents])
        if optimizer:
            _replace_by_copies(session)
        yield


@contextmanager
def evaluating(session: Session, *, gradients: bool = False) -> Iterator[None]:
    """Sets evaluation mode, and no gradients unless asked for; restores all but weights."""
    with preserving(session, weights=False, optimizer=False), torch.set_grad_enabled(gradients):
        session.network.eval()
        yield


@contextmanager
def fresh_session(session: Session) -> Iterator[Session]:
    """Yields a session of the same experiment and data at its first step, with new weights."""
    with preserving(session, weights=False, optimizer=False):  # the random generators
        yield Session(session.run, session.experiment, session.dataset, session.device)


def _restore_gradients(parameters: list[Parameter], gradients: list[Tensor | None]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient


def _restore_contents(contents: list[tuple[dict[Any, Any], dict[Any, Any]]]) -> None:
    for content, before in contents:
        content.clear()
        content.update(before)


def _replace_by_copies(session: Session) -> None:
    """Gives a session copies of all that an optimizer step writes to besides the weights."""
    state, task = session.optimizer.state, session.task
    state.update({parameter: clone_tensors(memory) for parameter, memory in state.items()})
    average = copy.copy(task.average)
    average.load_state_dict(task.average.state_dict())
    task.average, task.scaler = average, copy.deepcopy(task.scaler)


def clone_tensors(value: Any) -> Any:
    """Returns the same structure of dicts and lists with tensors of its own."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: clone_tensors(item) for key, item in value.items()}
    return [clone_tensors(item) for item in value] if isinstance(value, list) else value


def _optimizers(optimizer: Optimizer) -> Iterator[Optimizer]:
    """Yields an optimizer and those that it combines."""
    yield optimizer
    for inner in getattr(optimizer, "optimizers", ()):
        yield from _optimizers(inner)
