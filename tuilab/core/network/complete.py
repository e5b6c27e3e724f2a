"""What may stand next on a line of a network: layers, their arguments and values."""

import re
from dataclasses import dataclass, field
from functools import cache

from tuilab.core.errors import InputError
from tuilab.core.experiment.knobs import Knob, declared, summary
from tuilab.core.format import compact
from tuilab.core.network.layer import Layer, Shape, Tokens, can_freeze, required
from tuilab.core.network.layer import arguments as names_of
from tuilab.core.network.parse import WORDS, parse
from tuilab.core.network.registry import LAYERS

_WORD_AT_END = re.compile(r"(?<!\S)(?:[^\s(]*\([^)]*|\S*)\Z")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to go on."""

    text: str
    "What takes the place of the word at the cursor."
    label: str
    help: str


@dataclass(frozen=True, slots=True)
class Completion:
    """The ways to go on from a cursor."""

    start: int
    "Where the word at the cursor begins."
    suggestions: list[Suggestion] = field(default_factory=list)
    hint: str = ""
    "What is being typed: the argument with its help, range and default."


def complete(text: str, shape: Shape | None = None) -> Completion:
    """How a line may go on after `text`, which ends at the cursor.

    Args:
        shape: what comes in there; layers that it fits are offered first.
    """
    word = _WORD_AT_END.findall(text)[0]
    start = len(text) - len(word)
    first, *given = WORDS.findall(text[:start]) or [""]
    if not first:
        return Completion(start, _layers(word, shape))
    kind = {name.lower(): layer for name, layer in LAYERS.items()}.get(first.lower())
    if kind is None:
        return Completion(start)
    name, equals, value = word.partition("=")
    arguments = {
        name: knob for name, knob in declared(kind).items() if name != "frozen" or can_freeze(kind)
    }
    if equals:
        argument = arguments.get(name)
        hint = f"{name}: {about(argument)}" if argument else ""
        values = _values(argument, value) if argument else []
        return Completion(start + len(name) + 1, values, hint)
    return _arguments(kind, arguments, given, word, start)


def _layers(word: str, shape: Shape | None) -> list[Suggestion]:
    """Layers whose name begins with the word, then those that hold it or its letters in order."""
    folded = word.lower()
    ranked = sorted(
        (rank, not _fits(name, shape), place, name)
        for place, name in enumerate(LAYERS)
        if (rank := _rank(folded, name.lower())) is not None
    )
    return [
        Suggestion(f"{name} " if names_of(LAYERS[name]) else name, name, summary(LAYERS[name]))
        for *_, name in ranked
    ]


def _fits(name: str, shape: Shape | None) -> bool:
    """Whether a layer could stand where such a shape comes in."""
    layer = _example(name)
    if shape is None or isinstance(shape, Tokens):
        return shape is None or layer.takes_tokens
    try:
        layer.output(shape)
    except InputError:
        return False
    return True


@cache
def _example(name: str) -> Layer:
    kind = LAYERS[name]
    return parse(f"{name} {kind.example}" if required(kind) else name)


def _rank(word: str, name: str) -> int | None:
    if name.startswith(word):
        return 0
    if len(word) < 2:
        return None
    letters = iter(name)
    return 1 if word in name else 2 if all(letter in letters for letter in word) else None


def _arguments(
    kind: type[Layer], arguments: dict[str, Knob], given: list[str], word: str, start: int
) -> Completion:
    names = names_of(kind)
    keyed = {one.partition("=")[0] for one in given if "=" in one}
    place = len(given) - len(keyed)
    free = [name for name in arguments if name not in names[:place] and name not in keyed]
    suggestions = [
        Suggestion(f"{name}=", name, about(arguments[name]))
        for name in free
        if name.startswith(word.lower())
    ]
    if not arguments:
        return Completion(start, [], f"{kind.__name__} takes no arguments")
    if not keyed and place < len(names) and (not word or not suggestions):
        return Completion(start, suggestions, f"{names[place]}: {about(arguments[names[place]])}")
    return Completion(start, suggestions, "" if suggestions else f"takes {', '.join(arguments)}")


def _values(argument: Knob, word: str) -> list[Suggestion]:
    options = ("true", "false") if argument.kind == "bool" else argument.choices
    usual = compact(argument.default)
    return [
        Suggestion(str(option), str(option), "the default" if str(option) == usual else "")
        for option in options
        if str(option).startswith(word)
    ]


def about(knob: Knob) -> str:
    """Help, range, unit and default of a knob in one line."""
    parts = [knob.help, knob.range, knob.unit]
    parts.append("needed" if knob.is_required else f"default {_usual(knob)}")
    return " · ".join(part for part in parts if part)


def _usual(knob: Knob) -> str:
    return "none" if knob.default is None else compact(knob.default) or "empty"
