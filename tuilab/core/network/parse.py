"""One line of a network, such as `Conv2d 16 kernel_size=3`: a layer and its arguments.

A line may also have PyTorch's own arguments, `Conv2d 1 16 3`, whose first is the size of the input.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from tuilab.core.errors import InputError, describe_msgspec_error, suggest, with_suggestion
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, argument_names, can_freeze
from tuilab.core.network.registry import LAYERS
from tuilab.core.network.signatures import (
    FIXED,
    SECOND_SIZES,
    size_argument,
    torch_arguments,
)

WORD_PATTERN = re.compile(r"[^\s(]*\([^)]*\)|\S+")
"""The words of a line; parentheses may contain spaces."""

MODULE_PREFIX = re.compile(r"(?:torch\.)?nn\.")
"""What stands before the name of a layer in code."""


MAX_SHOWN = 60
"""Characters of a line in a problem."""


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A layer, and the size of its input if the line says it."""

    layer: Layer
    size_name: str = ""
    "PyTorch's argument, such as `in_features`; empty where the line leaves it out."
    size: Any = None
    second_sizes: tuple[tuple[str, Any], ...] = ()
    "The same of its second input, such as `in2_features`."


def parse(line: str) -> Layer:
    """Parses one line, such as `Conv2d 16 kernel_size=3`; raises InputError where it is wrong."""
    return parse_line(line).layer


@lru_cache(maxsize=4096)
def parse_line(line: str) -> ParsedLine:
    """Parses one line; PyTorch's order of arguments is tried where the lab's makes no sense."""
    kind, words = _split(line)
    try:
        return _parse_words(kind, words, argument_names(kind))
    except InputError as error:
        if (in_torch_order := parse_in_torch_order(line)) is None:
            raise error from None
        return in_torch_order


@lru_cache(maxsize=4096)
def parse_in_torch_order(line: str) -> ParsedLine | None:
    """Parses one line as the arguments of its `torch.nn` class, the size of the input included.

    Returns None where they are not.
    """
    kind, words = _split(line)
    names = torch_arguments(kind)
    if names == argument_names(kind):
        return None
    try:
        parsed = _parse_words(kind, words, names)
    except InputError:
        return None
    if size_argument(kind) and not parsed.size_name:
        return None
    keys = {*names[: sum("=" not in word for word in words)], *(w.split("=")[0] for w in words)}
    # It has a default here, and none in PyTorch.
    return parsed if "kernel_size" not in names or "kernel_size" in keys else None


def _split(line: str) -> tuple[type[Layer], list[str]]:
    words = WORD_PATTERN.findall(line)
    if not words:
        raise InputError("an empty line; write a layer, such as Linear 16")
    name, *rest = words
    kind = LAYERS.get(MODULE_PREFIX.sub("", name, count=1))
    if kind is None and "(" in name:
        known = MODULE_PREFIX.sub("", name.partition("(")[0])
        if known in LAYERS:
            call = " ".join(line.split())
            call = call if len(call) <= MAX_SHOWN else f"{call[:MAX_SHOWN]}…"
            raise InputError(f"{call} cannot be read as a call; write nn.Linear(2, 8), or Linear 8")
        name = known
    if kind is None:
        raise InputError(with_suggestion(f"there is no layer {name}", name, LAYERS))
    return kind, rest


def _parse_words(kind: type[Layer], words: list[str], names: Sequence[str]) -> ParsedLine:
    """Parses the arguments of a layer; bare values have these names, in order."""
    arguments: dict[str, Any] = {}
    size_name, knobs = size_argument(kind), default_knobs(kind)
    for position, word in enumerate(words):
        key, text = _argument(kind, word, position, arguments, names)
        is_choice = key in knobs and text in knobs[key].choices  # such as `none`, unconverted
        value = arguments[key] = text if is_choice else _value(text)
        is_size = key == size_name or (key in SECOND_SIZES and _is_size(value))
        if key not in kind.__struct_fields__ and not is_size and value not in FIXED.get(key, ()):
            raise InputError(_describe_fixed(kind, key))
    size = arguments.get(size_name)
    second = {key: arguments[key] for key in SECOND_SIZES if _is_size(arguments.get(key))}
    if size_name in arguments and not _is_size(size):
        raise InputError(f"{size_name} is the size of the input, not {size}")
    layer = _build(kind, {k: v for k, v in arguments.items() if k in kind.__struct_fields__})
    name = size_name if size_name in arguments else ""
    return ParsedLine(layer, name, size, tuple(second.items()))


