"""The glossary: every term of the course in one sentence, and where it is met in the lab."""

import difflib
import tomllib
from functools import cache
from pathlib import Path

from msgspec import Struct

from tuilab.lab import places
from tuilab.lab.errors import InputError, nearest
from tuilab.lab.knobs import convert


class Term(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One term."""

    name: str
    definition: str
    "One sentence."
    formula: str = ""
    met: str
    "Where it is met in the lab: a pane, a key, a knob, a view."
    lesson: str = ""
    "The lesson that introduces it."
    also: tuple[str, ...] = ()
    "Other words for it."
    see: tuple[str, ...] = ()
    "Terms that are near to it."


class _Glossary(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Term, ...]


def path() -> Path:
    """The file that is shipped."""
    return places.presets() / "glossary.toml"


def read(file: Path) -> dict[str, Term]:
    """Every term by its name in small letters; InputError names the file and the key."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    found: _Glossary = convert(tables, _Glossary, str(file))
    return {term.name.lower(): term for term in found.terms}


@cache
def terms() -> dict[str, Term]:
    """The shipped glossary."""
    return read(path())


def find(name: str) -> Term:
    """A term by its name or another word for it; InputError offers the nearest."""
    wanted = name.lower().strip()
    known = terms()
    if wanted in known:
        return known[wanted]
    for term in known.values():
        if wanted in (word.lower() for word in term.also):
            return term
    if wanted.endswith("s") and wanted[:-1] in known:
        return known[wanted[:-1]]
    raise InputError(f"the glossary has no such term; {nearest(name, known)}".rstrip("; "), name)


def search(text: str) -> list[Term]:
    """Terms for what was typed: those of the name first, then those that mention it."""
    text = text.lower().strip()
    if not text:
        return list(terms().values())
    named = [t for t in terms().values() if text in t.name.lower() or text in " ".join(t.also)]
    told = [t for t in terms().values() if t not in named and text in t.definition.lower()]
    close = difflib.get_close_matches(text, terms(), n=3)
    return [*named, *told] or [terms()[name] for name in close]
