"""PyTorch code as lines of a network: `nn.Conv2d(1, 16, 3)`, and whole `nn.Sequential(...)`.

What `print(model)` shows is read too. The text is parsed and never executed. What is not a call of
a layer stays as it is, so that its row says why.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, argument_names
from tuilab.core.network.parse import MODULE_PREFIX, format_argument, word_choices
from tuilab.core.network.registry import BLOCKS, LAYERS
from tuilab.core.network.signatures import (
    FIXED,
    SECOND_SIZES,
    size_argument,
    torch_arguments,
)

_CALL = re.compile(
    r"\s*(?:\(\w[\w-]*\):\s*|[\w.]+\s*=\s*)?(?:[A-Za-z][\w.]*\(|\[).*[)\]][\s,;]*\Z", re.DOTALL
)
"""Calls, or a list of them, perhaps the value of a name (`self.fc = ...`)."""

_PRINTED_KEY = re.compile(r"(?:^|(?<=[\s(,]))\(\w[\w-]*\):\s*", re.MULTILINE)
"""What torch prints before a part: `(0): `, and `(0-2): 3 x ` before equal ones."""

_COMMENT = re.compile(r"#[^\n'\"]*$", re.M)

_STATEMENT = re.compile(r"\s*(class|def|import|from|for|with|return)\b")

_MOVES = ("to", "cuda", "cpu", "train", "eval", "float", "requires_grad_")
"""Methods that return the module itself: where it is and its mode are the experiment's."""

_OPERATIONS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}  # fmt: skip
"""How sizes are computed in code: `nn.Linear(28 * 28, 512)`."""

_STACKS = ("TransformerEncoder", "TransformerDecoder")
"""Modules that repeat a layer; a norm may follow."""

_ELEMENTWISE = ("activation", "normalization", "regularization")
"""Families of layers that leave a sequence a sequence, and a state a state."""

_NOT_LAYERS = {
    "ModuleList": "a ModuleList does not say in which order its layers run; if it is one after "
    "another, write nn.Sequential",
    "ModuleDict": "a ModuleDict does not say in which order its layers run; if it is one after "
    "another, write nn.Sequential",
    "Transformer": "write its parts: TransformerEncoderLayer and Save memory, then "
    "TransformerDecoderLayer with memory=memory",
    "RNNCell": "a cell takes one step; RNN takes all of them",
    "LSTMCell": "a cell takes one step; LSTM takes all of them",
    "GRUCell": "a cell takes one step; GRU takes all of them",
}
"""Modules of torch.nn that are no line, and what to write instead."""

MAX_CODE = 100_000
"""Characters; more is not parsed."""

CodeLine = str | tuple[Any, ...]


class _UnreadError(ValueError):
    """Says why code is not a layer, for the user."""


def read_code(text: str) -> CodeLine | None:
    """Returns the line or block of code such as `nn.Linear(2, 8)`; None if it cannot be read.

    Several calls, and a list of them, are a Sequential block.
    """
    try:
        lines = _read_parts(_parse(text))
        return lines[0] if len(lines) == 1 else ("Sequential", *lines)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def explain_code(text: str) -> str:
    """Returns why code cannot be read; nothing where it can, or where there is no more to say."""
    if statement := _STATEMENT.match(text):
        return f"{statement[1]} is not read; paste calls of layers, such as nn.Linear(2, 8)"
    try:
        for part in _parse(text):
            _read_call(part)
    except _UnreadError as error:
        return str(error)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        pass
    return ""


def join_lines(text: str) -> str:
    """Returns code over several lines as one line; of other text the first line that is not empty.

    For what is pasted where there is room for a line.
    """
    try:
        parts = _parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return next((line for line in text.splitlines() if line.strip()), "")
    if len(parts) == 1:
        return " ".join(_COMMENT.sub("", text).split())
    return f"nn.Sequential({', '.join(map(ast.unparse, parts))})"


def _parse(text: str) -> list[ast.expr]:
    """Returns the calls of a text; raises ValueError or SyntaxError where it is something else."""
    is_code = "(" in text and len(text) <= MAX_CODE
    code = _COMMENT.sub("", text) if is_code else ""
    if not _CALL.match(code):
        raise ValueError("it is not a call")
    if _PRINTED_KEY.search(code):
        code = re.sub(rf"\)\s+(?={_PRINTED_KEY.pattern})", "), ", code)
        code = re.sub(r"\b(\d+) x (?=\w+\()", r"\1 * ", _PRINTED_KEY.sub("", code))
    # A part of a method is indented; inside of parentheses indentation means nothing.
    code = "\n".join(line.strip() for line in code.splitlines()).strip(" \n,;")
    return list(_iter_calls(ast.parse(code).body))


