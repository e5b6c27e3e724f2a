"""The network as the view of examples asks it: in evaluation, and left as it was."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.core.protocol.inspect.examples_messages import STEPS, ZERO
from tuilab.engine.inspect.eval_mode import evaluating
from tuilab.engine.session import Session


@contextmanager
def still(session: Session, *, is_graded: bool = False) -> Iterator[None]:
    """Evaluation mode and the weights that predictions are made with; all is put back after it.

    Args:
        is_graded: gradients can be taken with respect to inputs and activations.
    """
    with (
        evaluating(session.network),
        torch.set_grad_enabled(is_graded),
        session.task.average.used(session.experiment.averaging),
        _backend(is_graded),
        session.task.autocast(),
    ):
        yield


def _backend(is_graded: bool) -> AbstractContextManager[Any]:
    # cuDNN's recurrent nets have no way back in evaluation; torch's own have.
    off: AbstractContextManager[Any] = torch.backends.cudnn.flags(enabled=False)
    return off if is_graded else nullcontext()


def fed(session: Session, inputs: Tensor) -> Tensor:
    """Raw inputs as the network takes them."""
    inputs = session.arranged(session.dataset.prepared(inputs))
    return inputs.to(session.parameters[0].dtype) if inputs.is_floating_point() else inputs


def answered(session: Session, inputs: Tensor, part: nn.Module | None = None) -> Tensor:
    """What the network, or a part of it, says of inputs it can take; inside of `still`."""
    output: Tensor = (part or session.network)(inputs)
    return output if output.dtype == torch.float64 else output.float()


def version(session: Session) -> tuple[int, ...]:
    """Another one whenever a weight has changed."""
    return (session.step, session.task.average.count, *(p._version for p in session.parameters))


def in_bytes(values: Tensor) -> tuple[bytes, float]:
    """Values as bytes around `ZERO`, and what the farthest of them stands for."""
    values = values.detach().float().cpu().nan_to_num(0.0, 0.0, 0.0).flatten()
    reach = float(values.abs().max()) if len(values) else 0.0
    scaled = values / max(reach, torch.finfo(values.dtype).tiny)
    return bytes(((scaled * STEPS).round() + ZERO).to(torch.uint8).tolist()), reach
