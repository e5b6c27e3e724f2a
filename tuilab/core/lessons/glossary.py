"""The glossary: every term of the course in one sentence, and where it occurs in the lab."""

import difflib
import tomllib
from functools import cache
from pathlib import Path

from msgspec import Struct

from tuilab.core import paths
from tuilab.core.errors import InputError, with_suggestion
from tuilab.core.experiment.knobs import convert

OLD_WORDS = {
    "surprise": "negative log-likelihood",
    "test part": "test set",
    "training part": "training set",
    "validation part": "validation set",
}
"""Words for terms in older versions, to which lessons of a user may link."""


class Term(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One term."""

    name: str
    definition: str
    "One sentence."
    formula: str = ""
    met: str
    "Where it occurs in the lab: a pane, a key, a knob, a view."
    lesson: str = ""
    "The lesson that introduces it."
    also: tuple[str, ...] = ()
    "Other words for it."
    see: tuple[str, ...] = ()
    "Related terms."

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Headings and texts besides the definition."""
        facts = (("Formula", self.formula), ("Where", self.met), ("Lesson", self.lesson),
                 ("See", ", ".join(self.see)))  # fmt: skip
        return [(heading, text) for heading, text in facts if text]


class _Glossary(Struct, frozen=True, forbid_unknown_fields=True):
    terms: tuple[Term, ...]


def glossary_file() -> Path:
    """Returns the shipped glossary's path."""
    return paths.presets_dir() / "glossary.toml"


def read_glossary(file: Path) -> dict[str, Term]:
    """Reads every term by its name in lower case; an InputError names the file and the key."""
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    glossary: _Glossary = convert(tables, _Glossary, str(file))
    return {term.name.lower(): term for term in glossary.terms}


@cache
def load_terms() -> dict[str, Term]:
    """Reads the shipped glossary."""
    return read_glossary(glossary_file())


@cache
def load_names() -> dict[str, Term]:
    """Reads every term by its name and by every other word for it, in lower case."""
    terms = load_terms()
    also = {word.lower(): term for term in terms.values() for word in term.also}
    old = {word: terms[name] for word, name in OLD_WORDS.items()}
    return old | also | terms


def find_term(name: str) -> Term:
    """Returns a term by its name or another word for it, singular or plural.

    Raises:
        InputError: there is no such term; the message suggests the nearest.
    """
    terms = load_names()
    for form in _list_forms(name.lower().strip()):
        if form in terms:
            return terms[form]
    spellings = [word for term in load_terms().values() for word in (term.name, *term.also)]
    raise InputError(with_suggestion("the glossary has no such term", name, spellings), name)


def _list_forms(word: str) -> tuple[str, ...]:
    """Returns the word, then its singular, both in American spelling too."""
    forms = (word, word.removesuffix("s"), word.removesuffix("es"))
    return (*forms, *(form.replace("isation", "ization") for form in forms))


def search_terms(text: str) -> list[Term]:
    """Returns the terms that match a text: by name first, then by definition.

    A term of just that name comes first, then those whose name begins with the text.
    """
    text = text.lower().strip()
    terms = load_terms().values()
    if not text:
        return list(terms)
    by_name = [t for t in terms if any(text in word.lower() for word in (t.name, *t.also))]
    by_name.sort(key=lambda term: _distance(text, term))
    by_definition = [t for t in terms if t not in by_name and text in t.definition.lower()]
    close = difflib.get_close_matches(text, load_names(), n=3)
    return [*by_name, *by_definition] or list(dict.fromkeys(load_names()[word] for word in close))


def _distance(text: str, term: Term) -> int:
    words = [word.lower() for word in (term.name, *term.also)]
    if text in words:
        return 0
    return 1 if any(word.startswith(text) for word in words) else 2
