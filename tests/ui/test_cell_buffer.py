"""The buffer of cells: what a text becomes on it, and what changes between two of them."""

from rich.style import Style
from textual.geometry import Region

from tuilab.ui.canvas.cell_buffer import CellBuffer, find_first_visible, truncate


def test_the_thin_space_between_groups_of_digits_has_a_cell() -> None:
    cells = CellBuffer(8, 1, Style())

    end = cells.write(0, 0, "12\u2009345", Style())

    assert (end, cells.strips()[0].text) == (6, "12 345  ")
    assert truncate("12\u2009345", 6) == "12 345"
    assert truncate("12\u2009345", 5) == "12 3…"


def test_control_characters_have_none_and_wide_glyphs_two() -> None:
    cells = CellBuffer(8, 1, Style())

    end = cells.write(0, 0, "a\t\x1bb\u00a0世", Style())

    assert (end, cells.strips()[0].text) == (5, "ab 世   ")


def test_text_can_end_before_a_column_and_be_centered() -> None:
    cells = CellBuffer(12, 3, Style())

    assert cells.write_left_of(12, 0, "right", Style()) == 7
    cells.write_centered("middle", Style())

    lines = [strip.text for strip in cells.strips()]
    assert lines == ["       right", "   middle   ", " " * 12]


def test_a_change_is_one_region_a_row_with_a_cell_on_either_side() -> None:
    before, after = CellBuffer(9, 3, Style()), CellBuffer(9, 3, Style())
    after.write(3, 1, "a b", Style())
    after.write(0, 2, "c", Style())

    assert list(after.changes(before)) == [Region(2, 1, 5, 1), Region(0, 2, 2, 1)]


def test_the_chosen_item_of_a_list_is_in_the_middle_where_it_can_be() -> None:
    assert [find_first_visible(selected, 5, 20) for selected in (0, 2, 10, 19)] == [0, 0, 8, 15]
    assert find_first_visible(3, 10, 4) == 0
