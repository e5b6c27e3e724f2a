"""The drawings of examples: every kind of input fits every size, with colours and without."""

import pytest
from msgspec.structs import replace
from rich.style import Style
from textual.color import Color

from tests.ui.test_view_examples import example, seen, text
from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.examples_messages import typed_numbers
from tuilab.core.run.run import MATRICES, Run
from tuilab.ui.canvas.decision_surface import Hues
from tuilab.ui.terminal.glyphs import ASCII, UNICODE
from tuilab.ui.views.examples.draw_bars import Pencil
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.examples.draw_matrix import plan, trend
from tuilab.ui.views.examples.draw_pages import History, draw_examples_page, draw_matrix_page
from tuilab.ui.views.examples.draw_user_input import Sketch
from tuilab.ui.views.examples.matrix_history import Past

BARE = Hues(Color(0, 0, 0), Color(255, 255, 255), (Color(255, 128, 0), Color(0, 0, 255)),
            Style(), Style(), False)  # fmt: skip
BLENDED = Hues(BARE.behind, BARE.front, BARE.classes, Style(), Style(), True)


@pytest.mark.parametrize("size", [(36, 10), (52, 14), (74, 22), (102, 36), (150, 45)])
@pytest.mark.parametrize("hues", [BARE, BLENDED], ids=["bare", "blended"])
def test_everything_fits_any_size(size: tuple[int, int], hues: Hues) -> None:
    pencil = Pencil(hues, ASCII if hues is BARE else UNICODE)
    names = [f"class {n}" for n in range(30)]
    many = seen(classes=names, counts=[[n] * 30 for n in range(30)], cell=[29, 29])
    page, table = draw_matrix_page(many, size, (29, 29), History([0.1, 0.2]), pencil)
    assert (page.width, page.height) == size and "class 29" in text(page)
    assert table.first[0] + table.shown[0] == 30, "the cursor is seen"

    inputs = {
        "numbers": {"numbers": [1.0, -2.0], "names": ["width", "height"], "heat": b"\xff\x01",
                    "heat_shape": [1, 2]},
        "series": {"numbers": [float(n % 5) for n in range(40)], "heat": bytes(range(128, 168)),
                   "heat_shape": [1, 40], "shape": [40, 1]},
        "tokens": {"names": list("a text\nof words"), "heat": bytes(range(128, 143)),
                   "heat_shape": [1, 15]},
        "picture": {},
    }  # fmt: skip
    for kind, fields in inputs.items():
        whole = seen("examples", example=example(kind=kind, **fields))
        shown = text(draw_examples_page(whole, size, pencil))
        assert "target dog, predicted cat" in shown and "70%" in shown
        assert hues is not BARE or shown.isascii()


def test_a_heat_map_stands_beside_its_picture_or_over_it() -> None:
    pencil = Pencil(BARE, UNICODE)
    beside = draw_example(example(), (74, 20), pencil)
    over = draw_example(example(), (34, 9), pencil)
    assert beside.box is not None and over.box is not None
    right = beside.box.x + beside.box.columns + 2
    lines = text(beside.grid).splitlines()
    assert "█" in lines[beside.box.y + beside.box.rows - 1][right : right + beside.box.columns]
    assert lines[beside.box.y][right] == " "
    assert over.box.columns >= 10


def test_a_matrix_of_many_classes_shows_the_part_around_the_cursor() -> None:
    counts = [[1] * 50 for _ in range(50)]
    names = [str(n) for n in range(50)]
    for cursor in ((0, 0), (25, 30), (49, 49)):
        table = plan(counts, names, (40, 12), cursor)
        assert table.first[0] <= cursor[0] < table.first[0] + table.shown[0]
        assert table.first[1] <= cursor[1] < table.first[1] + table.shown[1]
        x = table.left + (cursor[1] - table.first[1]) * table.width
        assert table.at(x, 1 + cursor[0] - table.first[0]) == cursor


def test_the_past_is_bounded_and_begins_anew_with_another_run() -> None:
    past = Past()
    for step in range(5 * MATRICES):
        past.add(replace(seen(), step=step))
    assert len(past) <= MATRICES
    newest = replace(seen(), step=5 * MATRICES)
    assert set(past.shares(newest, (0, 1))) == {0.2}
    assert past.shares(replace(newest, part="test"), (0, 1)) == []
    past.add(replace(seen(), run="b"))
    assert len(past) == 1


def test_the_past_of_the_validation_part_is_that_of_every_evaluation() -> None:
    answer = replace(seen(), step=300, part="validation")
    run = Run(id=answer.run)
    run.confusions = [(100, [[1, 1], [0, 2]]), (200, [[1, 3], [0, 4]]), (900, [[4, 0], [0, 4]])]
    past = Past()
    past.add(answer, run)
    assert past.shares(answer, (0, 1)) == [0.5, 0.75, 0.2]


def test_a_trend_is_as_high_as_its_values() -> None:
    assert trend([0, 0.5, 1], 10, "_-#") == "_-#"
    assert trend([0, 0], 10, "_-#") == "__"
    assert trend([1, 2, 4], 2, "_-#") == "-#"


def test_a_pen_that_is_lifted_draws_nothing() -> None:
    sketch = Sketch(28, 28)
    sketch.move(0, 0)
    assert not any(sketch.pixels)
    sketch.is_down = True
    sketch.ink()
    sketch.move(40, 0)
    assert sketch.at == (27, 0) and all(sketch.pixels[:28])
    sketch.clear()
    assert not any(sketch.pixels)


@pytest.mark.parametrize("words", ["", "1", "1,2,3", "1,a", "1,nan", "1,inf"])
def test_numbers_that_are_none_are_refused(words: str) -> None:
    with pytest.raises(InputError):
        typed_numbers(words, 2)
