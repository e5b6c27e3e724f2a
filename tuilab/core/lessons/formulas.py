"""Formulas of a lesson file, evaluated by walking their syntax tree: nothing is ever executed."""

import ast
import math
import operator
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from tuilab.core.errors import InputError

MAX_FORMULA_LENGTH = 500
"""Characters."""

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


def evaluate_formula(formula: str, numbers: Mapping[str, float]) -> float:
    """Returns the value of a formula.

    Raises:
        InputError: it is not a formula, or it has no finite value.
    """
    try:
        if len(formula) > MAX_FORMULA_LENGTH:
            raise InputError(f"a formula is at most {MAX_FORMULA_LENGTH} characters long")
        value = float(_walk(_parse(formula), {**CONSTANTS, **numbers}))
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
def _parse(formula: str) -> ast.expr:
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
    raise InputError(f"{_unparse(node)} cannot be used in a formula")


def _unparse(node: Any) -> str:
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):
        return "this"
