"""The first difference between a learner's results and torch's, in words."""

from dataclasses import dataclass

import torch
from torch import Tensor

from tuilab.core.exercises.check_result import Difference, Kind
from tuilab.core.format import format_number
from tuilab.engine.grading import describe_values
from tuilab.engine.grading.case import Case
from tuilab.engine.grading.outcome import ABSOLUTE_TOLERANCE, RELATIVE_TOLERANCE, are_close


@dataclass(frozen=True)
class Mismatch:
    """A result that is wrong: its kind, a sentence, and the two values."""

    kind: Kind
    message: str
    difference: Difference


def first_mismatch(results: tuple[Tensor, ...], case: Case) -> Mismatch | None:
    """Returns the first result that differs from the expected one, each of any shape, or None."""
    for result, expected, name in zip(results, case.expected, case.outputs, strict=True):
        if not are_close(result, expected):
            return _describe_mismatch(result, expected, name, case)
    return None


def _describe_mismatch(result: Tensor, expected: Tensor, name: str, case: Case) -> Mismatch:
    prefix = f"{name} has" if name else "it gives"
    if result.shape != expected.shape:
        shape = describe_values.format_tuple
        message = f"{prefix} the shape {shape(result)}; {shape(expected)} is expected"
        message += _shape_hint(result, expected)
        return Mismatch("shape", message, _whole_difference(result, expected, name, case))
    if result.dtype != expected.dtype:
        message = f"{prefix} the type {result.dtype}; {expected.dtype} is expected"
        return Mismatch("type", message, _whole_difference(result, expected, name, case))
    index = _first_difference(result, expected)
    difference = _element_difference(index, result, expected, name, case)
    value, where = result[index], difference.where or "the result"
    if not torch.isfinite(value) and torch.isfinite(expected[index]):
        kind = "NaN (not a number)" if torch.isnan(value) else "infinite"
        message = f"{where} is {kind}; {_number(expected[index])} is expected"
        return Mismatch("nan", message, difference)
    message = describe_relation(result, expected)
    message = message or f"{where} is {_number(value)}; {_number(expected[index])} is expected"
    return Mismatch("wrong", message, difference)


def _number(value: Tensor) -> str:
    return describe_values.format_number(value.item())


def _first_difference(result: Tensor, expected: Tensor) -> tuple[int, ...]:
    """Returns the index of the first element that differs."""
    is_equal = torch.isclose(
        result, expected, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE, equal_nan=True
    )
    return tuple((~is_equal).nonzero()[0].tolist())


def _whole_difference(result: Tensor, expected: Tensor, name: str, case: Case) -> Difference:
    return Difference(
        input=describe_values.format_arguments(case.inputs),
        expected=describe_values.format_value(expected),
        got=describe_values.format_value(result),
        where=name,
    )


def _element_difference(
    index: tuple[int, ...], result: Tensor, expected: Tensor, name: str, case: Case
) -> Difference:
    """Returns the element that differs, and the whole tensor around it where that is small."""
    subscript = f"[{', '.join(map(str, index))}]" if index else ""
    expected_text, actual_text = _number(expected[index]), _number(result[index])
    if 1 < expected.numel() <= 16:
        expected_text += f"\nin {_format_tensor(expected)}"
        actual_text += f"\nin {_format_tensor(result)}"
    tensors = [(key, value) for key, value in case.inputs.items() if isinstance(value, Tensor)]
    text = describe_values.format_arguments(case.inputs)
    if len(tensors) == 1 and tensors[0][1].shape == expected.shape and index:
        key, value = tensors[0]
        text = f"{key}{subscript} = {_number(value[index])}\n{text}"
    where = f"{name}{subscript}" if name or not subscript else f"result{subscript}"
    return Difference(input=text, expected=expected_text, got=actual_text, where=where)


def _format_tensor(value: Tensor) -> str:
    return describe_values.format_value(value).replace("\n", "\n   ")


def _shape_hint(result: Tensor, expected: Tensor) -> str:
    if result.dim() == expected.dim() == 2 and result.T.shape == expected.shape:
        return ": it is transposed"
    if result.squeeze().shape == expected.shape:
        return ": remove an axis of length 1 (squeeze, or sum without keepdim)"
    if expected.squeeze().shape == result.shape:
        return ": an axis of length 1 is missing"
    if expected.dim() == 0:
        return ": is a sum or a mean missing?"
    return ": is there one sum or mean too many?" if result.dim() == 0 else ""


def describe_relation(result: Tensor, expected: Tensor) -> str:
    """Returns what relates all numbers to the expected ones, such as a factor; empty if nothing.

    Both tensors have the same shape, or one is the transpose of the other.
    """
    if (result.numel() < 2 and result.dim()) or not result.isfinite().all():
        return ""
    if are_close(-result, expected):
        return "every number has the wrong sign"
    if result.dim() == 2 and result.T.shape == expected.shape and are_close(result.T, expected):
        return "the numbers are right, but transposed"
    if result.numel() < 2:
        return ""
    if not result.any():
        return "every number is 0"
    if expected.abs().min() > 10 * ABSOLUTE_TOLERANCE:
        factor = result / expected
        if are_close(factor, factor.mean().expand_as(factor)):
            return f"every number is {format_number(factor.mean().item())} times what it should be"
    shift = result - expected
    if are_close(shift, shift.mean().expand_as(shift)):
        side = "large" if shift.mean() > 0 else "small"
        return f"every number is {format_number(shift.mean().abs().item())} too {side}"
    return ""
