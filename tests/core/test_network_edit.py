"""Moving, wrapping and folding whole lines of a network."""

from hypothesis import assume, given
from hypothesis import strategies as st

from tests.support.network_strategies import NETWORKS, line_paths
from tuilab.core.network import edit
from tuilab.core.network.edit import Network, get_line

NETWORK: Network = ("Linear 8", ("Residual", "Linear 8", "Tanh"), "Linear 2")


def test_moving_down_goes_into_an_open_block_and_out_at_its_end() -> None:
    network, path = edit.move_line(NETWORK, (0,), 1)
    assert (network, path) == ((("Residual", "Linear 8", "Linear 8", "Tanh"), "Linear 2"), (0, 1))

    network, path = edit.move_line(network, (0, 3), 1)
    assert (network, path) == ((("Residual", "Linear 8", "Linear 8"), "Tanh", "Linear 2"), (1,))


def test_moving_past_a_folded_block_leaves_it_whole() -> None:
    network, path = edit.move_line(NETWORK, (0,), 1, folded={(1,)})

    assert (network, path) == ((NETWORK[1], "Linear 8", "Linear 2"), (1,))


def test_the_ends_of_a_network_are_ends() -> None:
    assert edit.move_line(NETWORK, (0,), -1) == (NETWORK, (0,))
    assert edit.move_line(NETWORK, (2,), 1) == (NETWORK, (2,))


@given(NETWORKS, st.data(), st.sampled_from([1, -1]))
def test_moving_back_gives_the_same_network(
    network: Network, data: st.DataObject, direction: int
) -> None:
    assume(network)
    path = data.draw(st.sampled_from(line_paths(network)))

    edited, new_path = edit.move_line(network, path, direction)

    assert get_line(edited, new_path) == get_line(network, path)
    if new_path != path:
        assert edit.move_line(edited, new_path, -direction) == (network, path)


@given(NETWORKS, st.data())
def test_unwrapping_what_was_wrapped_gives_the_same_network(
    network: Network, data: st.DataObject
) -> None:
    assume(network)
    path = data.draw(st.sampled_from(line_paths(network)))

    edited = edit.replace_line(network, path, ("Repeat 2", get_line(network, path)))

    assert get_line(edited, path) == ("Repeat 2", get_line(network, path))
    assert edit.unwrap_block(edited, path) == network


def test_a_duplicate_stands_below_its_original() -> None:
    assert edit.duplicate_line(NETWORK, (1,)) == (NETWORK[0], NETWORK[1], NETWORK[1], NETWORK[2])


def test_a_typed_block_becomes_a_block_and_keeps_what_is_in_it() -> None:
    assert edit.parse_typed_line("Repeat 3") == ("Repeat 3",)
    assert edit.parse_typed_line("Repeat 3", ("Residual", "Tanh")) == ("Repeat 3", "Tanh")
    assert edit.parse_typed_line("Linear 3", ("Residual", "Tanh")) == ("Linear 3", "Tanh")


def test_a_typed_name_takes_the_case_that_torch_has() -> None:
    assert edit.parse_typed_line(" relu ") == "ReLU"
    assert edit.parse_typed_line("batchnorm2D  eps=1e-3") == "BatchNorm2d eps=1e-3"
    assert edit.parse_typed_line("nothing like it") == "nothing like it"


def test_every_dropout_line_is_set_at_once() -> None:
    network = ("Dropout", ("Residual", "Linear 8", "Dropout p=0.2"), "Dropout x", "Linear 2")

    assert edit.dropout_probabilities(network) == [0.5, 0.2]
    assert edit.set_dropout(network, 0.3) == (
        "Dropout 0.3", ("Residual", "Linear 8", "Dropout 0.3"), "Dropout x", "Linear 2",
    )  # fmt: skip
