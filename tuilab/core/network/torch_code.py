"""PyTorch code as lines of a network: `nn.Conv2d(1, 16, 3)`, and whole `nn.Sequential(...)`.

The text is parsed and never executed. What is not a call of a layer stays as it is, so that the
plan says what is wrong with it.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator
from typing import Any

from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, argument_names
from tuilab.core.network.parse import MODULE_PREFIX, format_argument
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.core.network.signatures import (
    FIXED,
    SECOND_SIZES,
    size_argument,
    torch_arguments,
)

_CALL = re.compile(
    r"\s*(?:\(\w+\):\s*|[\w.]+\s*=\s*)?((?:torch\.)?(?:nn\.)?[A-Za-z]\w*\(.*\))[\s,;]*\Z", re.DOTALL
)
"""A call, perhaps the value of a name (`self.fc = ...`) or printed by torch (`(0): ...`)."""

_PRINTED_KEY = re.compile(r"(?:^|(?<=[\s(,]))\(\w+\):\s*")
"""What torch prints before each layer of a Sequential."""

_COMMENT = re.compile(r"#[^\n'\"]*$", re.M)

_MOVES = ("to", "cuda", "cpu", "train", "eval", "float", "requires_grad_")
"""Methods that return the module itself: where it is and its mode are the experiment's."""

_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}  # fmt: skip
"""How sizes are computed in code: `nn.Linear(28 * 28, 512)`."""

MAX_CODE = 100_000
"""Characters; more is not parsed."""

CodeLine = str | tuple[Any, ...]


def read_code(text: str) -> CodeLine | None:
    """Returns the line or block of a call such as `nn.Linear(2, 8)`; None if it is not one."""
    is_code = "(" in text and len(text) <= MAX_CODE
    match = _CALL.match(_COMMENT.sub("", text)) if is_code else None
    if match is None:
        return None
    code = match[1]
    if _PRINTED_KEY.search(code):
        code = re.sub(r"\)\s+(?=\(\w+\):)", "), ", code)
        code = _PRINTED_KEY.sub("", code)
    try:
        tree = ast.parse(code.strip(), mode="eval")
        return _read_call(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def join_lines(text: str) -> str:
    """Returns code over several lines as one line; of other text the first line that is not empty.

    For what is pasted where there is room for a line.
    """
    if read_code(text) is not None:
        return " ".join(_COMMENT.sub("", text).split())
    return next((line for line in text.splitlines() if line.strip()), "")


def _read_call(node: ast.AST) -> CodeLine:
    """Returns the line of a call; raises ValueError for other code."""
    if not isinstance(node, ast.Call):
        raise ValueError("it is not a call")
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        if node.func.attr not in _MOVES:
            raise ValueError("it calls a method")
        return _read_call(node.func.value)
    name = MODULE_PREFIX.sub("", ast.unparse(node.func), count=1)
    if name in BLOCKS and name != "Repeat" and not node.keywords:
        return (name, *map(_read_part, _parts(node.args)))
    kind = LAYERS.get(name)
    if kind is None:
        raise ValueError("it is not a layer")
    names = torch_arguments(kind)
    if len(node.args) > len(names) or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("it has other arguments")
    arguments = dict(zip(names, map(_value, node.args), strict=False))
    for keyword in node.keywords:
        arguments[str(keyword.arg)] = _keyword_value(kind, str(keyword.arg), keyword.value)
    words, sizes = [name], (size_argument(kind), *SECOND_SIZES)
    first = next(iter(argument_names(kind)), "")
    for key, value in sorted(arguments.items(), key=lambda item: item[0] in sizes):
        if not _changes_nothing(kind, key, value):
            is_first = len(words) == 1 and key == first
            words.append(format_argument(value) if is_first else f"{key}={format_argument(value)}")
    return " ".join(words)


def _parts(nodes: list[ast.expr]) -> Iterator[ast.AST]:
    """Yields the modules of a Sequential, also those of `OrderedDict([("name", module), ...])`."""
    for node in nodes:
        is_dict = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("OrderedDict")
        pairs = node.args[0] if isinstance(node, ast.Call) and is_dict and node.args else node
        if isinstance(pairs, ast.Dict):
            yield from pairs.values
        elif is_dict and isinstance(pairs, (ast.List, ast.Tuple)):
            for pair in pairs.elts:
                yield pair.elts[-1] if isinstance(pair, ast.Tuple) and pair.elts else pair
        elif isinstance(node, ast.Starred) and isinstance(node.value, (ast.List, ast.Tuple)):
            yield from node.value.elts
        else:
            yield node


def _read_part(node: ast.AST) -> CodeLine:
    """Returns the line of a part of a block; other code as it is, so that its own row says why."""
    try:
        return _read_call(node)
    except ValueError:
        return ast.unparse(node)


def _changes_nothing(kind: type[Layer], key: str, value: Any) -> bool:
    """Returns whether an argument has its default, or the only value that there is here."""
    knob = default_knobs(kind).get(key)
    if knob is None:
        return key in FIXED and value in FIXED[key]
    return value == knob.default and not knob.is_required and key != "kernel_size"


def _keyword_value(kind: type[Layer], key: str, node: ast.AST) -> Any:
    """Returns a value; a choice may be a bare word, as torch prints `padding_mode=reflect`."""
    knob = default_knobs(kind).get(key)
    if isinstance(node, ast.Name) and knob is not None and node.id in knob.choices:
        return node.id
    return _value(node)


def _value(node: ast.AST) -> Any:
    """Returns a plain value; one number in a tuple, as torch prints `kernel_size=(3,)`, is it."""
    value = _literal(node)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _literal(node: ast.AST) -> Any:
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(map(_literal, node.elts))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _literal(node.left), _literal(node.right)
        if type(left) is not int or type(right) is not int or not right:
            raise ValueError("it is not a size")
        return _OPERATIONS[type(node.op)](left, right)
    value = ast.literal_eval(node)
    if isinstance(value, (int, float, str, bool)) or value is None:
        return value
    raise ValueError("it is not a plain value")
