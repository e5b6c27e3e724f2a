"""The drawings of examples: every kind of input fits every size, with and without colors."""

from typing import Any

import pytest
from msgspec.structs import replace

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.ui.test_view_examples import example, make_response, text
from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.examples_messages import parse_numbers
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.core.run.run import MAX_MATRICES, Run
from tuilab.ui.canvas.confusion_matrix import plan_matrix
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.views.examples.draw_detail import draw_example
from tuilab.ui.views.examples.draw_pages import draw_examples_page, draw_matrix_page, draw_trend
from tuilab.ui.views.examples.matrix_history import MatrixHistory
from tuilab.ui.views.examples.sketch import Sketch


@pytest.mark.parametrize("size", [(36, 10), (52, 14), (74, 22), (102, 36), (150, 45)])
@pytest.mark.parametrize("style", [ASCII_ONLY, COLORED], ids=["ascii", "colored"])
def test_everything_fits_any_size(size: tuple[int, int], style: DrawStyle) -> None:
    matrix = ConfusionMatrix([[n] * 30 for n in range(30)], [f"class {n}" for n in range(30)])
    response = make_response(matrix=matrix, cell=[29, 29])
    page, layout = draw_matrix_page(response, size, (29, 29), [0.1, 0.2], style)
    assert (page.width, page.height) == size and "class 29" in text(page)
    assert layout.first[0] + layout.visible[0] == 30, "the cursor is visible"

    inputs: dict[str, dict[str, Any]] = {
        "numbers": {"numbers": [1.0, -2.0], "names": ["width", "height"], "heat": b"\xff\x01",
                    "heat_shape": [1, 2]},
        "series": {"numbers": [float(n % 5) for n in range(40)], "heat": bytes(range(128, 168)),
                   "heat_shape": [1, 40], "shape": [40, 1]},
        "tokens": {"names": list("a text\nof words"), "heat": bytes(range(128, 143)),
                   "heat_shape": [1, 15]},
        "picture": {},
    }  # fmt: skip
    for kind, fields in inputs.items():
        response = make_response("examples", example=example(kind=kind, **fields))
        page_text = text(draw_examples_page(response, size, style))
        assert "target dog, predicted cat" in page_text and "70%" in page_text
        assert style is not ASCII_ONLY or page_text.isascii()


def test_a_heat_map_is_beside_its_image_or_over_it() -> None:
    beside = draw_example(example(), (74, 20), COLORLESS)
    over = draw_example(example(), (34, 9), COLORLESS)
    assert beside.image is not None and over.image is not None
    heat_map = beside.image.translate((beside.image.width + 2, 0))
    lines = text(beside.cells).splitlines()
    assert "█" in lines[heat_map.bottom - 1][heat_map.x : heat_map.right]
    assert lines[heat_map.y][heat_map.x] == " "
    assert over.image.width >= 10


def test_a_matrix_of_many_classes_shows_the_part_around_the_cursor() -> None:
    matrix = ConfusionMatrix([[1] * 50 for _ in range(50)], [str(n) for n in range(50)])
    for cursor in ((0, 0), (25, 30), (49, 49)):
        layout = plan_matrix(matrix, (40, 12), cursor)
        assert layout.first[0] <= cursor[0] < layout.first[0] + layout.visible[0]
        assert layout.first[1] <= cursor[1] < layout.first[1] + layout.visible[1]
        x = layout.left + (cursor[1] - layout.first[1]) * layout.width
        assert layout.cell_at(x, 1 + cursor[0] - layout.first[0]) == cursor


def test_the_history_is_bounded_and_starts_over_with_another_run() -> None:
    history = MatrixHistory()
    for step in range(5 * MAX_MATRICES):
        history.add(replace(make_response(), step=step))
    assert len(history) <= MAX_MATRICES
    latest = replace(make_response(), step=5 * MAX_MATRICES)
    assert set(history.row_fractions(latest, (0, 1))) == {0.2}
    assert history.row_fractions(replace(latest, split="test"), (0, 1)) == []
    history.add(replace(make_response(), run="b"))
    assert len(history) == 1


def test_the_history_of_the_validation_set_is_that_of_every_evaluation() -> None:
    response = replace(make_response(), step=300, split="validation")
    run = Run(id=response.run)
    run.confusion_history = [
        (100, [[1, 1], [0, 2]]),
        (200, [[1, 3], [0, 4]]),
        (900, [[4, 0], [0, 4]]),
    ]
    history = MatrixHistory()
    history.add(response, run)
    assert history.row_fractions(response, (0, 1)) == [0.5, 0.75, 0.2]


def test_a_trend_is_as_high_as_its_values() -> None:
    assert draw_trend([0, 0.5, 1], 10, "_-#") == "_-#"
    assert draw_trend([0, 0], 10, "_-#") == "__"
    assert draw_trend([1, 2, 4], 2, "_-#") == "-#"


def test_a_lifted_pen_draws_nothing() -> None:
    sketch = Sketch(28, 28)
    sketch.move(0, 0)
    assert not any(sketch.pixels)
    sketch.is_down = True
    sketch.draw()
    sketch.move(40, 0)
    assert sketch.position == (27, 0) and all(sketch.pixels[:28])
    sketch.clear()
    assert not any(sketch.pixels)


@pytest.mark.parametrize("text", ["", "1", "1,2,3", "1,a", "1,nan", "1,inf"])
def test_invalid_numbers_are_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_numbers(text, 2)