def _is_size(value: Any) -> bool:
    sizes = value if isinstance(value, tuple) else (value,)
    return bool(sizes) and all(type(size) is int and size > 0 for size in sizes)


def _describe_fixed(kind: type[Layer], key: str) -> str:
    if key in SECOND_SIZES and None not in FIXED.get(key, ()):
        return f"{key} is the size of the second input"
    fixed = " or ".join(str(value).lower() for value in FIXED[key])
    return f"{kind.__name__} has no argument {key}; here it is always {fixed}"


def _argument(
    kind: type[Layer], word: str, position: int, previous: dict[str, Any], names: Sequence[str]
) -> tuple[str, str]:
    """Splits `name=value`; a bare value takes the name at its position."""
    own_names = argument_names(kind)
    key, equals, value = word.partition("=")
    if not equals:
        if position >= len(names):
            takes = f"takes only {', '.join(own_names)}" if own_names else "takes no arguments"
            raise InputError(f"{kind.__name__} {takes}; what is {word}?")
        key, value = names[position], word
    if key == "frozen" and not can_freeze(kind):
        raise InputError(f"{kind.__name__} has no weights to freeze")
    is_of_torch = key == size_argument(kind) or (
        (key in FIXED or key in SECOND_SIZES) and key in torch_arguments(kind)
    )
    if key not in kind.__struct_fields__ and not is_of_torch:
        offer = suggest(key, own_names) if own_names else "it takes no arguments"
        raise InputError(f"{kind.__name__} has no argument {key}; {offer}".rstrip("; "))
    if key in previous:
        raise InputError(f"{key} is given twice")
    return key, value


def _value(text: str) -> Any:
    """Converts text to a number, a tuple, a bool, None or a word."""
    if text.startswith("(") and text.endswith(")"):
        return tuple(_value(part.strip()) for part in text[1:-1].split(",") if part.strip())
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text.strip("'\"")


def _build(kind: type[Layer], arguments: dict[str, Any]) -> Layer:
    try:
        layer: Layer = msgspec.convert({"layer": kind.__name__, **arguments}, kind)
    except msgspec.ValidationError as error:
        key, problem = describe_msgspec_error(str(error))
        if "missing required field" in problem:
            missing = problem.rsplit(" ", 1)[-1]
            example = f"{kind.__name__} {kind.example}"
            raise InputError(f"{kind.__name__} needs {missing}: {example}") from None
        choices = word_choices(kind, key)
        if "invalid enum value" in problem and choices == ["auto"]:
            problem = f'expected a whole number or auto, got "{arguments[key]}"'
        elif "invalid enum value" in problem and choices:
            value = str(arguments[key])
            problem = with_suggestion(f'there is no "{value}"', value, choices)
        elif choices == ["auto"]:
            problem = problem.replace("a whole number or text", "a whole number or auto")
        raise InputError(problem, f"{kind.__name__} {key.partition('[')[0]}") from None
    return layer


def word_choices(kind: type[Layer], key: str) -> list[str]:
    """Returns the words that an argument allows, such as same and valid besides a number."""
    return _choices(get_type_hints(kind)[key]) if key in default_knobs(kind) else []


def _choices(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return list(map(str, get_args(hint)))
    return [word for part in get_args(hint) for word in _choices(part)]


def format_layer(layer: Layer) -> str:
    """Returns the line of a layer: what it requires, its window, and by name what is not default.

    >>> format_layer(parse("Conv2d 16 3 1 1 bias=true"))
    'Conv2d 16 kernel_size=3 padding=1'
    """
    kind, words = type(layer), [type(layer).__name__]
    for name in kind.__struct_fields__:
        value, knob = getattr(layer, name), default_knobs(kind)[name]
        if knob.is_required:
            words.append(format_argument(value))
        elif value != knob.default or name == "kernel_size":
            words.append(f"{name}={format_argument(value)}")
    return " ".join(words)


def format_argument(value: Any) -> str:
    """Returns a value as a line has it: `true`, `none`, `(3,3)`, `0.5`, `same`."""
    if isinstance(value, tuple):
        return "(" + ",".join(map(format_argument, value)) + ")"
    return str(value).lower() if value is None or isinstance(value, bool) else str(value)
