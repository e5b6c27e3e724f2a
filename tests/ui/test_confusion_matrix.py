"""Confusion matrices in character cells: what they show, at any size."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.draw_styles import COLORED, COLORLESS
from tests.support.sample_runs import make_confusion_matrix
from tuilab.core.catalogue.data.images import FashionMNIST, Glyphs
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.ui.canvas.confusion_matrix import (
    PRECISION_WIDTH,
    draw_matrix,
    draw_scores,
    matrix_size,
    plan_matrix,
    write_matrix_title,
)
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.canvas.styled_cells import StyledCells

CLOTHES = FashionMNIST().classes


def draw(
    matrix: ConfusionMatrix, width: int, height: int, style: DrawStyle = COLORED,
    cursor: tuple[int, int] | None = None,
) -> list[str]:  # fmt: skip
    cells = draw_matrix(matrix, (width, height), style, cursor)
    return [strip.text.rstrip() for strip in cells.strips()]


def title_of(matrix: ConfusionMatrix, width: int, unit: int = 0) -> str:
    cells = StyledCells((width, 1), COLORED)
    write_matrix_title(cells, matrix, f"{matrix.total} examples", unit)
    return cells.strips()[0].text.rstrip()


def test_a_matrix_has_names_counts_and_scores() -> None:
    lines = draw(make_confusion_matrix(CLOTHES), 80, 20)

    assert lines[0].split() == [*"0123456789", "recall", "precision", "F1"]
    assert lines[1].startswith("0 T-shirt") and lines[10].startswith("9 Ankle boot")
    assert "\n".join(lines).count(" 90%") == 20, "recall and precision"
    row = lines[3].split()
    assert row == ["2", "Pullover", "·", "·", "9", "1", *["·"] * 6, "90%", "90%", "0.90"]


def test_the_title_has_the_accuracy_and_what_the_numbers_are() -> None:
    matrix = make_confusion_matrix(CLOTHES)

    wide = title_of(matrix, 80)
    assert wide == "accuracy 90.0% on 100 examples  rows: target, columns: predicted (counts)"
    assert title_of(matrix, 90, 10).endswith("(tenths of each row)")
    assert title_of(matrix, 40) == "accuracy 90.0% on 100 examples  counts"
    assert title_of(ConfusionMatrix([[0, 0], [0, 0]], ["a", "b"]), 40).startswith(
        "nothing evaluated"
    )


def test_few_classes_head_their_columns_by_name() -> None:
    lines = draw(make_confusion_matrix(("cat", "elephant")), 60, 3)

    assert lines[0].split()[:2] == ["cat", "elephant"]
    assert lines[2].split() == ["elephant", "1", "9", "90%", "90%", "0.90"]


def test_precision_and_f1_are_shown_if_there_is_room() -> None:
    matrix = make_confusion_matrix(("a", "b", "c"))
    columns, rows = matrix_size(matrix)

    narrow = draw(matrix, columns, rows, COLORLESS)
    wide = draw(matrix, columns + PRECISION_WIDTH, rows, COLORLESS)

    assert narrow[0].split() == ["a", "b", "c", "recall"]
    assert wide[0].split() == ["a", "b", "c", "recall", "precision", "F1"]
    assert wide[1].split()[-3:] == ["90%", "90%", "0.90"]


def test_the_diagonal_is_in_brackets_without_color() -> None:
    assert "\n".join(draw(make_confusion_matrix(CLOTHES), 80, 20, COLORLESS)).count("[9]") == 10


def test_the_background_is_stronger_for_a_larger_fraction_of_the_row() -> None:
    cells = draw_matrix(ConfusionMatrix([[90, 10], [50, 50]], ["a", "b"]), (30, 3), COLORED)
    layout = plan_matrix(ConfusionMatrix([[90, 10], [50, 50]], ["a", "b"]), (30, 3))

    def brightness(row: int, column: int) -> int:
        style = cells.rows[row + 1][layout.left + (column + 1) * layout.width - 1][1]
        assert style.bgcolor is not None and style.bgcolor.triplet is not None
        return sum(style.bgcolor.triplet)

    assert brightness(0, 0) > brightness(1, 1) > 0
    assert brightness(1, 0) > brightness(0, 1) > 0


def test_a_narrow_matrix_shows_fractions_of_each_row() -> None:
    matrix = make_confusion_matrix(Glyphs(alphabet="letters").classes)

    layout = plan_matrix(matrix, (60, 30))
    lines = draw(matrix, 60, 30)

    assert (layout.unit, layout.width, layout.visible[1]) == (10, 1, 26)
    assert lines[1].split()[:2] == ["A", "91" + "·" * 24]
    assert all(len(line) <= 60 for line in lines)


def test_a_matrix_that_is_too_tall_says_how_many_classes_are_hidden() -> None:
    lines = draw(make_confusion_matrix(CLOTHES), 80, 7)

    assert [line[0] for line in lines[1:-1]] == list("01234")
    assert lines[-1].startswith("5 more classes")


def test_the_cursor_is_reversed_and_its_names_are_bold() -> None:
    matrix = make_confusion_matrix(CLOTHES)
    cells = draw_matrix(matrix, (80, 11), COLORED, (2, 3))
    layout = plan_matrix(matrix, (80, 11), (2, 3))

    reversed_cells = {
        (x, y) for y, row in enumerate(cells.rows) for x, (_, style) in enumerate(row)
        if style.reverse
    }  # fmt: skip
    left = layout.left + 3 * layout.width
    assert reversed_cells == {(x, 3) for x in range(left, left + layout.width)}
    assert cells.rows[3][0][1].bold and not cells.rows[4][0][1].bold
    assert cells.rows[0][left + layout.width - 1][1].bold


@given(
    st.integers(1, 36), st.integers(1, 120), st.integers(1, 50),
    st.sampled_from([COLORED, COLORLESS]), st.one_of(st.none(), st.integers(0, 35)),
)  # fmt: skip
def test_any_matrix_fits(
    classes: int, width: int, height: int, style: DrawStyle, step: int | None
) -> None:
    matrix = make_confusion_matrix(Glyphs(alphabet="both").classes[:classes])
    cursor = None if step is None else (step % classes, 7 * step % classes)

    cells = draw_matrix(matrix, (width, height), style, cursor)

    assert [strip.cell_length for strip in cells.strips()] == [width] * height


def test_only_a_whole_row_is_a_hundred_percent() -> None:
    counts = [[9_999, 0, 0], [9, 9_991, 0], [0, 400, 600]]
    lines = draw(ConfusionMatrix(counts, ["aaaaaaaa", "bbbbbbbb", "cccccccc"]), 17, 4)

    numbers = [[word for word in line.split()[1:] if word.isdigit()] for line in lines[1:]]
    assert numbers == [["100"], ["0", "99"], ["40", "60"]]


def test_a_narrow_matrix_has_percentages_and_names_rather_than_the_recall() -> None:
    matrix = make_confusion_matrix(CLOTHES)
    layout = plan_matrix(matrix, (41, 40))
    big = ConfusionMatrix([[count * 100 for count in row] for row in matrix.counts], [*CLOTHES])

    assert layout.unit == 0 and plan_matrix(big, (41, 40)).unit == 100
    lines = draw(big, 41, 40)
    assert "recall" not in lines[0] and lines[1].startswith("0 T-shirt")
    assert lines[1].split()[2] == "90"


def test_few_classes_fill_the_room_with_high_cells() -> None:
    matrix = make_confusion_matrix(("a", "b", "c"))
    layout = plan_matrix(matrix, (60, 30))

    assert layout.height == 4 and layout.width == 8
    assert layout.cell_at(layout.left, 1) == layout.cell_at(layout.left + 7, 4) == (0, 0)
    assert layout.cell_at(layout.left + 8, 5) == (1, 1)
    lines = draw(matrix, 60, 30)
    assert [number for number, line in enumerate(lines) if "90%" in line] == [2, 6, 10]


def test_the_scores_of_all_classes_stand_below_each_other() -> None:
    matrix = make_confusion_matrix(CLOTHES)
    lines = [strip.text.split() for strip in draw_scores(matrix, (50, 11), COLORED).strips()]

    assert lines[0] == ["recall", "precision", "F1", "n"]
    assert lines[10][-4:] == ["90%", "90%", "0.90", "10"]


def test_a_column_is_never_headed_by_the_name_of_another_class() -> None:
    short = ["0", "1", "10", "11", "2", "20", "3", "4"]
    lines = draw(make_confusion_matrix(tuple(short)), 80, 20)
    assert lines[0].split()[: len(short)] == short
    assert any(line.startswith("10 ") for line in lines)

    years = [str(year) for year in (1, 3, 5, 2001, 2002, 2003, 2004)]
    lines = draw(make_confusion_matrix(tuple(years)), 80, 20)
    assert lines[0].split()[: len(years)] == [*"abcdefg"]
    assert any(line.startswith("b 3 ") for line in lines)
    assert any(line.startswith("d 2001") for line in lines)
