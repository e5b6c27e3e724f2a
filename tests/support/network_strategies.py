"""Hypothesis strategies for the lines of networks, valid or not."""

from hypothesis import strategies as st

from tuilab.core.network.layer import Layer, needs_arguments
from tuilab.core.network.line import Line
from tuilab.core.network.plan import LinePath
from tuilab.core.network.registry import BLOCKS, LAYERS

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
"""Any text that a user may type or a file may contain."""

VALUES = st.one_of(
    st.integers(-2, 40).map(str),
    st.sampled_from(
        ["same", "true", "none", "0.5", "(3, 3)", "(1,-1)", "(3,", "nan", "1e400", "9" * 5000, "="]
    ),
)

KEYS = ["kernel_size", "bias", "p", "padding", "frozen", "mode"]

LAYER_LINES = st.builds(
    lambda name, words: " ".join([name, *words]),
    st.sampled_from(sorted(LAYERS)),
    st.lists(
        st.one_of(
            VALUES,
            st.builds("{}={}".format, st.sampled_from(KEYS), VALUES),
        ),
        max_size=3,
    ),
)
"""Lines that begin with a layer; many are valid."""

HEADS = st.sampled_from(["Repeat 2", "Repeat 1000 frozen=true", "Linear 3", "", *BLOCKS])


def _block(inner: st.SearchStrategy[Line]) -> st.SearchStrategy[Line]:
    filled = st.builds(lambda head, lines: (head, *lines), HEADS, st.lists(inner, max_size=3))
    return st.one_of(filled, filled, st.lists(inner, max_size=2).map(tuple))


LINES: st.SearchStrategy[Line] = st.recursive(
    st.one_of(LAYER_LINES, LAYER_LINES, TEXTS), _block, max_leaves=10
)
NETWORKS: st.SearchStrategy[tuple[Line, ...]] = st.lists(LINES, max_size=6).map(tuple)

SHAPES = st.sampled_from([(2,), (1, 28, 28), (3, 32, 32), (1,), (0,)])


def example_line(kind: type[Layer]) -> str:
    """Returns a valid line for this layer."""
    needs = needs_arguments(kind) or kind.example != Layer.example
    return f"{kind.__name__} {kind.example}" if needs else kind.__name__


def line_paths(network: tuple[Line, ...], path: LinePath = ()) -> list[LinePath]:
    """Returns the path of every line that the cursor can reach."""
    paths: list[LinePath] = []
    for index, line in enumerate(network):
        if path and index == 0:
            continue  # a block's own line is edited at the path of the block
        paths.append((*path, index))
        if isinstance(line, tuple):
            paths.extend(line_paths(line, (*path, index)))
    return paths
