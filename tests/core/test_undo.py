"""Undo and redo."""

from hypothesis import given
from hypothesis import strategies as st

from tuilab.core.experiment.undo import UndoStack


def test_undo_goes_back_and_redo_forth() -> None:
    history = UndoStack("a")
    history.push("b")
    history.push("c")

    assert history.undo() and history.value == "b"
    assert history.undo() and history.value == "a"
    assert not history.undo() and history.value == "a"
    assert history.redo() and history.value == "b"


def test_a_new_change_forgets_what_was_undone() -> None:
    history = UndoStack("a")
    history.push("b")
    history.undo()
    history.push("c")

    assert not history.redo()
    assert history.value == "c"


def test_the_same_value_again_is_no_change() -> None:
    history = UndoStack("a")
    history.push("a")

    assert not history.undo()


def test_the_oldest_changes_are_forgotten_first() -> None:
    history = UndoStack(0, limit=2)
    for value in (1, 2, 3):
        history.push(value)

    assert history.undo() and history.undo() and not history.undo()
    assert history.value == 1


@given(st.lists(st.integers(0, 3)), st.integers(0, 20))
def test_as_many_redos_as_undos_lead_back(values: list[int], times: int) -> None:
    history = UndoStack(0)
    for value in values:
        history.push(value)
    newest = history.value

    undone = sum(history.undo() for _ in range(times))
    redone = sum(history.redo() for _ in range(undone))

    assert redone == undone
    assert history.value == newest
