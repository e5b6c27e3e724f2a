"""Any experiment at all, for properties."""

from typing import Any

from hypothesis import strategies as st

from tuilab.core.experiment.experiment import SECTIONS, Experiment, option_types
from tuilab.core.experiment.knobs import declared_fields

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=20)
POINTS = st.tuples(st.floats(-6, 6), st.floats(-6, 6), st.integers(0, 25))


def _number(low: float, high: float, lowest_counts: bool, highest_counts: bool) -> Any:
    return st.floats(
        low, high, exclude_min=not lowest_counts, exclude_max=not highest_counts, allow_nan=False
    )


def _value(field: Any, default: Any) -> Any:
    meta = field.meta
    if field.kind == "choice":
        return st.sampled_from(field.choices)
    if field.kind == "choices":
        return st.lists(st.sampled_from(field.choices), max_size=4).map(tuple)
    if field.kind == "bool":
        return st.booleans()
    if field.kind == "int":
        return st.integers(meta.ge, meta.le)
    if field.kind == "float":
        low = meta.ge if meta.ge is not None else meta.gt
        high = meta.le if meta.le is not None else meta.lt
        return _number(low, high, meta.ge is not None, meta.le is not None)
    if field.kind == "list":
        return st.tuples(*(st.floats(0, 0.999) for _ in default))
    if field.kind == "points":
        return st.lists(POINTS, min_size=1, max_size=4).map(tuple)
    assert field.kind == "text", field
    return WORDS


def struct(kind: type) -> Any:
    values = {name: _value(field, field.default) for name, field in declared_fields(kind).items()}
    return st.builds(kind, **values)


LINES = st.recursive(
    st.one_of(st.just("Linear 2"), st.just("ReLU"), WORDS),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


def _sections() -> dict[str, Any]:
    return {
        section: st.one_of(*(struct(kind) for kind in option_types(section)))
        if option_types(section)
        else struct(type(getattr(Experiment(), section)))
        for section in SECTIONS
    }


EXPERIMENTS = st.builds(
    Experiment,
    title=WORDS,
    seed=st.integers(0, 2**31 - 1),
    network=st.lists(LINES, max_size=4).map(tuple),
    **_sections(),
)
