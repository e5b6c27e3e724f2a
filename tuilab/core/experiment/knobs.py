"""Every hyperparameter once: its type, default, range, unit and help, read off the structs.

A knob is declared where it lives, as an annotated field of a struct; the form, the command
line, the file reader and the help all read that one declaration here.
"""

import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

import msgspec
from msgspec import Meta, Struct

from tuilab.core.errors import InputError, in_plain_words, nearest
from tuilab.core.format import compact


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
) -> Meta:
    """Declare a knob: one sentence of help, its range and unit.

    Args:
        live: it may change while training goes on.
        log: steps of the up and down keys multiply instead of adding.
    """
    extra = {"unit": unit, "live": live, "log": log}
    bounds: dict[str, Any] = {"gt": gt, "ge": ge, "lt": lt, "le": le}
    meta: Meta = Meta(**bounds, description=text, extra=extra)
    return meta


def summary(kind: type) -> str:
    """The first line of a class's own documentation: its help in lists and forms."""
    return (kind.__doc__ or "").splitlines()[0]


@dataclass(frozen=True, slots=True)
class Knob:
    """One hyperparameter as a form, a command line or a help page shows it."""

    key: str
    "Where it stands in the experiment file, such as `optimizer.lr`."
    label: str
    help: str
    kind: str
    """`int`, `float`, `bool`, `text`, `choice`, `choices` (any of several), `list` (of numbers) or
    `points` (lists of numbers in a list)."""
    value: Any
    default: Any
    choices: tuple[Any, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    open_minimum: bool = False
    "The minimum itself is not allowed."
    open_maximum: bool = False
    unit: str = ""
    live: bool = False
    log: bool = False

    @property
    def group(self) -> str:
        """The first part of the key: `optimizer` of `optimizer.lr`."""
        return self.key.partition(".")[0]

    @property
    def is_required(self) -> bool:
        """Whether there is no default."""
        return self.default is msgspec.NODEFAULT

    @property
    def range(self) -> str:
        """The allowed values, such as `0 < … ≤ 1` or `one of constant, cosine`."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        low, high = "<" if self.open_minimum else "≤", "<" if self.open_maximum else "≤"
        below = "" if self.minimum is None else f"{compact(self.minimum)} {low} "
        above = "" if self.maximum is None else f" {high} {compact(self.maximum)}"
        return f"{below}…{above}" if below or above else ""


@dataclass(frozen=True, slots=True)
class _Field:
    """What one annotated field of a struct declares."""

    name: str
    kind: str
    choices: tuple[Any, ...]
    meta: Meta | None
    default: Any


@cache
def fields(struct: type[Struct]) -> dict[str, _Field]:
    """The declared knobs of a struct, in order."""
    hints = typing.get_type_hints(struct, include_extras=True)
    found = {}
    for field in msgspec.structs.fields(struct):
        hint, meta = hints[field.name], None
        if typing.get_origin(hint) is typing.Annotated:
            meta = next((item for item in hint.__metadata__ if isinstance(item, Meta)), None)
            hint = hint.__origin__
        kind, choices = _kind(hint)
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        found[field.name] = _Field(field.name, kind, choices, meta, default)
    return found


def _kind(hint: Any) -> tuple[str, tuple[Any, ...]]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return "choice", arguments
    if origin in (list, tuple) and arguments and typing.get_origin(arguments[0]) is Literal:
        return "choices", typing.get_args(arguments[0])
    if origin in (list, tuple) and arguments and typing.get_origin(arguments[0]) is tuple:
        return "points", ()
    if origin in (list, tuple):
        return "list", ()
    if origin in (typing.Union, types.UnionType):
        return _kind(arguments[0])
    return {int: "int", float: "float", bool: "bool"}.get(hint, "text"), ()


def knobs_of(struct: Struct, prefix: str) -> Iterator[Knob]:
    """Every knob that a struct declares, with its present value."""
    for name, knob in declared(type(struct)).items():
        key = f"{prefix}.{name}" if prefix else name
        yield replace(knob, key=key, value=getattr(struct, name))


@cache
def declared(struct: type[Struct]) -> dict[str, Knob]:
    """The knobs of a kind of struct by name, at their defaults."""
    return {
        field.name: _knob(field, field.meta)
        for field in fields(struct).values()
        if field.meta is not None
    }


def _knob(field: _Field, meta: Meta) -> Knob:
    extra = meta.extra or {}
    return Knob(
        key=field.name,
        label=field.name,
        help=meta.description or "",
        kind=field.kind,
        value=field.default,
        default=field.default,
        choices=field.choices,
        minimum=meta.gt if meta.ge is None else meta.ge,
        maximum=meta.lt if meta.le is None else meta.le,
        open_minimum=meta.gt is not None,
        open_maximum=meta.lt is not None,
        unit=str(extra.get("unit", "")),
        live=bool(extra.get("live")),
        log=bool(extra.get("log")),
    )


def convert(value: Any, struct: Any, place: str) -> Any:
    """Turn plain tables into structs; an error names the key and what would be right."""
    try:
        return msgspec.convert(value, struct)
    except msgspec.ValidationError as error:
        key, problem = in_plain_words(str(error))
        raise InputError(_suggest(problem, key, struct, value), place, key) from None


def _suggest(problem: str, key: str, struct: Any, value: Any) -> str:
    """Add the nearest known word to an error about an unknown one."""
    for member in key.split(".") if key else ():
        struct, value = _member(struct, member.partition("[")[0], value)
        if "[" in member:
            struct = (typing.get_args(struct) or (struct,))[0]
    options = typing.get_args(struct) or (struct,)
    structs = [option for option in options if _is_struct(option)]
    if "unknown field" in problem and structs:
        wrong = problem.rsplit(" ", 1)[-1]
        chosen = [kind for kind in structs if _tag(kind) == _named(value, kind)] or structs
        known = [name for kind in chosen for name in kind.__struct_fields__]
        return f'there is no key "{wrong}" here; {nearest(wrong, known)}'.rstrip("; ")
    needed = structs[0].__struct_config__.tag_field if structs else None
    if needed and problem == f"object missing required field {needed}":
        needed = "a name" if needed == "name" else needed
        return f"it needs {needed}, one of {', '.join(str(_tag(kind)) for kind in structs)}"
    if "invalid value '" in problem and structs:
        wrong = problem.split("'")[1]
        tags = [str(_tag(kind)) for kind in structs]
        return f'there is no "{wrong}"; {nearest(wrong, tags)}'.rstrip("; ")
    if "invalid enum value" in problem and typing.get_origin(struct) is Literal:
        wrong = problem.split("'")[1] if "'" in problem else problem.rsplit(" ", 1)[-1]
        return f'there is no "{wrong}"; {nearest(wrong, map(str, typing.get_args(struct)))}'
    return problem


def _member(struct: Any, name: str, value: Any) -> tuple[Any, Any]:
    """The type and the value one key further in; `name` is the tag itself in a tagged table."""
    for option in typing.get_args(struct) or (struct,):
        if not _is_struct(option) or (_named(value, option) not in ("", _tag(option))):
            continue
        hint = typing.get_type_hints(option).get(name)
        if hint is not None:
            return hint, value.get(name) if isinstance(value, dict) else None
    return struct, value


def _is_struct(option: Any) -> bool:
    return isinstance(option, type) and issubclass(option, Struct)


def _tag(struct: type[Struct]) -> Any:
    return struct.__struct_config__.tag


def _named(value: Any, option: type[Struct]) -> Any:
    """The tag that a table chooses by."""
    key = option.__struct_config__.tag_field or "name"
    return value.get(key, "") if isinstance(value, dict) else ""
