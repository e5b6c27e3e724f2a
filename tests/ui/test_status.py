"""The status line fits, whatever there is to say and however little room."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.fakes import READY, SPIRAL, history
from tuilab.core.run.run import Run
from tuilab.ui.panes.status import Part, StatusBar, _fit, _justify, progress_bar

parts = st.lists(
    st.builds(Part, st.integers(0, 12), st.text(st.characters(codec="utf-8"), max_size=20)),
    max_size=9,
)


@given(parts, parts, st.integers(1, 200))
def test_it_is_never_wider_than_its_room(left: list[Part], right: list[Part], width: int) -> None:
    assert _justify(*_fit(left, right, width), width).cell_length <= max(width, 1)


@given(parts, st.integers(1, 200))
def test_what_matters_most_goes_last(every: list[Part], width: int) -> None:
    kept, _ = _fit(every, [], width)
    dropped = [part for part in every if part not in kept]
    if kept and dropped:
        assert min(part.rank for part in kept) <= min(part.rank for part in dropped)


def test_a_bar_is_filled_by_a_fraction() -> None:
    assert (progress_bar(0.5, 4), progress_bar(0, 4), progress_bar(7, 4)) == (
        "━━──",
        "────",
        "━━━━",
    )


def test_it_repaints_only_when_it_reads_differently() -> None:
    run, line = Run(), StatusBar()
    for event in [READY, *history("a-1", SPIRAL, 20)]:
        run.apply(event)
    painted = []
    line.refresh = lambda: painted.append(1)  # type: ignore[assignment,return-value,method-assign]

    line.show(run, 0.001, "", SPIRAL)
    line.show(run, 0.002, "", SPIRAL)
    assert len(painted) == 1
    line.show(run, 0.090, "", SPIRAL)
    assert len(painted) == 2
