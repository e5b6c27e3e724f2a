"""The first difference between what came out and what should have, in words."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tuilab.core.exercises.check_result import Difference, Kind
from tuilab.engine.grading import describe_values
from tuilab.engine.grading.case import Case
from tuilab.engine.grading.outcome import ABSOLUTE, RELATIVE, are_close


@dataclass(frozen=True)
class Finding:
    """What differs: its kind, a sentence, and the two values."""

    kind: Kind
    says: str
    difference: Difference


def first_difference(got: tuple[Tensor, ...], case: Case) -> Finding | None:
    """Where the results part; None where they agree."""
    for found, right, name in zip(got, case.expected, case.outputs, strict=True):
        if not are_close(found, right):
            return _finding(found, right, name, case)
    return None


def _finding(got: Tensor, right: Tensor, name: str, case: Case) -> Finding:
    what = f"{name} has" if name else "it gives"
    if got.shape != right.shape:
        shape = describe_values.shape
        says = f"{what} the shape {shape(got)}; {shape(right)} is expected"
        return Finding("shape", says + _shape_hint(got, right), _whole(got, right, name, case))
    if got.dtype != right.dtype:
        says = f"{what} the type {got.dtype}; {right.dtype} is expected"
        return Finding("type", says, _whole(got, right, name, case))
    place = _place(got, right)
    difference = _at(place, got, right, name, case)
    value = got[place]
    if not torch.isfinite(value) and torch.isfinite(right[place]):
        kind = "NaN (not a number)" if torch.isnan(value) else "infinite"
        says = f"{difference.where or 'the result'} is {kind}; {_number(right[place])} is expected"
        return Finding("nan", says, difference)
    says = relation(got, right) or (
        f"{difference.where or 'the result'} is {_number(value)}; "
        f"{_number(right[place])} is expected"
    )
    return Finding("wrong", says, difference)


def _number(value: Tensor) -> str:
    return describe_values.number(value.item())


def _place(got: Tensor, right: Tensor) -> tuple[int, ...]:
    """Of the first element that differs."""
    differs = ~torch.isclose(got, right, RELATIVE, ABSOLUTE, equal_nan=True)
    return tuple(differs.nonzero()[0].tolist())


def _whole(got: Tensor, right: Tensor, name: str, case: Case) -> Difference:
    return Difference(
        input=describe_values.inputs(case.inputs),
        expected=describe_values.show(right),
        got=describe_values.show(got),
        where=name,
    )


def _at(place: tuple[int, ...], got: Tensor, right: Tensor, name: str, case: Case) -> Difference:
    """The element that differs, and around it the whole where that is small."""
    where = f"[{', '.join(map(str, place))}]" if place else ""
    expected, found = _number(right[place]), _number(got[place])
    if 1 < right.numel() <= 16:
        expected += f"\nin {_indented(right)}"
        found += f"\nin {_indented(got)}"
    tensors = [(key, value) for key, value in case.inputs.items() if isinstance(value, Tensor)]
    text = describe_values.inputs(case.inputs)
    if len(tensors) == 1 and tensors[0][1].shape == right.shape and place:
        key, value = tensors[0]
        text = f"{key}{where} = {_number(value[place])}\n{text}"
    at = f"{name}{where}" if name or not where else f"result{where}"
    return Difference(input=text, expected=expected, got=found, where=at)


def _indented(value: Tensor) -> str:
    return describe_values.show(value).replace("\n", "\n   ")


def _shape_hint(got: Tensor, right: Tensor) -> str:
    if got.dim() == right.dim() == 2 and got.T.shape == right.shape:
        return ": it is transposed"
    if got.squeeze().shape == right.shape:
        return ": an axis of length 1 is too much (squeeze, or sum without keepdim)"
    if right.squeeze().shape == got.shape:
        return ": an axis of length 1 is missing"
    if right.dim() == 0:
        return ": is a sum or a mean missing?"
    return ": is there a sum or a mean too much?" if got.dim() == 0 else ""


def relation(got: Tensor, right: Tensor) -> str:
    """How all numbers are off at once, where they are; empty where there is no such rule."""
    if (got.numel() < 2 and got.dim()) or not got.isfinite().all():
        return ""
    if are_close(-got, right):
        return "the sign is turned round in every number"
    if got.dim() == 2 and got.T.shape == right.shape and are_close(got.T, right):
        return "the numbers are right, but transposed"
    if got.numel() < 2:
        return ""
    if not got.any():
        return "every number is 0"
    if right.abs().min() > 10 * ABSOLUTE:
        factor = got / right
        if are_close(factor, factor.mean().expand_as(factor)):
            return f"every number is {factor.mean().item():.4g} times what it should be"
    shift = got - right
    if are_close(shift, shift.mean().expand_as(shift)):
        side = "large" if shift.mean() > 0 else "small"
        return f"every number is {shift.mean().abs().item():.4g} too {side}"
    return ""
