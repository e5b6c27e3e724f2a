"""Forward passes in evaluation mode for the views."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine.preserve import evaluating
from tuilab.engine.session import Session


@contextmanager
def predicting(session: Session, *, gradients: bool = False) -> Iterator[None]:
    """Sets evaluation mode, precision and weights as for predictions; restores all of it after.

    Args:
        gradients: whether gradients with respect to inputs and activations can be computed.
    """
    with (
        evaluating(session, gradients=gradients),
        session.task.average.swapped_in(session.experiment.averaging),
        _choose_backend(gradients),
        session.task.autocast(),
    ):
        yield


def _choose_backend(gradients: bool) -> AbstractContextManager[Any]:
    # cuDNN's recurrent networks have no backward pass in evaluation mode; torch's own have.
    disabled: AbstractContextManager[Any] = torch.backends.cudnn.flags(enabled=False)
    return disabled if gradients else nullcontext()


def prepare_inputs(session: Session, inputs: Tensor) -> Tensor:
    """Returns raw inputs, [n, ...], as the network takes them, in the dtype of its weights."""
    inputs = session.to_memory_format(session.dataset.prepare(inputs))
    return inputs.to(session.parameters[0].dtype) if inputs.is_floating_point() else inputs


def forward(session: Session, inputs: Tensor, part: nn.Module | None = None) -> Tensor:
    """Returns outputs of the network, or of a part of it, as float32 (float64 stays).

    Args:
        inputs: [n, ...], prepared.
    """
    output: Tensor = (part or session.network)(inputs)
    return output if output.dtype == torch.float64 else output.float()


def get_weights_version(session: Session) -> tuple[int, ...]:
    """Returns a key that changes whenever a weight has changed."""
    return (session.step, session.task.average.count, *(p._version for p in session.parameters))
