"""Docstrings of the catalogue: how they are parsed, and that every entry has one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tuilab.core.experiment.experiment import option_types
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference import docstrings
from tuilab.core.reference.docstrings import Docstring, parse

SECTIONS = ("task", "initialization", "loss", "averaging", "optimizer", "schedule")
ENTRIES: list[type[Struct]] = [
    *(kind for section in SECTIONS for kind in option_types(section)),
    *LAYERS.values(),
]
WORDS = st.text(st.sampled_from("abc σ√·∕=()"), min_size=1, max_size=20).filter(str.strip)

DOCSTRING = """One line of help.

    Formula: y = x Wᵀ + b
      with b = 0 at first
    Use: for nearly
      everything.
    Pitfall: too many of them.
    Source: torch.nn.Linear

    Text without a heading is not a part.
    """


def missing_parts(docstring: Docstring) -> tuple[str, ...]:
    """Returns the required parts that are empty."""
    required = ("summary", "formula", "use", "pitfall")
    return tuple(name for name in required if not getattr(docstring, name))


def test_a_docstring_is_parsed_into_parts() -> None:
    docstring = parse(DOCSTRING)

    assert docstring.summary == "One line of help."
    assert docstring.formula == "y = x Wᵀ + b\nwith b = 0 at first"
    assert docstring.use == "for nearly everything."
    assert docstring.pitfall == "too many of them."
    assert docstring.source == "torch.nn.Linear"
    assert missing_parts(docstring) == ()
    assert [name for name, _ in docstring.parts] == ["Formula", "Use", "Pitfall", "Source"]


def test_missing_parts_are_named() -> None:
    assert missing_parts(parse("")) == ("summary", "formula", "use", "pitfall")
    assert missing_parts(parse("Alone.")) == ("formula", "use", "pitfall")
    assert parse("Alone.").parts == ()


def test_an_unknown_part_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no part 'Danger'"):
        parse("Summary.\n\n    Danger: it bites.")


@given(WORDS, WORDS, WORDS, WORDS)
def test_any_text_of_a_part_is_parsed(summary: str, formula: str, use: str, pitfall: str) -> None:
    text = f"{summary}\n\n    Formula: {formula}\n    Use: {use}\n    Pitfall: {pitfall}\n    "

    docstring = parse(text)

    expected = Docstring(summary.strip(), formula.strip(), use.strip(), pitfall.strip())
    assert docstring == expected


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.__name__)
def test_every_entry_has_a_summary_a_formula_a_use_and_a_pitfall(kind: type[Struct]) -> None:
    docstring = docstrings.docstring_of(kind)

    assert missing_parts(docstring) == ()
    assert 10 < len(docstring.summary) <= 90
    assert docstring.summary[-1] in ".?!"
    for name, text in docstring.parts:
        assert all(character.isprintable() or character == "\n" for character in text), name
    assert len(docstring.formula.splitlines()) <= 3
    assert docstring.use[-1] == docstring.pitfall[-1] == "."
    assert len(docstring.use) <= 400 and len(docstring.pitfall) <= 400
