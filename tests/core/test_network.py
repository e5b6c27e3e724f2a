"""Networks as lines: shapes, parameters, what is wrong, and where lines stand."""

import copy
import pickle
import time
from typing import Any

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.network_strategies import LAYER_LINES, LINES, NETWORKS, SHAPES, TEXTS, line_paths
from tuilab.core.errors import InputError
from tuilab.core.network.edit import get_line, insert_line, remove_line, replace_line
from tuilab.core.network.layer import Tokens
from tuilab.core.network.line import Line
from tuilab.core.network.parse import parse
from tuilab.core.network.plan import have_same_modules, plan, to_tuples

CONVNET = (
    "Conv2d 16 kernel_size=3 padding=1",
    "MaxPool2d 2",
    ("Residual", "Conv2d 16 kernel_size=3 padding=1", "BatchNorm2d", "ReLU"),
    "Flatten",
    "Linear 10",
)


def test_each_line_has_its_shape_and_its_parameters() -> None:
    rows = plan(CONVNET, (1, 28, 28)).rows

    assert [(row.path, row.output, row.parameters) for row in rows] == [
        ((0,), (16, 28, 28), 160),
        ((1,), (16, 14, 14), 0),
        ((2,), (16, 14, 14), 2352),
        ((2, 1), (16, 14, 14), 2320),
        ((2, 2), (16, 14, 14), 32),
        ((2, 3), (16, 14, 14), 0),
        ((3,), (3136,), 0),
        ((4,), (10,), 31370),
    ]


def test_a_block_counts_once_in_the_whole() -> None:
    whole = plan(CONVNET, (1, 28, 28))

    assert (whole.parameters, whole.output, whole.is_valid) == (160 + 2352 + 31370, (10,), True)


def test_a_repeated_block_has_weights_of_its_own_each_time() -> None:
    whole = plan((("Repeat 3", "Linear 4", "Tanh"),), (4,))

    assert whole.parameters == 3 * (4 * 4 + 4)


def test_the_first_round_of_a_repeated_block_may_have_another_size() -> None:
    whole = plan((("Repeat 3", "Linear 4"),), (2,))

    assert whole.parameters == (2 * 4 + 4) + 2 * (4 * 4 + 4)


def test_a_repeated_block_that_shrinks_too_far_says_so_in_its_last_line() -> None:
    rows = plan((("Repeat 9", "MaxPool2d 2"),), (1, 28, 28)).rows

    assert rows[1].problem.startswith("when repeated: a window of 2 does not fit into height 1")


def test_a_line_that_is_wrong_hides_the_shapes_below_but_not_above() -> None:
    rows = plan(("Linear 8", "Lnear 4", "Linear 2"), (2,)).rows

    assert [row.output for row in rows] == [(8,), None, None]
    assert rows[1].problem == 'there is no layer Lnear; nearest to "Lnear" is "Linear"'
    assert rows[2].problem == "" and rows[2].input is None


def test_a_residual_block_names_both_shapes_that_do_not_meet() -> None:
    (head, _) = plan((("Residual", "Linear 4"),), (2,)).rows

    assert head.problem == (
        "Residual adds its input, [2], to its output, [4]: make both shapes the same"
    )


def test_branches_that_do_not_fit_name_both_ends() -> None:
    head, *_ = plan((("Parallel", "Conv2d 8 1", "Conv2d 8 3"),), (3, 8, 8)).rows

    assert head.problem == (
        "Parallel concatenates its branches: branch 1 ends in [8, 8, 8], branch 2 in "
        "[8, 6, 6]; only the channels may differ"
    )
    (head, *_) = plan((("Parallel", "Flatten", "Identity"),), (3, 8)).rows
    assert head.problem.endswith("branch 2 in [3, 8]; only the last dimension may differ")


def test_every_branch_sees_what_comes_into_the_block() -> None:
    whole = plan((("Parallel", "Linear 3", ("Sequential", "Linear 4", "Tanh")), "Linear 2"), (5,))

    assert [row.input for row in whole.rows] == [(5,), (5,), (5,), (5,), (4,), (7,)]
    assert whole.output == (2,)
    assert whole.parameters == (5 + 1) * 3 + (5 + 1) * 4 + (7 + 1) * 2


