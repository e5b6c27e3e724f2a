"""Questions that are made of the glossary: a definition is told, which term is it?"""

import re

from tuilab.core.errors import InputError
from tuilab.core.lessons import glossary
from tuilab.core.lessons.glossary import Term
from tuilab.core.lessons.library import Book
from tuilab.core.lessons.question import Answer, Choice

PREFIX = "term:"
"""Begins the names of these questions."""

CHOICES = 4


def questions(book: Book) -> tuple[Choice, ...]:
    """One question for each term that a lesson names, in its order."""
    terms = met(book)
    return tuple(_question(term, terms) for term in terms)


def met(book: Book) -> list[Term]:
    """The terms that a lesson's prose names, each once."""
    found = (glossary.find(link.target) for page in book.pages for link in page.links("term"))
    return list({term.name: term for term in found}.values())


def _question(term: Term, neighbours: list[Term]) -> Choice:
    names = dict.fromkeys([*term.see, *(other.name for other in neighbours)])
    others = [other for other in map(_known, names) if other is not None and other != term]
    right = Answer(text=term.name, right=True)
    wrong = (
        Answer(text=other.name, why=f"{other.name} is something else: {other.definition}")
        for other in others[: CHOICES - 1]
    )
    hidden = re.sub(rf"\b{re.escape(term.name)}", "…", term.definition, flags=re.IGNORECASE)
    text = f"Which term is this? {hidden}"
    why = " ".join(filter(None, (term.formula, term.met)))
    return Choice(name=f"{PREFIX}{term.name}", text=text, choices=(right, *wrong), why=why)


def _known(name: str) -> Term | None:
    try:
        return glossary.find(name)
    except InputError:
        return None
