"""Questions made from the glossary: which term has this definition?"""

import re

from tuilab.core.errors import InputError
from tuilab.core.lessons import glossary
from tuilab.core.lessons.glossary import Term
from tuilab.core.lessons.library import LoadedLesson
from tuilab.core.lessons.question import Answer, Choice

PREFIX = "term:"
"""Begins the name of each of these questions."""

CHOICE_COUNT = 4


def build_term_questions(loaded: LoadedLesson) -> tuple[Choice, ...]:
    """Builds one question for each term that a lesson names, in its order."""
    terms = find_lesson_terms(loaded)
    return tuple(_build_question(term, terms) for term in terms)


def find_lesson_terms(loaded: LoadedLesson) -> list[Term]:
    """Returns the terms that a lesson's prose names, each once."""
    links = (link for page in loaded.pages for link in page.links("term"))
    terms = (glossary.find_term(link.target) for link in links)
    return list({term.name: term for term in terms}.values())


def _build_question(term: Term, lesson_terms: list[Term]) -> Choice:
    names = dict.fromkeys([*term.see, *(other.name for other in lesson_terms)])
    terms = map(_find_or_none, names)
    others = [other for other in terms if other is not None and other != term]
    right = Answer(text=term.name, right=True)
    wrong = (
        Answer(text=other.name, why=f"{other.name} is something else: {other.definition}")
        for other in others[: CHOICE_COUNT - 1]
    )
    hidden = re.sub(rf"\b{re.escape(term.name)}", "…", term.definition, flags=re.IGNORECASE)
    text = f"Which term is this? {hidden}"
    why = " ".join(filter(None, (term.formula, term.met)))
    return Choice(name=f"{PREFIX}{term.name}", text=text, choices=(right, *wrong), why=why)


def _find_or_none(name: str) -> Term | None:
    try:
        return glossary.find_term(name)
    except InputError:
        return None
