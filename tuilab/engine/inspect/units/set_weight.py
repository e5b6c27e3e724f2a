"""Writes one weight or bias of a session by hand, and takes that back."""

import torch
from torch import nn

from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.engine.session import Session


def assign(session: Session, command: Assign, done: list[Assigned]) -> Assigned:
    """Write the number, or take back the last one that is in `done`; InputError if it cannot be."""
    if not command.layer:
        if not done:
            raise InputError("no weight was written by hand that could be taken back")
        last = done.pop()
        return _write(session, last.layer, last.name, last.index, last.before)
    written = _write(session, command.layer, command.name, command.index, command.value)
    done.append(written)
    return written


def _write(session: Session, layer: str, name: str, index: list[int], value: float) -> Assigned:
    parameter = _parameter(session, layer, name)
    inside = len(index) == parameter.dim() and all(
        0 <= place < size for place, size in zip(index, parameter.shape, strict=True)
    )
    if not inside:
        shape = "×".join(str(size) for size in parameter.shape)
        raise InputError(f"{layer} {name} is {shape} and has no {index}")
    if not abs(value) <= torch.finfo(parameter.dtype).max:
        raise InputError(f"{value:g} is more than a weight can hold")
    with torch.no_grad():
        place = tuple(index)
        before = float(parameter[place])
        parameter[place] = value
        return Assigned(
            session.run, session.step, layer, name, index, before, float(parameter[place])
        )


def _parameter(session: Session, layer: str, name: str) -> nn.Parameter:
    own = session.labelled.get(layer)
    if own is None:
        raise InputError(f'there is no layer "{layer}"')
    for module in session.network.modules():
        named = dict(module.named_parameters(recurse=False))
        if name in named and any(named[name] is parameter for parameter in own):
            return named[name]
    raise InputError(f"{layer} has no {name}")
