"""The sheet of cells: what a text becomes on it."""

from rich.style import Style

from tuilab.core.format import grouped
from tuilab.ui.canvas.cell_buffer import CellBuffer, fitted


def test_the_thin_space_between_groups_of_digits_has_a_cell() -> None:
    grid = CellBuffer(8, 1, Style())

    end = grid.write(0, 0, grouped(12_345), Style())

    assert (end, grid.strips()[0].text) == (6, "12 345  ")
    assert fitted(grouped(12_345), 6) == "12 345"
    assert fitted(grouped(12_345), 5) == "12 3…"


def test_control_characters_have_none_and_wide_signs_two() -> None:
    grid = CellBuffer(8, 1, Style())

    end = grid.write(0, 0, "a\t\x1bb\u00a0世", Style())

    assert (end, grid.strips()[0].text) == (5, "ab 世   ")