def test_token_numbers_are_for_embeddings_alone() -> None:
    tokens = Tokens((6,), vocabulary=9)

    assert plan(("Linear 3",), tokens).rows[0].problem == (
        "the inputs are token numbers; put Embedding first"
    )
    assert plan(("Identity", ("Sequential", "Embedding 3"), "Linear 2"), tokens).output == (6, 2)
    for block in ("Residual", "Parallel"):
        (head, _) = plan(((block, "Identity"),), tokens).rows
        assert head.problem.endswith("put Embedding first")


def test_tokens_are_a_shape_that_can_be_copied() -> None:
    tokens = Tokens((6,), vocabulary=9)

    for copied in (copy.deepcopy(tokens), pickle.loads(pickle.dumps(tokens))):
        assert (copied, copied.vocabulary) == ((6,), 9)


def test_a_network_learns_unless_all_of_it_is_frozen() -> None:
    assert plan(("Linear 3", "Tanh"), (2,)).is_trainable
    assert not plan(("Tanh",), (2,)).is_trainable
    assert not plan(
        ("Linear 3 frozen=true", ("Residual frozen=true", "Linear 3")), (2,)
    ).is_trainable
    assert plan(("Linear 3 frozen=true", ("Residual", "Linear 3")), (2,)).is_trainable


def test_an_empty_block_asks_for_a_layer() -> None:
    assert plan((("Residual",),), (2,)).rows[0].problem == "Residual is empty: put a layer into it"


def test_a_network_too_large_to_draw_is_refused_at_once() -> None:
    inner = ("Repeat 1000", "Conv2d 1 kernel_size=1 padding=1")

    before = time.perf_counter()
    rows = plan((("Repeat 1000", inner),), (1, 28, 28)).rows

    assert rows[0].problem == "more than 10,000 layers; use fewer repetitions"
    assert time.perf_counter() - before < 1


@given(st.one_of(TEXTS, LAYER_LINES))
@example("Linear " + "9" * 5000)
@example("Conv2d 1 kernel_size=((((1")
@example("Linear 1_6")
def test_reading_a_line_ends_in_a_layer_or_an_input_error(line: str) -> None:
    try:
        parse(line)
    except InputError as error:
        assert error.problem


@given(NETWORKS, SHAPES)
def test_every_network_has_a_plan(network: tuple[Line, ...], shape: tuple[int, ...]) -> None:
    whole = plan(network, shape)

    assert [row.path for row in whole.rows] == line_paths(network)
    assert whole.is_valid == (not any(row.problem for row in whole.rows))
    if network and whole.is_valid:
        assert whole.output is not None


@given(NETWORKS, st.data(), LINES)
def test_taking_out_what_was_put_in_gives_the_same_network(
    network: tuple[Line, ...], data: st.DataObject, line: Line
) -> None:
    path = data.draw(st.sampled_from([*line_paths(network), (len(network),)]))

    edited = insert_line(network, path, line)

    assert get_line(edited, path) == line
    assert remove_line(edited, path) == network


@given(NETWORKS, st.data(), LINES)
def test_putting_the_old_line_back_gives_the_same_network(
    network: tuple[Line, ...], data: st.DataObject, line: Line
) -> None:
    assume(network)
    path = data.draw(st.sampled_from(line_paths(network)))

    edited = replace_line(network, path, line)

    assert get_line(edited, path) == line
    assert replace_line(edited, path, get_line(network, path)) == network
    assert insert_line(remove_line(network, path), path, get_line(network, path)) == network


@given(NETWORKS)
def test_lists_of_a_file_become_the_same_lines(network: tuple[Line, ...]) -> None:
    def to_lists(line: Line) -> Any:
        return [to_lists(inner) for inner in line] if isinstance(line, tuple) else line

    assert to_tuples(to_lists(network)) == network


def test_only_live_knobs_may_change_without_other_modules() -> None:
    before = ("Linear 8", ("Residual", "Dropout 0.1", "Linear 8"))

    assert have_same_modules(before, ("Linear 8", ("Residual frozen=true", *before[1][1:])))
    assert have_same_modules(("DropConnect 8 0.1",), ("DropConnect 8 0.2 frozen=true",))
    assert not have_same_modules(("Dropout 0.1",), ("AlphaDropout 0.1",))
    assert have_same_modules(
        before, ("Linear 8 bias=true", ("Residual", "Dropout p=0.5", "Linear 8"))
    )
    assert not have_same_modules(before, ("Linear 9", ("Residual", "Dropout 0.1", "Linear 8")))
    assert not have_same_modules(before, ("Linear 8",))
