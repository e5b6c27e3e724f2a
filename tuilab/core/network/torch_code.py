"""PyTorch code as lines of a network: `nn.Conv2d(1, 16, 3)`, and whole `nn.Sequential(...)`.

The text is parsed and never executed. What is not a call of a layer stays as it is, so that the
plan says what is wrong with it.
"""

import ast
import re
from typing import Any

from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, argument_names
from tuilab.core.network.parse import MODULE_PREFIX, format_argument
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.core.network.signatures import FIXED, size_argument, torch_arguments

_CALL = re.compile(
    r"\s*(?:\(\w+\):\s*|[\w.]+\s*=\s*)?((?:torch\.)?(?:nn\.)?[A-Za-z]\w*\(.*\))[\s,;]*\Z", re.DOTALL
)
"""A call, perhaps the value of a name (`self.fc = ...`) or printed by torch (`(0): ...`)."""

_PRINTED_KEY = re.compile(r"^\s*\(\w+\):\s*", re.M)
"""What torch prints before each layer of a Sequential."""

MAX_CODE = 100_000
"""Characters; more is not parsed."""

CodeLine = str | tuple[Any, ...]


def read_code(text: str) -> CodeLine | None:
    """Returns the line or block of a call such as `nn.Linear(2, 8)`; None if it is not one."""
    match = _CALL.match(text) if "(" in text and len(text) <= MAX_CODE else None
    if match is None:
        return None
    code = match[1]
    if _PRINTED_KEY.search(code):
        code = re.sub(r"\)\s*\n(?=\s*\(\w+\):)", "),\n", code)
        code = _PRINTED_KEY.sub("", code)
    try:
        tree = ast.parse(code.strip(), mode="eval")
        return _read_call(tree.body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _read_call(node: ast.AST) -> CodeLine:
    """Returns the line of a call; raises ValueError for other code."""
    if not isinstance(node, ast.Call):
        raise ValueError("it is not a call")
    name = MODULE_PREFIX.sub("", ast.unparse(node.func), count=1)
    if name in BLOCKS and name != "Repeat" and not node.keywords:
        return (name, *map(_read_call, node.args))
    kind = LAYERS.get(name)
    if kind is None:
        raise ValueError("it is not a layer")
    names = torch_arguments(kind)
    if len(node.args) > len(names) or any(keyword.arg is None for keyword in node.keywords):
        raise ValueError("it has other arguments")
    arguments = dict(zip(names, map(_literal, node.args), strict=False))
    arguments |= {str(keyword.arg): _literal(keyword.value) for keyword in node.keywords}
    words, size_name = [name], size_argument(kind)
    first = next(iter(argument_names(kind)), "")
    for key, value in sorted(arguments.items(), key=lambda item: item[0] == size_name):
        if not _changes_nothing(kind, key, value):
            is_first = len(words) == 1 and key == first
            words.append(format_argument(value) if is_first else f"{key}={format_argument(value)}")
    return " ".join(words)


def _changes_nothing(kind: type[Layer], key: str, value: Any) -> bool:
    """Returns whether an argument has its default, or the only value that there is here."""
    knob = default_knobs(kind).get(key)
    if knob is None:
        return key in FIXED and value in FIXED[key]
    return value == knob.default and not knob.is_required and key != "kernel_size"


def _literal(node: ast.AST) -> Any:
    value = ast.literal_eval(node)
    if isinstance(value, list):
        return tuple(value)
    if isinstance(value, (int, float, str, bool, tuple)) or value is None:
        return value
    raise ValueError("it is not a plain value")
