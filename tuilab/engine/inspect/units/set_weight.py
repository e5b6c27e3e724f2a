"""Sets one weight or bias of a session by hand, and undoes it."""

import torch
from torch import nn

from tuilab.core.errors import InputError
from tuilab.core.format import format_number
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet
from tuilab.engine.session import Session


def set_weight(session: Session, command: SetWeight, history: list[WeightSet]) -> WeightSet:
    """Sets the number, or undoes the last change in `history`; raises InputError if impossible."""
    if not command.layer:
        if not history:
            raise InputError("no weight was set by hand, so there is nothing to undo")
        last = history.pop()
        return _write(session, last.layer, last.parameter, last.index, last.previous)
    event = _write(session, command.layer, command.parameter, command.index, command.value)
    history.append(event)
    return event


def _write(session: Session, layer: str, name: str, index: list[int], value: float) -> WeightSet:
    parameter = _find_parameter(session, layer, name)
    is_inside = len(index) == parameter.dim() and all(
        0 <= position < size for position, size in zip(index, parameter.shape, strict=True)
    )
    if not is_inside:
        shape = "×".join(str(size) for size in parameter.shape)
        raise InputError(f"{layer} {name} is {shape} and has no {index}")
    if not abs(value) <= torch.finfo(parameter.dtype).max:
        raise InputError(f"{format_number(value)} is too large for a weight")
    with torch.no_grad():
        element = tuple(index)
        previous = float(parameter[element])
        parameter[element] = value
        return WeightSet(
            session.run, session.step, layer, name, index, previous, float(parameter[element])
        )


def _find_parameter(session: Session, layer: str, name: str) -> nn.Parameter:
    layer_parameters = session.parameters_by_layer.get(layer)
    if layer_parameters is None:
        raise InputError(f'there is no layer "{layer}"')
    for module in session.network.modules():
        parameters = dict(module.named_parameters(recurse=False))
        if name in parameters and any(parameters[name] is each for each in layer_parameters):
            return parameters[name]
    raise InputError(f"{layer} has no {name}")
