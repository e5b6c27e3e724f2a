"""One line of a network, such as `Conv2d 16 kernel_size=3`: a layer and its arguments."""

import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from tuilab.core.errors import InputError, describe_msgspec_error, suggest, with_suggestion
from tuilab.core.experiment.knobs import default_knobs
from tuilab.core.network.layer import Layer, argument_names, can_freeze
from tuilab.core.network.registry import LAYERS

WORD_PATTERN = re.compile(r"[^\s(]*\([^)]*\)|\S+")
"""The words of a line; parentheses may contain spaces."""


def parse(line: str) -> Layer:
    """Parses one line, such as `Conv2d 16 kernel_size=3`; raises InputError where it is wrong."""
    words = WORD_PATTERN.findall(line)
    if not words:
        raise InputError("an empty line; write a layer, such as Linear 16")
    name, *rest = words
    kind = LAYERS.get(name)
    if kind is None:
        raise InputError(with_suggestion(f"there is no layer {name}", name, LAYERS))
    arguments: dict[str, Any] = {}
    for position, word in enumerate(rest):
        key, value = _argument(kind, word, position, arguments)
        is_choice = value in default_knobs(kind)[key].choices  # such as `none`, unconverted
        arguments[key] = value if is_choice else _value(value)
    return _build(kind, arguments)


def _argument(
    kind: type[Layer], word: str, position: int, previous: dict[str, Any]
) -> tuple[str, str]:
    """Splits `name=value`; a bare value takes the name at its position."""
    names = argument_names(kind)
    key, equals, value = word.partition("=")
    if not equals:
        if position >= len(names):
            takes = f"takes only {', '.join(names)}" if names else "takes no arguments"
            raise InputError(f"{kind.__name__} {takes}; what is {word}?")
        key, value = names[position], word
    if key == "frozen" and not can_freeze(kind):
        raise InputError(f"{kind.__name__} has no weights to freeze")
    if key not in kind.__struct_fields__:
        offer = suggest(key, names) if names else "it takes no arguments"
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
        if "invalid enum value" in problem and key in default_knobs(kind):
            value, choices = str(arguments[key]), _choices(get_type_hints(kind)[key])
            problem = with_suggestion(f'there is no "{value}"', value, choices)
        raise InputError(problem, f"{kind.__name__} {key.partition('[')[0]}") from None
    return layer


def _choices(hint: Any) -> list[str]:
    """Returns the words that a type allows, such as same and valid besides a number."""
    if get_origin(hint) is Literal:
        return list(map(str, get_args(hint)))
    return [word for part in get_args(hint) for word in _choices(part)]
