"""Graphs in character cells: every node is visible, in any size and on any terminal."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tuilab.core.protocol.inspect.result_messages import NodeGraph
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.ui.canvas.draw_style import DrawStyle
from tuilab.ui.views.result.draw_nodes import draw_nodes


def make_graph(positions: list[tuple[float, float]], classes: int) -> NodeGraph:
    """Returns a graph in which each node has edges to the two after it."""
    nodes = range(len(positions))
    edges = [(n, n + step) for n in nodes for step in (1, 2) if n + step < len(positions)]
    return NodeGraph(
        positions, edges, values=[n % classes + 0.7 for n in nodes],
        targets=[(n % 3 - 1) % classes if n % 3 else -1 for n in nodes],
        is_labeled=[n % 5 == 0 for n in nodes],
        matrix=ConfusionMatrix([[1] * classes] * classes, [chr(65 + n) for n in range(classes)]),
        total_nodes=2 * len(positions),
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=60), st.integers(1, 9),
    st.integers(0, 90), st.integers(0, 40), st.sampled_from([COLORED, COLORLESS, ASCII_ONLY]),
)  # fmt: skip
def test_any_graph_is_drawn_and_fits(
    positions: list[tuple[float, float]], classes: int, width: int, height: int, style: DrawStyle
) -> None:
    cells = draw_nodes(make_graph(positions, classes), (width, height), style)

    assert [strip.cell_length for strip in cells.strips()] == [width] * height
    text = "".join(strip.text for strip in cells.strips())
    assert text.isascii() or style is not ASCII_ONLY


def test_nodes_in_one_place_are_drawn_beside_each_other() -> None:
    cells = draw_nodes(make_graph([(0.5, 0.5)] * 6, 2), (40, 12), COLORLESS)

    glyphs = [glyph for row in cells.rows[1:-1] for glyph, _ in row if glyph in "●○■□✗"]
    assert len(glyphs) == 6


def test_the_title_says_what_is_left_out() -> None:
    ring = [(n % 20 / 20, n // 20 / 20) for n in range(400)]
    cells = draw_nodes(make_graph(ring, 2), (80, 6), COLORLESS)

    title = cells.strips()[0].text
    assert "400 of 800 nodes and" in title and "of 797 edges shown" in title
