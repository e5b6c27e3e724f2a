"""Formulas and tables in a lesson keep their columns where the pane is narrow."""

import pytest
from rich.cells import cell_len

from tuilab.core.lessons.library import list_folders, read_lesson
from tuilab.ui.panes.lesson.code_block import narrow_gutters, wrap_code

TABLE = ["Flatten     [784]          the same numbers in one row", "ReLU        [64]"]


def wrap(lines: list[str], width: int) -> list[str]:
    wrapped = wrap_code(lines, width)
    return ["".join(fragment.text for fragment in line).rstrip() for line in wrapped]


@pytest.mark.parametrize(("width", "expected"), [
    (60, ["  Flatten     [784]          the same numbers in one row", "  ReLU        [64]"]),
    (50, ["  Flatten  [784]  the same numbers in one row", "  ReLU     [64]"]),
    (36, ["  Flatten  [784]  the same numbers", "                  in one row",
          "  ReLU     [64]"]),
    (20, ["  Flatten  [784]", "    the same numbers", "    in one row", "  ReLU     [64]"]),
])  # fmt: skip
def test_a_table_is_narrowed_before_it_is_wrapped(width: int, expected: list[str]) -> None:
    assert wrap(TABLE, width) == expected


def test_a_short_last_column_goes_below_as_a_whole() -> None:
    line = "z₁ = 0.5·1 − 1.0·2 + 0.1 = −1.4     a₁ = 0"
    assert wrap([line], 38) == ["  z₁ = 0.5·1 − 1.0·2 + 0.1 = −1.4", "    a₁ = 0"]


def test_only_space_that_all_lines_share_is_taken_away() -> None:
    assert narrow_gutters(["a     b", "  c   d"]) == ["a    b", "  c  d"]


@pytest.mark.parametrize("width", [36, 50, 56])
@pytest.mark.parametrize("name", list_folders())
def test_nothing_of_a_shipped_lesson_is_lost_or_too_wide(name: str, width: int) -> None:
    pages = read_lesson(list_folders()[name]).pages
    for block in (block for page in pages for block in page.blocks if block.kind == "code"):
        lines = wrap(block.text.splitlines(), width)
        assert max(map(cell_len, lines)) <= width
        assert " ".join(lines).split() == block.text.split()
