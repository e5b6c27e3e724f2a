"""Steps in epochs, examples and seconds, against values computed by hand."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import Progressed, Rewound, Started
from tuilab.core.run.run import Run
from tuilab.core.run.step_map import StepMap, build_step_map


def run_of(*reports: tuple[int, float, float]) -> Run:
    """Returns a run of 320 examples with reports of step, epoch and seconds."""
    run = Run()
    run.apply(Started("a", Experiment(), "cpu", 9, 10, {"train": 320}))
    for step, epoch, seconds in reports:
        run.apply(Progressed("a", step, epoch, 1, 1, 1, {}, 0.1, 1, 1, seconds, None, points=[]))
    return run


@pytest.mark.parametrize(
    ("unit", "step", "value"),
    [
        ("epoch", 0, 0.0), ("epoch", 5, 0.5), ("epoch", 10, 1.0), ("epoch", 20, 2.0),
        ("examples", 5, 160.0), ("examples", 20, 640.0), ("examples", 30, 960.0),
        ("seconds", 5, 2.0), ("seconds", 10, 4.0), ("seconds", 15, 4.5), ("seconds", 20, 5.0),
        ("seconds", 40, 10.0),
    ],
)  # fmt: skip
def test_a_step_in_another_unit(unit: str, step: int, value: float) -> None:
    step_map = build_step_map(run_of((10, 1.0, 4.0), (20, 2.0, 5.0)), unit)  # type: ignore[arg-type]
    assert step_map is not None
    assert step_map.at(step) == pytest.approx(value)


def test_points_keep_their_values() -> None:
    step_map = StepMap([(10, 4.0), (20, 5.0)])
    assert step_map.convert([(5, 0.1, 0.0, 0.2), (15, 0.3, 0.3, 0.3)]) == [
        (2.0, 0.1, 0.0, 0.2), (4.5, 0.3, 0.3, 0.3),
    ]  # fmt: skip


def test_steps_need_no_map_and_nothing_measured_gives_no_points() -> None:
    assert build_step_map(Run(), "step") is None
    empty = build_step_map(Run(), "seconds")
    assert empty is not None
    assert empty.convert([(1, 2.0, 2.0, 2.0)]) == []


def test_a_rewind_takes_the_time_back_as_well() -> None:
    run = run_of((10, 1.0, 4.0), (20, 2.0, 5.0))
    run.apply(Rewound("a", 10))
    run.apply(Progressed("a", 20, 2.0, 1, 1, 1, {}, 0.1, 1, 1, 9.0, None, points=[]))
    step_map = build_step_map(run, "seconds")
    assert step_map is not None
    assert step_map.at(20) == 9.0


@given(
    st.lists(st.tuples(st.integers(0, 10**9), st.floats(-1e9, 1e9)), max_size=50),
    st.lists(st.integers(0, 2 * 10**9), max_size=20),
)
def test_a_map_never_falls(measured: list[tuple[int, float]], steps: list[int]) -> None:
    step_map = StepMap(sorted(measured))
    values = [step_map.at(step) for step in sorted(steps)]
    assert all(after >= before - 1e-6 * abs(before)
               for before, after in pairwise(values))  # fmt: skip


def test_a_million_steps_are_mapped_within_a_hair() -> None:
    run = run_of(*((step, step / 1000, step / 500) for step in range(100, 1_000_001, 100)))
    step_map = build_step_map(run, "seconds")
    assert step_map is not None
    for step in (100, 12_345, 500_000, 999_950):
        assert step_map.at(step) == pytest.approx(step / 500, rel=1e-3)
