"""Knobs: the type, default, range, unit and help of every hyperparameter.

A knob is declared once, as an annotated field of a struct; the form, the command line, the file
reader and the help read that declaration.
"""

import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import Meta, Struct

from tuilab.core.errors import InputError, describe_msgspec_error, suggest, with_suggestion
from tuilab.core.format import format_value


def knob(
    text: str,
    *,
    gt: float | None = None,
    ge: float | None = None,
    lt: float | None = None,
    le: float | None = None,
    unit: str = "",
    live: bool = False,
    log: bool = False,
    path: bool = False,
    zero: str = "",
) -> Meta:
    """Declares a knob: one sentence of help, its range and unit.

    Args:
        live: whether it can change during training.
        log: whether the up and down keys multiply the value instead of adding to it.
        path: whether it names a file or a folder.
        zero: the word for 0 where that is not a quantity, such as `off`.
    """
    extra = {"unit": unit, "live": live, "log": log, "path": path, "zero": zero}
    bounds: dict[str, Any] = {"gt": gt, "ge": ge, "lt": lt, "le": le}
    meta: Meta = Meta(**bounds, description=text, extra=extra)
    return meta


def summarize(kind: type) -> str:
    """Returns the first line of the docstring of a class: its help in lists and forms."""
    return (kind.__doc__ or "").splitlines()[0]


_PAIR = re.compile(r"""\s*("[^"]*"|'[^']*'|[^=,"']+?)\s*=\s*("[^"]*"|'[^']*'|[^=,]+?)\s*(?:,|$)""")


