"""The outcome of calling a learner's function: tensors, or a fault described in a sentence."""

import copy
import traceback
import types
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from tuilab.core.exercises.check_result import Kind
from tuilab.engine.device import memory
from tuilab.engine.grading.case import Case, Function

RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE = 1e-4, 1e-5
"""How far two results may differ: float32, with operations in another order."""

MAX_MESSAGE_CHARACTERS = 300


@dataclass(frozen=True)
class Fault:
    """A call that returned nothing to compare."""

    kind: Kind
    message: str
    line: int = 0


Outcome = tuple[Tensor, ...] | Fault


class LoadError(Exception):
    """Code that fails before any of its functions can be called."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.message)


def load(source: str, path: str) -> dict[str, Any]:
    """Executes a learner's module and returns its names.

    Raises:
        LoadError: it is not Python, or it raises an exception.
    """
    module = types.ModuleType("exercise")
    module.__file__ = path
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise LoadError(_describe_syntax_error(error)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        reason = str(error) or "it is nested too deeply, or too large"
        raise LoadError(Fault("syntax", f"this cannot be compiled: {reason}")) from None
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        raise LoadError(describe_exception(error, path)) from None
    return module.__dict__


def _describe_syntax_error(error: SyntaxError) -> Fault:
    line = (error.text or "").strip()
    where = f"line {error.lineno}: " if error.lineno else ""
    text = f"{where}{error.msg or 'this is not Python'}" + (f": {line}" if line else "")
    return Fault("syntax", text, error.lineno or 0)


def call_function(function: Function, case: Case, path: str) -> Outcome:
    """Calls a function on copies of a case's inputs."""
    try:
        returned = case.run(function, copy.deepcopy(case.inputs))
    except BaseException as error:
        return describe_exception(error, path, case)
    return _check_results(returned, case)


def _check_results(returned: Any, case: Case) -> Outcome:
    """Returns the tensors in a return value, or a fault where it is of another kind."""
    count = len(case.expected)
    results = [returned] if count == 1 else returned
    names = ", ".join(case.outputs)
    if returned is None:
        return Fault("nothing", "it returns None; is a `return` missing?")
    if not isinstance(results, (tuple, list)):
        return Fault("type", f"it returns {_kind(results)}; {names} are expected")
    if len(results) != count:
        return Fault("type", f"it returns {len(results)} results; {count} are expected: {names}")
    for result, name in zip(results, case.outputs, strict=True):
        if result is None:
            return Fault("nothing", f"{name} is None" if name else "it returns None")
        if not isinstance(result, Tensor):
            prefix = f"{name} is" if name else "it returns"
            hint = _tensor_hint(result)
            return Fault("type", f"{prefix} {_kind(result)}; a tensor is expected{hint}")
    return tuple(result.detach().clone() for result in results)


def _kind(value: Any) -> str:
    name = type(value).__name__ or "object"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _tensor_hint(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return " (remove .item() and float())"
    return " (torch.stack makes one of a list)" if isinstance(value, list) else ""


def describe_exception(error: BaseException, path: str, case: Case | None = None) -> Fault:
    """Returns an exception as a fault, with the line of the learner's file that raised it."""
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if frame.filename == path]
    line = frames[-1].lineno or 0 if frames else 0
    where = f"line {line}: " if line else ""
    text = " ".join(_text_of(error).split())
    if len(text) > MAX_MESSAGE_CHARACTERS:
        text = text[: MAX_MESSAGE_CHARACTERS - 1] + "…"
    if isinstance(error, NotImplementedError) and frames:
        return Fault("unwritten", "not written yet", line)
    if memory.is_out_of_memory(error):
        return Fault("memory", f"{where}this asks for too much memory", line)
    if isinstance(error, RecursionError):
        return Fault("crash", f"{where}a function calls itself without end", line)
    if isinstance(error, SystemExit):
        return Fault("crash", f"{where}this exits the program; remove it", line)
    if isinstance(error, EOFError):
        return Fault("crash", f"{where}no one can answer input(); remove it", line)
    if isinstance(error, TypeError) and not frames and case:
        call = f"{case.function}({', '.join(case.inputs)})"
        reason = f": {text}" if text else ""
        return Fault("crash", f"it is called as {call}, but takes other arguments{reason}")
    return Fault("crash", f"{where}{type(error).__name__}" + (f": {text}" if text else ""), line)


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:  # an exception of the learner's own, with a mistake in it
        return f"its text cannot be made ({type(broken).__name__})"


def are_same(first: Outcome, second: Outcome) -> bool:
    """Returns whether two calls had the same outcome, right or wrong."""
    if isinstance(first, Fault) or isinstance(second, Fault):
        return (
            isinstance(first, Fault)
            and isinstance(second, Fault)
            and first.kind == second.kind
            and _message_without_line(first) == _message_without_line(second)
        )
    return len(first) == len(second) and all(map(are_close, first, second))


def _message_without_line(fault: Fault) -> str:
    return fault.message.removeprefix(f"line {fault.line}: ")


def are_close(first: Tensor, second: Tensor) -> bool:
    """Returns whether two tensors [*shape] agree in shape, dtype and numbers; NaN equals NaN."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    is_close = torch.isclose(first, second, RELATIVE_TOLERANCE, ABSOLUTE_TOLERANCE, equal_nan=True)
    return bool(is_close.all())