def _iter_calls(statements: list[ast.stmt]) -> Iterator[ast.expr]:
    for statement in statements:
        if not isinstance(statement, (ast.Expr, ast.Assign)):
            raise ValueError("it is not a call")
        value = statement.value
        yield from value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]


def _read_parts(nodes: Iterable[ast.expr]) -> tuple[CodeLine, ...]:
    """Returns the lines of modules that run one after another.

    A recurrent layer whose states another layer reads returns all of them, as in PyTorch.
    """
    lines = [*map(_read_part, nodes)]
    reader = ""
    for index, line in reversed(list(enumerate(lines))):
        kind = LAYERS.get(str(line).split(" ")[0])
        if kind is None or kind.family not in _ELEMENTWISE:
            if (
                kind is not None
                and kind.family == "recurrent"
                and reader in ("recurrent", "attention")
            ):
                lines[index] = f"{line} returns=sequence"
            reader = kind.family if kind is not None else ""
    return tuple(lines)


def _read_part(node: ast.expr) -> CodeLine:
    """Returns the line of a part; other code as it is, so that its own row says why."""
    try:
        return _read_call(node)
    except ValueError:
        return ast.unparse(node)


def _read_call(node: ast.expr) -> CodeLine:
    """Returns the line of a call; raises ValueError for other code."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):  # printed as `3 x Linear()`
        return (f"Repeat {_value(node.left)}", _read_call(node.right))
    if isinstance(node, ast.ListComp):
        return _read_comprehension(node)
    if not isinstance(node, ast.Call):
        raise _UnreadError(f"{ast.unparse(node)} is not a layer; write a call such as nn.ReLU()")
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        if node.func.attr not in _MOVES:
            raise ValueError("it calls a method")
        return _read_call(node.func.value)
    name = MODULE_PREFIX.sub("", ast.unparse(node.func), count=1)
    if name in BLOCKS and name != "Repeat" and not node.keywords:
        return (name, *_read_parts(_parts(node.args)))
    if name in _STACKS:
        return _read_stack(node)
    return _read_layer(name, node)


def _read_layer(name: str, node: ast.Call) -> str:
    if name in _NOT_LAYERS:
        raise _UnreadError(f"there is no layer {name}: {_NOT_LAYERS[name]}")
    kind = LAYERS.get(name.removeprefix("Lazy"))
    if any(isinstance(part, ast.Call) for arg in node.args for part in ast.walk(arg)):
        raise _explain_printed(kind, node)
    if kind is None:
        raise ValueError("it is not a layer")
    names = torch_arguments(kind)
    if name.startswith("Lazy"):
        names = tuple(key for key in names if key != size_argument(kind))
    if len(node.args) > len(names):
        raise ValueError("it has other arguments")
    arguments = dict(zip(names, map(_value, node.args), strict=False))
    for keyword in node.keywords:
        arguments[str(keyword.arg)] = _keyword_value(kind, str(keyword.arg), keyword.value)
    return _format_line(kind, arguments)


def _format_line(kind: type[Layer], arguments: dict[str, Any]) -> str:
    words, sizes = [kind.__name__], (size_argument(kind), *SECOND_SIZES)
    first = next(iter(argument_names(kind)), "")
    for key, value in sorted(arguments.items(), key=lambda item: item[0] in sizes):
        if not _changes_nothing(kind, key, value):
            is_first = len(words) == 1 and key == first
            words.append(format_argument(value) if is_first else f"{key}={format_argument(value)}")
    return " ".join(words)


def _read_stack(node: ast.Call) -> CodeLine:
    """Returns the block of `nn.TransformerEncoder(layer, num_layers, norm)`, or a printed one."""
    arguments = dict(zip(("layer", "num_layers", "norm"), node.args, strict=False))
    arguments |= {str(keyword.arg): keyword.value for keyword in node.keywords}
    layer = arguments.get("layer", arguments.get("encoder_layer", arguments.get("decoder_layer")))
    if isinstance(layer, ast.Call) and ast.unparse(layer.func) == "ModuleList":
        return ("Sequential", *map(_read_call, (*layer.args, *node.args[1:])))
    if layer is None or "num_layers" not in arguments:
        raise ValueError("it has other arguments")
    block = (f"Repeat {_value(arguments['num_layers'])}", _read_call(layer))
    norm = arguments.get("norm")
    if norm is None or (isinstance(norm, ast.Constant) and norm.value is None):
        return block
    return ("Sequential", block, _read_call(norm))


def _read_comprehension(node: ast.ListComp) -> CodeLine:
    """Returns the block of `[nn.Linear(8, 8) for _ in range(3)]`, whose layers are all equal."""
    loop = node.generators[0]
    times = loop.iter.args if isinstance(loop.iter, ast.Call) else []
    is_range = isinstance(loop.iter, ast.Call) and ast.unparse(loop.iter.func) == "range"
    if not is_range or len(times) != 1 or len(node.generators) > 1 or loop.ifs:
        raise _UnreadError("only a loop over range(n) is read here; write its layers one by one")
    return (f"Repeat {_value(times[0])}", _read_call(node.elt))


def _explain_printed(kind: type[Layer] | None, node: ast.Call) -> ValueError:
    """Returns why the parts that torch prints inside a module do not say what it is."""
    if kind is None and isinstance(node.func, ast.Name):  # printed modules have no nn. before them
        return _UnreadError(
            f"{node.func.id} is a class of its own, and only its forward() says how its parts are "
            "connected; write them as lines"
        )
    if kind is None or kind.family != "attention":
        return ValueError("an argument is a call")
    parts = {ast.unparse(part.func): part for part in node.args if isinstance(part, ast.Call)}
    arguments: dict[str, Any] = {argument_names(kind)[0]: 4}
    for part, argument, key in (
        ("Linear", "dim_feedforward", "in_features"), ("Dropout", "dropout", "p")
    ):  # fmt: skip
        for keyword in parts[part].keywords if part in parts else []:
            if keyword.arg == key:
                arguments[argument] = _value(keyword.value)
    return _UnreadError(
        f"torch does not print the number of heads; write {_format_line(kind, arguments)} with "
        "your number instead of 4"
    )


def _parts(nodes: list[ast.expr]) -> Iterator[ast.expr]:
    """Yields the modules of a Sequential, also those of `OrderedDict([("name", module), ...])`."""
    for node in nodes:
        is_dict = isinstance(node, ast.Call) and ast.unparse(node.func).endswith("OrderedDict")
        pairs = node.args[0] if isinstance(node, ast.Call) and is_dict and node.args else node
        if isinstance(pairs, ast.Dict):
            yield from pairs.values
        elif is_dict and isinstance(pairs, (ast.List, ast.Tuple)):
            for pair in pairs.elts:
                yield pair.elts[-1] if isinstance(pair, ast.Tuple) and pair.elts else pair
        elif isinstance(node, ast.Starred):
            inside = node.value
            yield from inside.elts if isinstance(inside, (ast.List, ast.Tuple)) else [inside]
        else:
            yield node


def _changes_nothing(kind: type[Layer], key: str, value: Any) -> bool:
    """Returns whether an argument has its default, or the only value that there is here."""
    knob = default_knobs(kind).get(key)
    if knob is None:
        return key in FIXED and value in FIXED[key]
    return value == knob.default and not knob.is_required and key != "kernel_size"


def _keyword_value(kind: type[Layer], key: str, node: ast.expr) -> Any:
    """Returns a value; a choice may be a bare word, as torch prints `padding_mode=reflect`."""
    if isinstance(node, ast.Name) and node.id in word_choices(kind, key):
        return node.id
    return _value(node)


def _value(node: ast.expr) -> Any:
    """Returns a plain value; one number in a tuple, as torch prints `kernel_size=(3,)`, is it."""
    value = _literal(node)
    return value[0] if isinstance(value, tuple) and len(value) == 1 else value


def _literal(node: ast.expr) -> Any:
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(map(_literal, node.elts))
    if isinstance(node, ast.Name):
        raise _UnreadError(f"{node.id} is a name in your code; write its value")
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = _literal(node.left), _literal(node.right)
        if type(left) is not int or type(right) is not int or not right:
            raise ValueError("it is not a size")
        return _OPERATIONS[type(node.op)](left, right)
    value = ast.literal_eval(node)
    if isinstance(value, (int, float, str, bool)) or value is None:
        return value
    raise ValueError("it is not a plain value")
