"""Names in a few cells stay distinct."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuilab.ui.canvas.short_names import shorten_names

FRUIT = [
    "diameter", "weight", "firmness", "sugar", "color=green", "color=red", "color=yellow",
    "organic=no", "organic=yes",
]  # fmt: skip


@pytest.mark.parametrize("room", [2, 3, 4, 6, 8, 9, 12])
def test_the_columns_of_a_table_differ_in_any_room(room: int) -> None:
    short = shorten_names(FRUIT, room)

    assert len(set(short)) == len(FRUIT)
    assert all(cell_len(name) <= room for name in short)


def test_names_with_room_stay_whole() -> None:
    assert shorten_names(FRUIT, 12) == FRUIT


@given(st.lists(st.text("ab=1 ", min_size=1), unique=True, max_size=9), st.integers(2, 12))
def test_different_names_stay_different(names: list[str], room: int) -> None:
    names = [name for name in names if name.strip() == name]
    short = shorten_names(names, room)

    assert all(cell_len(name) <= room for name in short)
    assert len({*short, *names}) >= len(set(short))
