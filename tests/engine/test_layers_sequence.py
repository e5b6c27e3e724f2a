"""Recurrent layers, embeddings and positions against torch and the papers' formulas."""

from math import cos, sin
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from tests.support.build_layer import build_layer
from tests.support.not_none import not_none
from tuilab.core.errors import InputError
from tuilab.core.network.layer import Shape, Tokens
from tuilab.core.network.parse import parse
from tuilab.engine.model import build_network
from tuilab.engine.model.layers.embedding import ClassToken, PatchEmbedding
from tuilab.engine.model.layers.sequence import Recurrent

BATCH = 2
BOOLS = st.booleans()
SEQUENCES = st.tuples(st.integers(1, 6), st.integers(1, 7))


def line_of(name: str, arguments: dict[str, Any]) -> str:
    words = [f"{key}={str(value).replace(' ', '')}" for key, value in arguments.items()]
    return " ".join([name, *words])


def count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


RECURRENT: dict[str, Any] = {
    "hidden_size": st.integers(1, 5),
    "num_layers": st.integers(1, 3),
    "bias": BOOLS,
    "dropout": st.sampled_from([0.0, 0.0, 0.5]),
    "bidirectional": BOOLS,
    "returns": st.sampled_from(["last", "sequence"]),
}


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU"])
@given(shape=SEQUENCES, arguments=st.fixed_dictionaries(RECURRENT), data=st.data())
def test_a_recurrent_layer_gives_what_torch_gives_with_equal_weights(
    name: str, shape: Shape, arguments: dict[str, Any], data: st.DataObject
) -> None:
    own: dict[str, dict[str, Any]] = {
        "RNN": {"nonlinearity": st.sampled_from(["tanh", "relu"])},
        "LSTM": {"proj_size": st.integers(0, arguments["hidden_size"] - 1)},
    }
    options = data.draw(st.fixed_dictionaries(own.get(name, {})))
    line = line_of(name, {**arguments, **options})
    returns = arguments.pop("returns")
    if arguments["dropout"] and arguments["num_layers"] == 1:  # torch warns: it would do nothing
        with pytest.raises(InputError, match="between layers"):
            parse(line).output_shape(shape)
        return
    reference = getattr(nn, name)(shape[1], batch_first=True, **arguments, **options).eval()
    layer = build_layer(line, shape, Recurrent).eval()
    layer.inside.load_state_dict(reference.state_dict())
    x = torch.randn(BATCH, *shape)

    y = layer(x)

    states, _ = reference(x)
    size = options.get("proj_size") or arguments["hidden_size"]
    last_states = [states[:, -1, :size]]
    if arguments["bidirectional"]:  # the backward direction ends at the first position
        last_states.append(states[:, 0, size:])
    torch.testing.assert_close(
        y, states if returns == "sequence" else torch.cat(last_states, dim=1)
    )
    assert parse(line).output_shape(shape) == tuple(y.shape[1:])
    assert parse(line).count_parameters(shape) == count_parameters(reference)


@pytest.mark.parametrize("mode", ["mean", "sum", "max"])
@pytest.mark.parametrize("padding", [None, 2])
def test_an_embedding_bag_is_torchs_over_the_vocabulary(mode: str, padding: int | None) -> None:
    shape, line = Tokens((6,), vocabulary=4), f"EmbeddingBag 3 {mode} {padding}"
    tokens = torch.randint(4, (BATCH, 6))
    torch.manual_seed(0)
    reference = nn.EmbeddingBag(4, 3, mode=mode, padding_idx=padding)

    layer = build_layer(line, shape, nn.EmbeddingBag)

    assert torch.equal(layer(tokens), reference(tokens))
    assert parse(line).output_shape(shape) == (3,)
    assert parse(line).count_parameters(shape) == count_parameters(layer) == 4 * 3


def test_the_last_state_of_a_stack_is_the_top_layers() -> None:
    layer = build_layer("GRU 3 num_layers=2 bidirectional=true", (5, 4), Recurrent)
    x = torch.randn(BATCH, 5, 4)

    _, hidden = layer.inside(x)

    forward_top, backward_top = hidden[2], hidden[3]
    torch.testing.assert_close(layer(x), torch.cat([forward_top, backward_top], dim=1))


def test_dropout_between_layers_acts_in_training_only() -> None:
    layer = build_layer("LSTM 8 num_layers=2 dropout=0.5", (5, 4), Recurrent)
    x = torch.randn(BATCH, 5, 4)

    assert not torch.equal(layer(x), layer(x))
    layer.eval()
    assert torch.equal(layer(x), layer(x))


def test_forget_bias_is_the_sum_of_both_biases_of_every_forget_gate() -> None:
    line = "LSTM 3 num_layers=2 bidirectional=true forget_bias=1"
    biases = dict(build_layer(line, (5, 4), Recurrent).inside.named_parameters())

    for suffix in ("l0", "l0_reverse", "l1", "l1_reverse"):
        total = biases[f"bias_ih_{suffix}"] + biases[f"bias_hh_{suffix}"]
        assert total[3:6].tolist() == [1, 1, 1]
        assert total[:3].abs().max() < 2 * 3**-0.5 and len(set(total[:3].tolist())) == 3


