"""Formulas of a lesson file, computed by walking them: nothing of a file is ever executed."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tuilab.core.errors import InputError

LONGEST = 500
"""Characters of a formula."""

OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.Div: operator.truediv, ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
    ast.Pow: math.pow,
}  # fmt: skip

FUNCTIONS: dict[str, Callable[..., float]] = {
    "exp": math.exp, "log": math.log, "log2": math.log2, "sqrt": math.sqrt, "tanh": math.tanh,
    "abs": abs, "min": min, "max": max, "floor": math.floor, "ceil": math.ceil,
    "sign": lambda x: float((x > 0) - (x < 0)),
    "step": lambda x: float(x > 0),
    "relu": lambda x: max(0.0, x),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
}  # fmt: skip

CONSTANTS = {"pi": math.pi, "e": math.e}


def compute(formula: str, numbers: Mapping[str, float]) -> float:
    """The value of a formula; InputError where it is none, or has no finite value."""
    try:
        if len(formula) > LONGEST:
            raise InputError(f"a formula is at most {LONGEST} characters long")
        value = float(_walk(_parsed(formula), {**CONSTANTS, **numbers}))
    except InputError as error:
        raise error.within(formula[:60]) from None
    except (SyntaxError, RecursionError, MemoryError):
        raise InputError("this is not a formula", formula[:60]) from None
    except (ArithmeticError, ValueError, TypeError) as error:
        raise InputError(f"it has no value: {error}", formula[:60]) from None
    if not math.isfinite(value):
        raise InputError("it has no finite value", formula[:60])
    return value


@lru_cache(maxsize=256)
def _parsed(formula: str) -> ast.expr:
    return ast.parse(formula, mode="eval").body


def _walk(node: ast.expr, numbers: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return value
        case ast.Name(id=name) if name in numbers:
            return numbers[name]
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            return OPERATORS[type(sign)](_walk(left, numbers), _walk(right, numbers))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_walk(operand, numbers)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](*(_walk(argument, numbers) for argument in arguments))
    raise InputError(f"{_written(node)} means nothing in a formula")


def _written(node: Any) -> str:
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return "this"
