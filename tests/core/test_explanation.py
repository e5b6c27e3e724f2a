"""Every entry of the catalogue is explained, and docstrings are read as they are written."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.experiment.experiment import options
from tuilab.core.network.registry import LAYERS
from tuilab.core.reference import docstrings
from tuilab.core.reference.docstrings import Explanation, parse

SECTIONS = ("task", "initialization", "loss", "averaging", "optimizer", "schedule")
ENTRIES = [*(kind for section in SECTIONS for kind in options(section)), *LAYERS.values()]
WORDS = st.text(st.sampled_from("abc σ√·∕=()"), min_size=1, max_size=20).filter(str.strip)

DOCSTRING = """One line of help.

    Formula: y = x Wᵀ + b
      with b = 0 at first
    Use: for nearly
      everything.
    Pitfall: too many of them.
    Source: torch.nn.Linear

    What stands by itself is no part of it.
    """


def test_a_docstring_is_read_part_by_part():
    found = parse(DOCSTRING)

    assert found.summary == "One line of help."
    assert found.formula == "y = x Wᵀ + b\nwith b = 0 at first"
    assert found.use == "for nearly everything."
    assert found.pitfall == "too many of them."
    assert found.source == "torch.nn.Linear"
    assert found.missing == ()
    assert [name for name, _ in found.parts] == ["Formula", "Use", "Pitfall", "Source"]


def test_what_is_missing_is_named():
    assert parse("").missing == ("summary", "formula", "use", "pitfall")
    assert parse("Alone.").missing == ("formula", "use", "pitfall")
    assert parse("Alone.").parts == ()


def test_a_part_with_a_name_of_its_own_is_refused():
    with pytest.raises(ValueError, match="there is no part 'Danger'"):
        parse("Summary.\n\n    Danger: it bites.")


@given(WORDS, WORDS, WORDS, WORDS)
def test_whatever_is_written_is_read(summary: str, formula: str, use: str, pitfall: str):
    text = f"{summary}\n\n    Formula: {formula}\n    Use: {use}\n    Pitfall: {pitfall}\n    "

    found = parse(text)

    wanted = Explanation(summary.strip(), formula.strip(), use.strip(), pitfall.strip())
    assert found == wanted


@pytest.mark.parametrize("kind", ENTRIES, ids=lambda kind: kind.__name__)
def test_an_entry_says_what_it_is_when_to_take_it_and_what_goes_wrong(kind: Any):
    found = docstrings.of(kind)

    assert found.missing == ()
    assert 10 < len(found.summary) <= 90
    assert found.summary[-1] in ".?!"
    for name, text in found.parts:
        assert all(sign.isprintable() or sign == "\n" for sign in text), name
    assert len(found.formula.splitlines()) <= 3
    assert found.use[-1] == found.pitfall[-1] == "."
    assert len(found.use) <= 400 and len(found.pitfall) <= 400
