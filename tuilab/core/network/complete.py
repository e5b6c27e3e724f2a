"""Completion of a network's line: layers, their arguments and values."""

import re
from dataclasses import dataclass, field
from functools import cache

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import Knob, default_knobs, summarize
from tuilab.core.format import format_value
from tuilab.core.network.layer import (
    Layer,
    Shape,
    Tokens,
    argument_names,
    can_freeze,
    needs_arguments,
)
from tuilab.core.network.parse import WORD_PATTERN, parse
from tuilab.core.network.registry import LAYERS

_WORD_AT_END = re.compile(r"(?<!\S)(?:[^\s(]*\([^)]*|\S*)\Z")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One possible completion."""

    text: str
    "The replacement for the word at the cursor."
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class Completion:
    """All possible completions at a cursor."""

    start: int
    "Where the word at the cursor begins."
    suggestions: list[Suggestion] = field(default_factory=list)
    hint: str = ""
    "The argument being typed, with its help, range and default."


def complete(text: str, shape: Shape | None = None) -> Completion:
    """Returns the completions of a line after `text`, which ends at the cursor.

    Args:
        shape: the input shape of the line; layers that accept it are offered first.
    """
    word = _WORD_AT_END.findall(text)[0]
    start = len(text) - len(word)
    first, *words = WORD_PATTERN.findall(text[:start]) or [""]
    if not first:
        return Completion(start, _suggest_layers(word, shape))
    kind = {name.lower(): layer for name, layer in LAYERS.items()}.get(first.lower())
    if kind is None:
        return Completion(start)
    name, equals, value = word.partition("=")
    arguments = {
        name: knob
        for name, knob in default_knobs(kind).items()
        if name != "frozen" or can_freeze(kind)
    }
    if equals:
        argument = arguments.get(name)
        hint = f"{name}: {describe_knob(argument)}" if argument else ""
        values = _suggest_values(argument, value) if argument else []
        return Completion(start + len(name) + 1, values, hint)
    return _complete_argument(kind, arguments, words, word, start)


def _suggest_layers(word: str, shape: Shape | None) -> list[Suggestion]:
    """Returns layers that start with the word, then those that contain it or its letters."""
    lowered = word.lower()
    ranked = sorted(
        (rank, not _accepts(name, shape), index, name)
        for index, name in enumerate(LAYERS)
        if (rank := _rank(lowered, name.lower())) is not None
    )
    return [
        Suggestion(
            f"{name} " if argument_names(LAYERS[name]) else name, name, summarize(LAYERS[name])
        )
        for *_, name in ranked
    ]


def _accepts(name: str, shape: Shape | None) -> bool:
    """Returns whether a layer accepts an input shape."""
    layer = _example_layer(name)
    if shape is None or isinstance(shape, Tokens):
        return shape is None or layer.takes_tokens
    try:
        layer.output_shape(shape)
    except InputError:
        return False
    return True


@cache
def _example_layer(name: str) -> Layer:
    kind = LAYERS[name]
    return parse(f"{name} {kind.example}" if needs_arguments(kind) else name)


def _rank(word: str, name: str) -> int | None:
    if name.startswith(word):
        return 0
    if len(word) < 2:
        return None
    letters = iter(name)
    return 1 if word in name else 2 if all(letter in letters for letter in word) else None


def _complete_argument(
    kind: type[Layer], arguments: dict[str, Knob], words: list[str], word: str, start: int
) -> Completion:
    names = argument_names(kind)
    keyed = {previous.partition("=")[0] for previous in words if "=" in previous}
    position = len(words) - len(keyed)
    free = [name for name in arguments if name not in names[:position] and name not in keyed]
    suggestions = [
        Suggestion(f"{name}=", name, describe_knob(arguments[name]))
        for name in free
        if name.startswith(word.lower())
    ]
    if not arguments:
        return Completion(start, [], f"{kind.__name__} takes no arguments")
    if not keyed and position < len(names) and (not word or not suggestions):
        name = names[position]
        return Completion(start, suggestions, f"{name}: {describe_knob(arguments[name])}")
    return Completion(start, suggestions, "" if suggestions else f"takes {', '.join(arguments)}")


def _suggest_values(argument: Knob, word: str) -> list[Suggestion]:
    options = ("true", "false") if argument.kind == "bool" else argument.choices
    default = format_value(argument.default)
    return [
        Suggestion(str(option), str(option), "the default" if str(option) == default else "")
        for option in options
        if str(option).startswith(word)
    ]


def describe_knob(knob: Knob) -> str:
    """Returns help, range, unit and default of a knob in one line."""
    default = "none" if knob.default is None else format_value(knob.default) or "empty"
    parts = [knob.help, knob.range, knob.unit]
    parts.append("required" if knob.is_required else f"default {default}")
    return " · ".join(part for part in parts if part)
