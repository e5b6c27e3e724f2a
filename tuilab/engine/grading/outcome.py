"""What a call of somebody's function came to: tensors, or a fault told in a sentence."""

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

RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""How far two results may be apart: single precision, in another order of operations."""


@dataclass(frozen=True)
class Fault:
    """Nothing to compare came out."""

    kind: Kind
    says: str
    line: int = 0


Outcome = tuple[Tensor, ...] | Fault


class Unloadable(Exception):
    """Somebody's code cannot even be read in."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.says)


def load(source: str, path: str) -> dict[str, Any]:
    """Run somebody's module and return its names; Unloadable says what is wrong with it."""
    module = types.ModuleType("exercise")
    module.__file__ = path
    try:
        code = compile(source, path, "exec", dont_inherit=True)
    except SyntaxError as error:
        raise Unloadable(_syntax(error)) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise Unloadable(Fault("syntax", str(error))) from None
    try:
        exec(code, module.__dict__)
    except BaseException as error:
        raise Unloadable(fault(error, path)) from None
    return module.__dict__


def _syntax(error: SyntaxError) -> Fault:
    line = (error.text or "").strip()
    text = f"line {error.lineno}: {error.msg}" + (f": {line}" if line else "")
    return Fault("syntax", text, error.lineno or 0)


def outcome(function: Function, case: Case, path: str) -> Outcome:
    """Call a function as its case wants it."""
    try:
        returned = case.play(function, copy.deepcopy(case.inputs))
    except BaseException as error:
        return fault(error, path, case)
    return _tensors(returned, case)


def _tensors(returned: Any, case: Case) -> Outcome:
    """The tensors in what was returned, if it is what was asked for."""
    wanted = len(case.expected)
    parts = [returned] if wanted == 1 else returned
    if returned is None:
        return Fault("nothing", "it returns None; is a `return` missing?")
    if not isinstance(parts, (tuple, list)):
        return Fault("type", f"it returns {_kind(parts)}; {_names(case)} are expected")
    if len(parts) != wanted:
        return Fault(
            "type", f"it returns {len(parts)} results; {wanted} are expected: {_names(case)}"
        )
    for part, name in zip(parts, case.outputs, strict=True):
        if part is None:
            return Fault("nothing", f"{name} is None" if name else "it returns None")
        if not isinstance(part, Tensor):
            what = f"{name} is" if name else "it returns"
            return Fault("type", f"{what} {_kind(part)}; a tensor is expected{_why(part)}")
    return tuple(part.detach().clone() for part in parts)


def _names(case: Case) -> str:
    return ", ".join(case.outputs)


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _why(value: Any) -> str:
    if isinstance(value, (bool, int, float)):
        return " (leave .item() and float() away)"
    return " (torch.stack makes one of a list)" if isinstance(value, list) else ""


def fault(error: BaseException, path: str, case: Case | None = None) -> Fault:
    """An exception in somebody's code, with the line in their file that it comes from."""
    trace = traceback.extract_tb(error.__traceback__)
    frames = [frame for frame in trace if frame.filename == path]
    line = frames[-1].lineno or 0 if frames else 0
    where = f"line {line}: " if line else ""
    text = " ".join(str(error).split())
    text = text if len(text) <= 300 else text[:299] + "…"
    if isinstance(error, NotImplementedError) and frames:
        return Fault("unwritten", "not written yet", line)
    if memory.is_exhausted(error):
        return Fault("memory", f"{where}this asks for too much memory", line)
    if isinstance(error, RecursionError):
        return Fault("crash", f"{where}a function calls itself without end", line)
    if isinstance(error, SystemExit):
        return Fault("crash", f"{where}this ends the program (exit); leave it away", line)
    if isinstance(error, EOFError):
        return Fault("crash", f"{where}there is nobody to answer input(); leave it away", line)
    if isinstance(error, TypeError) and not frames and case:
        call = f"{case.function}({', '.join(case.inputs)})"
        return Fault("crash", f"it is called as {call}, and takes other arguments: {text}")
    return Fault("crash", f"{where}{type(error).__name__}" + (f": {text}" if text else ""), line)


def are_same(one: Outcome, other: Outcome) -> bool:
    """Whether two calls came to the same, wrong or right."""
    if isinstance(one, Fault) or isinstance(other, Fault):
        return (
            isinstance(one, Fault)
            and isinstance(other, Fault)
            and one.kind == other.kind
            and _without_line(one) == _without_line(other)
        )
    return len(one) == len(other) and all(map(are_close, one, other))


def _without_line(fault: Fault) -> str:
    return fault.says.removeprefix(f"line {fault.line}: ")


def are_close(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors agree in shape, type and numbers; NaN agrees with NaN."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    return bool(torch.isclose(one, other, RELATIVE, ABSOLUTE, equal_nan=True).all())
