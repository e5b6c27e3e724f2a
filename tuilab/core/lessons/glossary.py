"""The glossary: every term of the course in one sentence, and where it is met in the lab."""

import difflib
import tomllib
from functools import cache
from pathlib import Path

from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError, nearest
from tuilab.core.experiment.knobs import convert


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

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Headings and texts of what there is to say besides the definition."""
        every = (("Formula", self.formula), ("Met", self.met), ("Lesson", self.lesson),
                 ("See", ", ".join(self.see)))  # fmt: skip
        return [(heading, text) for heading, text in every if text]


class _Glossary(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Term, ...]


def path() -> Path:
    """The file that is shipped."""
    return paths.presets() / "glossary.toml"


def read(file: Path) -> dict[str, Term]:
    """Every term by its name in small letters; InputError names the file and the key."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    found: _Glossary = convert(tables, _Glossary, str(file))
    return {term.name.lower(): term for term in found.terms}


@cache
def terms() -> dict[str, Term]:
    """The shipped glossary."""
    return read(path())


@cache
def words() -> dict[str, Term]:
    """Every name, and every other word for a term, in small letters."""
    names = terms()
    also = {word.lower(): term for term in names.values() for word in term.also}
    return also | names


def find(name: str) -> Term:
    """A term by its name or another word for it, one or many; InputError offers the nearest."""
    known = words()
    for form in _forms(name.lower().strip()):
        if form in known:
            return known[form]
    raise InputError(
        f"the glossary has no such term; {nearest(name, _written())}".rstrip("; "), name
    )


def _forms(word: str) -> tuple[str, ...]:
    """The word as it is, then as one of many, both in the glossary's spelling too."""
    forms = (word, word.removesuffix("s"), word.removesuffix("es"))
    return (*forms, *(form.replace("isation", "ization") for form in forms))


def _written() -> list[str]:
    """All words as the glossary writes them."""
    return [word for term in terms().values() for word in (term.name, *term.also)]


def search(text: str) -> list[Term]:
    """Terms for what was typed: those of the name first, then those that mention it.

    The term of just that name comes before all, then those whose name begins so.
    """
    text = text.lower().strip()
    known = terms().values()
    if not text:
        return list(known)
    named = [t for t in known if any(text in word.lower() for word in (t.name, *t.also))]
    named.sort(key=lambda term: _distance(text, term))
    told = [t for t in known if t not in named and text in t.definition.lower()]
    close = difflib.get_close_matches(text, words(), n=3)
    return [*named, *told] or list(dict.fromkeys(words()[word] for word in close))


def _distance(text: str, term: Term) -> int:
    own = [word.lower() for word in (term.name, *term.also)]
    if text in own:
        return 0
    return 1 if any(word.startswith(text) for word in own) else 2