@dataclass(frozen=True, slots=True)
class Knob:
    """One hyperparameter as a form, a command line or a help page shows it."""

    key: str
    "Its key in the experiment file, such as `optimizer.lr`."
    label: str
    help: str
    kind: str
    """`int`, `float`, `bool`, `text`, `choice`, `choices` (any of several), `list` (of numbers),
    `points` (a list of lists of numbers) or `mapping` (a word for each of some names)."""
    value: Any
    default: Any
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    is_minimum_open: bool = False
    "Whether the minimum itself is not allowed."
    is_maximum_open: bool = False
    unit: str = ""
    is_live: bool = False
    is_logarithmic: bool = False
    is_path: bool = False
    "Whether it names a file or a folder."
    zero: str = ""
    "The word for 0 where that is not a quantity, such as `off`."

    def describe(self, value: Any) -> str:
        """Returns a value of it as the screen shows it."""
        return self.zero if self.zero and value == 0 else format_value(value) or "none"

    @property
    def group(self) -> str:
        """The first part of the key: `optimizer` of `optimizer.lr`."""
        return self.key.partition(".")[0]

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is msgspec.NODEFAULT

    @property
    def range(self) -> str:
        """The allowed values, such as `0 < … ≤ 1` or `one of constant, cosine`."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        low, high = "<" if self.is_minimum_open else "≤", "<" if self.is_maximum_open else "≤"
        lower = "" if self.minimum is None else f"{format_value(self.minimum)} {low} "
        upper = "" if self.maximum is None else f" {high} {format_value(self.maximum)}"
        return f"{lower}…{upper}" if lower or upper else ""


def _kind(hint: Any) -> tuple[str, tuple[Any, ...]]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin is Literal:
        return "choice", arguments
    if origin in (list, tuple) and arguments and typing.get_origin(arguments[0]) is Literal:
        return "choices", typing.get_args(arguments[0])
    if origin in (list, tuple) and arguments and typing.get_origin(arguments[0]) is tuple:
        return "points", ()
    if origin in (list, tuple):
        return "list", ()
    if origin is dict:
        return "mapping", ()
    if origin in (typing.Union, types.UnionType):
        return _kind(arguments[0])
    return {int: "int", float: "float", bool: "bool"}.get(hint, "text"), ()


def iter_struct_knobs(struct: Struct, prefix: str) -> Iterator[Knob]:
    """Yields every knob that a struct declares, with its current value."""
    for name, knob in default_knobs(type(struct)).items():
        key = f"{prefix}.{name}" if prefix else name
        yield replace(knob, key=key, value=getattr(struct, name))


@cache
def default_knobs(struct: type[Struct]) -> dict[str, Knob]:
    """Returns the knobs of a type of struct by name, with their defaults as values."""
    hints = typing.get_type_hints(struct, include_extras=True)
    return {
        field.name: _knob(field, hints[field.name])
        for field in msgspec.structs.fields(struct)
        if typing.get_origin(hints[field.name]) is typing.Annotated
    }


def _knob(field: msgspec.structs.FieldInfo, hint: Any) -> Knob:
    meta = next(item for item in hint.__metadata__ if isinstance(item, Meta))
    extra = meta.extra or {}
    kind, choices = _kind(hint.__origin__)
    bounds = _find_bounds(hint.__origin__) or meta
    return Knob(
        key=field.name,
        label=field.name,
        help=meta.description or "",
        kind=kind,
        value=field.default,
        default=field.default,
        choices=choices,
        minimum=bounds.gt if bounds.ge is None else bounds.ge,
        maximum=bounds.lt if bounds.le is None else bounds.le,
        is_minimum_open=bounds.gt is not None,
        is_maximum_open=bounds.lt is not None,
        unit=str(extra.get("unit", "")),
        is_live=bool(extra.get("live")),
        is_logarithmic=bool(extra.get("log")),
        is_path=bool(extra.get("path")),
        zero=str(extra.get("zero", "")),
    )


def parse_mapping(text: str) -> dict[str, str]:
    """Parses `name = word, "other, name" = word`, in braces or not; quotes can be left out.

    >>> parse_mapping('{zip = "category", "Sales, net" = number}')
    {'zip': 'category', 'Sales, net': 'number'}
    """
    bare = text.strip()
    if bare.startswith("{") and bare.endswith("}"):
        bare = bare[1:-1]
    pairs: dict[str, str] = {}
    for match in _PAIR.finditer(bare):
        name, word = (part.strip() for part in match.groups())
        if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
            name = name[1:-1]
        pairs[name] = word.strip("\"' ")
    if _PAIR.sub("", bare).strip():
        raise InputError(f'"{text}" is not NAME = WORD, NAME = WORD')
    return pairs


def _find_bounds(hint: Any) -> Meta | None:
    """Returns the bounds of the number in a choice between a number and a word."""
    if typing.get_origin(hint) not in (typing.Union, types.UnionType):
        return None
    first = typing.get_args(hint)[0]
    is_number = typing.get_origin(first) is typing.Annotated and first.__origin__ in (int, float)
    return first.__metadata__[0] if is_number else None


def convert(value: Any, struct: Any, location: str) -> Any:
    """Converts the tables of a file into structs; an error names the key and the fix."""
    try:
        return msgspec.convert(value, struct)
    except msgspec.ValidationError as error:
        key, problem = describe_msgspec_error(str(error))
        raise InputError(_add_suggestion(problem, key, struct, value), location, key) from None


def _add_suggestion(problem: str, key: str, struct: Any, value: Any) -> str:
    """Adds the nearest known word to an error about an unknown one."""
    for member in key.split(".") if key else ():
        struct, value = _member(struct, member.partition("[")[0], value)
        if "[" in member:
            members = typing.get_args(struct) or (struct,)
            struct = members[-1 if typing.get_origin(struct) is dict else 0]
    options = typing.get_args(struct) or (struct,)
    structs = [option for option in options if _is_struct(option)]
    if "unknown field" in problem and structs:
        wrong = problem.rsplit(" ", 1)[-1]
        matches = [kind for kind in structs if _tag(kind) == _tag_in(value, kind)] or structs
        known = [name for kind in matches for name in kind.__struct_fields__]
        return with_suggestion(f'there is no key "{wrong}" here', wrong, known)
    needed = structs[0].__struct_config__.tag_field if structs else None
    if needed and problem == f"object missing required field {needed}":
        needed = "a name" if needed == "name" else needed
        return f"it needs {needed}, one of {', '.join(str(_tag(kind)) for kind in structs)}"
    if "invalid value '" in problem and structs:
        wrong = problem.split("'")[1]
        tags = [str(_tag(kind)) for kind in structs]
        return with_suggestion(f'there is no "{wrong}"', wrong, tags)
    if "invalid enum value" in problem and typing.get_origin(struct) is Literal:
        wrong = problem.split("'")[1] if "'" in problem else problem.rsplit(" ", 1)[-1]
        return f'there is no "{wrong}"; {suggest(wrong, map(str, typing.get_args(struct)))}'
    return problem


def _member(struct: Any, name: str, value: Any) -> tuple[Any, Any]:
    """Returns the type and the value of a member; `name` is the tag itself in a tagged table."""
    for option in typing.get_args(struct) or (struct,):
        if not _is_struct(option) or (_tag_in(value, option) not in ("", _tag(option))):
            continue
        hint = typing.get_type_hints(option).get(name)
        if hint is not None:
            return hint, value.get(name) if isinstance(value, dict) else None
    return struct, value


def _is_struct(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, Struct)


def _tag(struct: type[Struct]) -> Any:
    return struct.__struct_config__.tag


def _tag_in(value: Any, option: type[Struct]) -> Any:
    """Returns the tag by which a table chooses its type."""
    key = option.__struct_config__.tag_field or "name"
    return value.get(key, "") if isinstance(value, dict) else ""