def test_without_forget_bias_the_initialization_is_torchs() -> None:
    layer = build_layer("LSTM 3", (5, 4), Recurrent)
    torch.manual_seed(0)
    reference = nn.LSTM(4, 3)

    for ours, theirs in zip(layer.inside.parameters(), reference.parameters(), strict=True):
        assert torch.equal(ours, theirs)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(1, 5), st.one_of(st.none(), st.just(0)))
def test_an_embedding_is_torchs_over_the_vocabulary(
    length: int, vocabulary: int, features: int, padding: int | None
) -> None:
    shape, line = Tokens((length,), vocabulary=vocabulary), f"Embedding {features} {padding}"
    tokens = torch.randint(vocabulary, (BATCH, length))
    torch.manual_seed(0)
    reference = nn.Embedding(vocabulary, features, padding_idx=padding)

    layer = build_layer(line, shape, nn.Module)

    assert torch.equal(layer(tokens), reference(tokens))
    assert parse(line).output_shape(shape) == (length, features)
    assert parse(line).count_parameters(shape) == count_parameters(layer) == vocabulary * features


@given(st.integers(1, 12), st.integers(1, 9))
def test_sine_positions_are_those_of_the_paper(length: int, features: int) -> None:
    layer = build_layer("PositionalEncoding", (length, features), nn.Module)

    waves = layer(torch.zeros(1, length, features))[0]

    for position in range(length):
        for column in range(features):
            angle = position / 10_000 ** (2 * (column // 2) / features)
            expected = sin(angle) if column % 2 == 0 else cos(angle)
            assert waves[position, column].item() == pytest.approx(expected, abs=1e-6)


def test_positions_are_added_and_a_shorter_text_uses_the_first_ones() -> None:
    for line in ("PositionalEncoding", "PositionalEncoding learned"):
        layer = build_layer(line, (6, 4), nn.Module)
        x = torch.randn(BATCH, 6, 4)

        added = layer(x) - x

        torch.testing.assert_close(added[0], added[1])
        assert len(set(map(tuple, added[0].tolist()))) == 6
        torch.testing.assert_close(layer(x[:, :3]), layer(x)[:, :3])


def test_sine_positions_are_neither_learned_nor_saved() -> None:
    layer = build_layer("PositionalEncoding", (6, 4), nn.Module)

    assert count_parameters(layer) == 0
    assert not layer.state_dict()


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3),
    st.integers(1, 5),
)  # fmt: skip
def test_patches_are_unfolded_and_multiplied(
    channels: int, rows: int, columns: int, height: int, width: int, features: int
) -> None:
    shape, line = (channels, rows * height, columns * width), f"PatchEmbedding ({height},{width})"
    layer = build_layer(f"{line} {features}", shape, PatchEmbedding)
    x = torch.randn(BATCH, *shape)

    y = layer(x)

    patches = nn.functional.unfold(x, (height, width), stride=(height, width)).transpose(1, 2)
    expected = patches @ layer.weight.flatten(1).T + not_none(layer.bias)
    torch.testing.assert_close(y, expected, atol=1e-5, rtol=1e-4)
    assert parse(f"{line} {features}").output_shape(shape) == tuple(y.shape[1:])
    assert parse(f"{line} {features}").count_parameters(shape) == count_parameters(layer)


def test_a_class_token_is_one_learned_vector_in_front() -> None:
    layer = build_layer("ClassToken", (3, 4), ClassToken)
    with torch.no_grad():
        layer.weight.copy_(torch.arange(4.0))
    x = torch.randn(BATCH, 3, 4)

    y = layer(x)

    assert torch.equal(y[:, 1:], x)
    assert y[:, 0].tolist() == [[0, 1, 2, 3]] * BATCH
    y.sum().backward()
    assert not_none(layer.weight.grad).tolist() == [BATCH] * 4


@given(SEQUENCES, st.integers(-6, 5))
def test_reductions_of_a_sequence(shape: Shape, index: int) -> None:
    x = torch.randn(BATCH, *shape)

    assert torch.equal(build_layer("Transpose", shape, nn.Module)(x), x.mT)
    torch.testing.assert_close(build_layer("MeanOverPositions", shape, nn.Module)(x), x.mean(1))
    if -shape[0] <= index < shape[0]:
        assert torch.equal(build_layer(f"SelectPosition {index}", shape, nn.Module)(x), x[:, index])
    else:
        with pytest.raises(InputError, match="there is no position"):
            parse(f"SelectPosition {index}").output_shape(shape)


def test_conv1d_reads_a_sequence_through_transpose() -> None:
    network = build_network.build(("Transpose", "Conv1d 6 3 padding=same", "Transpose"), (9, 4))

    y: Tensor = network(torch.randn(BATCH, 9, 4))

    assert y.shape == (BATCH, 9, 6)
