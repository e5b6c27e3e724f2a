"""Hypothesis strategies for experiments and their parts."""

from typing import Any, TypeVar, get_args

from hypothesis import strategies as st
from msgspec import Struct

from tests.support.not_none import not_none
from tuilab.core.experiment.experiment import SECTIONS, Experiment, option_types
from tuilab.core.experiment.knobs import Knob, default_knobs
from tuilab.core.files.tables.read_options import ColumnKind

S = TypeVar("S", bound=Struct)

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
POINTS = st.tuples(st.floats(-6, 6), st.floats(-6, 6), st.integers(0, 25))


def float_strategy(
    low: float | None, high: float | None, *, includes_low: bool, includes_high: bool
) -> st.SearchStrategy[float]:
    """Draws finite numbers within bounds."""
    return st.floats(
        low, high, exclude_min=not includes_low, exclude_max=not includes_high, allow_nan=False
    )


def value_strategy(knob: Knob) -> st.SearchStrategy[Any]:
    """Draws valid values of a knob."""
    match knob.kind:
        case "choice":
            return st.sampled_from(knob.choices)
        case "choices":
            return st.lists(st.sampled_from(knob.choices), max_size=4).map(tuple)
        case "bool":
            return st.booleans()
        case "list":
            return st.tuples(*(st.floats(0, 0.999) for _ in knob.default))
        case "points":
            return st.lists(POINTS, min_size=1, max_size=4).map(tuple)
        case "mapping":
            return st.dictionaries(WORDS, st.sampled_from(get_args(ColumnKind)), max_size=3)
        case "text":
            return WORDS
    low, high = not_none(knob.minimum), not_none(knob.maximum)
    if knob.kind == "int":
        assert not (knob.is_minimum_open or knob.is_maximum_open), knob
        return st.integers(int(low), int(high))
    assert knob.kind == "float", knob
    return float_strategy(
        low, high, includes_low=not knob.is_minimum_open, includes_high=not knob.is_maximum_open
    )


def struct_strategy(kind: type[S]) -> st.SearchStrategy[S]:
    """Draws structs of a type with valid values in every field."""
    return st.builds(kind, **{n: value_strategy(f) for n, f in default_knobs(kind).items()})


LINES = st.recursive(
    st.one_of(st.just("Linear 2"), st.just("ReLU"), WORDS),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def _sections() -> dict[str, st.SearchStrategy[Struct]]:
    return {
        section: st.one_of(*(struct_strategy(kind) for kind in option_types(section)))
        if option_types(section)
        else struct_strategy(type(getattr(Experiment(), section)))
        for section in SECTIONS
    }


EXPERIMENTS = st.builds(
    Experiment,
    title=WORDS,
    seed=st.integers(0, 2**31 - 1),
    network=st.lists(LINES, max_size=4).map(tuple),
    **_sections(),
)
