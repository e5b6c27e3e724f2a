"""The status bar fits the screen, with the most important parts kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.support.fake_link import READY, SPIRAL, training_events
from tuilab.core.experiment.experiment import with_value
from tuilab.core.protocol.events import Finished, KnobChanged
from tuilab.core.run.run import Run
from tuilab.ui.panes.status import Part, StatusBar, _fit, _justify, _numbers, _title, progress_bar

parts = st.lists(
    st.builds(Part, st.integers(0, 12), st.text(st.characters(codec="utf-8"), max_size=20)),
    max_size=9,
)


@given(parts, parts, st.integers(1, 200))
def test_the_bar_is_never_wider_than_the_screen(
    left: list[Part], right: list[Part], width: int
) -> None:
    assert _justify(*_fit(left, right, width), width).cell_length <= max(width, 1)


@given(parts, st.integers(1, 200))
def test_the_most_important_parts_are_dropped_last(all_parts: list[Part], width: int) -> None:
    visible, _ = _fit(all_parts, [], width)
    dropped = [part for part in all_parts if part not in visible]
    if visible and dropped:
        assert min(part.rank for part in visible) <= min(part.rank for part in dropped)


def test_a_bar_is_filled_by_a_fraction() -> None:
    assert (progress_bar(0.5, 4), progress_bar(0, 4), progress_bar(7, 4)) == (
        "━━──",
        "────",
        "━━━━",
    )


def test_the_bar_repaints_only_when_its_text_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    run, bar = Run(), StatusBar()
    for event in [READY, *training_events("a-1", SPIRAL, 20)]:
        run.apply(event)
    painted: list[int] = []
    monkeypatch.setattr(bar, "refresh", lambda: painted.append(1))

    bar.show(run, 0.001, "", SPIRAL)
    bar.show(run, 0.002, "", SPIRAL)
    assert len(painted) == 1
    bar.show(run, 0.090, "", SPIRAL)
    assert len(painted) == 2


@pytest.mark.parametrize(
    ("lag", "text"), [(0.0, ""), (0.04, ""), (0.05, "lag 50 ms"), (1, "lag 1000 ms")]
)
def test_lag_is_shown_where_it_is_felt(lag: float, text: str) -> None:
    assert [part.text for part in _numbers(Run(), lag)] == [text] * bool(text)


@pytest.mark.parametrize("started, ended, text", [
    (0, 0, "in 0.5 s"), (10, 10, "0.5 s of computing"), (10, 0, "0.5 s of computing"),
])  # fmt: skip
def test_a_run_at_a_pace_took_longer_than_it_computed(
    started: float, ended: float, text: str
) -> None:
    run, experiment = Run(), with_value(SPIRAL, "training.pace", started)
    for event in [READY, *training_events("a-1", experiment, 20)]:
        run.apply(event)
    run.apply(KnobChanged("a-1", 20, "training.pace", ended))
    run.apply(Finished("a-1", "done", 20, 1, 0.5, {}))

    assert text in [part.text for part in _numbers(run, 0.0)]


def test_a_long_title_is_cut_rather_than_dropped() -> None:
    title = Part(5, "A network with a very long title", min_width=16)
    [name], [state] = _fit([title, Part(7, "data")], [Part(0, "training")], 32)

    assert (name.text, state.text) == ("A network with a very…", "training")


def test_what_has_room_is_shown_though_something_longer_has_none() -> None:
    left, right = _fit([Part(8, "tuilab"), Part(5, "x" * 40)], [Part(0, "idle")], 30)

    assert [part.text for part in (*left, *right)] == ["tuilab", "idle"]


def test_the_name_of_the_data_is_not_said_twice() -> None:
    experiment = replace(SPIRAL, title="A spiral of my own")

    assert [part.text for part in _title(experiment)] == [
        "tuilab", "A spiral of my own", "2 classes",
    ]  # fmt: skip
