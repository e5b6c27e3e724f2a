"""The responses to the view of a layer are those of the network, which does not change."""

import operator
from typing import Any

import pytest
import torch
from msgspec.structs import replace
from torch import Tensor, nn

from tests.support.bitwise import find_differences
from tests.support.not_none import not_none
from tests.support.tiny_sessions import layer_at, load_session, make_session, train_steps
from tuilab.core.protocol.inspect.layer_messages import (
    QUANTITIES,
    HeatMap,
    Histogram,
    HistogramHistory,
    LayerRequest,
    LayerResponse,
    Projection,
    Quantity,
    Tiles,
)
from tuilab.core.protocol.inspect.quantization import STEPS, dequantize
from tuilab.engine.inspect.layer.layer_inspector import LayerInspector
from tuilab.engine.model.layers.attention import SelfAttention
from tuilab.engine.model.layers.sequence import Recurrent
from tuilab.engine.session import Session


def inspect(
    session: Session,
    layer: str = "",
    quantity: Quantity = "weights",
    kind: str = "",
    **fields: int,
) -> LayerResponse:
    request = replace(LayerRequest(layer, quantity, kind), **fields)
    return LayerInspector(session).inspect(request)


def decode(heat_map: HeatMap) -> Tensor:
    """Returns the numbers of a heat map."""
    numbers = torch.tensor([dequantize(byte) * heat_map.max_abs for byte in heat_map.values])
    return numbers.reshape(heat_map.height, heat_map.width)


def is_close(picture: object, expected: Tensor) -> bool:
    """Returns whether a heat map shows these numbers, as precisely as its bytes allow."""
    assert isinstance(picture, HeatMap)
    tolerance = picture.max_abs / STEPS
    return torch.allclose(decode(picture), expected.detach().float(), atol=tolerance)


GLYPHS = {"name": "glyphs", "samples": 60, "batch_size": 20}

KINDS: dict[str, dict[str, Any]] = {
    "classification": {
        "network": ["Linear 8", "BatchNorm1d", "ReLU", "Dropout 0.3", "Linear 2"],
        "data": {"name": "moons", "samples": 60}, "averaging": {"name": "ema"},
        "regularization": {"l2": 0.01}, "training": {"clip_grad_norm": 0.5},
    },
    "convnet": {
        "network": ["Conv2d 3 kernel_size=3", "BatchNorm2d", "Tanh", "MaxPool2d 2", "Flatten",
                    "Linear 10"],
        "data": GLYPHS, "augmentation": {"mixup": 0.2}, "optimizer": {"name": "adam"},
    },
    "autoencoder": {
        "task": {"name": "autoencoder", "noise": 0.2}, "loss": {"name": "mse"}, "data": GLYPHS,
        "network": [["Encoder", "Flatten", "Linear 8", "Reparameterization"],
                    ["Decoder", "Linear 784", "Unflatten (1,28,28)"]],
    },
    "gan": {
        "task": {"name": "gan", "latent": 3}, "loss": {"name": "bce"},
        "network": [["Generator", "Linear 5", "ReLU", "Linear 2"],
                    ["Discriminator", "Linear 4", "LeakyReLU", "Linear 1"]],
        "data": {"name": "gaussians_ring", "samples": 60}, "optimizer": {"name": "adam"},
    },
    "sequences": {
        "task": "regression", "loss": {"name": "mse"}, "network": ["LSTM 5", "Linear 1"],
        "data": {"name": "adding", "samples": 60, "length": 6},
    },
    "attention": {
        "network": ["Embedding 8", "TransformerEncoderLayer 2", "DecoderBlock 2", "Linear 10"],
        "data": {"name": "copy", "samples": 40, "batch_size": 10},
    },
    "graph": {
        "network": ["GraphConvolution 6", "ReLU", "GraphConvolution 4"],
        "data": {"name": "communities"},
    },
    "perceptron rule": {
        "task": "perceptron", "network": ["Linear 1", "Step"], "loss": {"name": "zero_one"},
        "data": {"name": "gauss", "samples": 50},
    },
    "scratch": {
        "network": ["Linear 4", "Tanh", "Linear 2"], "training": {"engine": "matrix"},
        "data": {"name": "xor", "samples": 50},
    },
    "L-BFGS": {
        "network": ["Linear 4", "Tanh", "Linear 2"], "optimizer": {"name": "lbfgs"},
        "data": {"name": "xor", "samples": 50, "batch_size": 0},
    },
}  # fmt: skip


def test_a_layer_is_found_by_its_label_without_the_role() -> None:
    inspector = LayerInspector(load_session(KINDS["attention"]))

    assert inspector.inspect(LayerRequest("9 Linear")).layer == "9 Linear (qkv)"


@pytest.mark.parametrize("kind", KINDS)
def test_requests_change_nothing_and_every_layer_has_a_response(kind: str) -> None:
    uninspected, inspected = (load_session(KINDS[kind], epochs=5) for _ in range(2))
    inspector = LayerInspector(inspected)

    torch.manual_seed(3)
    for _ in range(3):
        train_steps(uninspected, 1)
    torch.manual_seed(3)
    for _ in range(3):
        modes = [module.training for module in inspected.network.modules()]
        gradients = [parameter.grad for parameter in inspected.parameters]
        random_state = torch.get_rng_state()
        for quantity in QUANTITIES:
            for label in inspector.inspect(LayerRequest()).layers:
                response = inspector.inspect(LayerRequest(label, quantity))
                assert response.layer == label and (response.picture is not None or response.note)
        assert [module.training for module in inspected.network.modules()] == modes
        assert torch.equal(torch.get_rng_state(), random_state)
        after = [parameter.grad for parameter in inspected.parameters]
        assert all(map(operator.is_, gradients, after))
        assert not any(module._forward_hooks for module in inspected.network.modules())
        train_steps(inspected, 1)

    for part in ("network", "optimizer"):
        states = (getattr(session, part).state_dict() for session in (uninspected, inspected))
        assert find_differences(*states) == []


# --- weights, gradients, updates


def test_labels_of_layers_are_those_of_the_charts() -> None:
    session = make_session("Linear 4", ["Residual", "Linear 4", "Tanh"], "ReLU", "ReLU", "Linear 3")

    assert inspect(session).layers == [
        "1 Linear", "2 Linear", "Tanh after 2 Linear", "Residual after 2 Linear",
        "ReLU after 2 Linear", "ReLU after 2 Linear #2", "3 Linear",
    ]  # fmt: skip


def test_weights_are_those_of_the_layer_and_its_bias_is_next() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    linear = layer_at(session, 2, nn.Linear)

    weight = inspect(session, "2 Linear")
    bias = inspect(session, "2 Linear", parameter=1)

    assert is_close(weight.picture, linear.weight) and weight.parameters == ["weight", "bias"]
    assert isinstance(weight.picture, HeatMap) and weight.picture.row_names == ["a", "b", "c"]
    assert weight.picture.exact_values == pytest.approx(linear.weight.flatten().tolist())
    assert bias.parameter == "bias" and is_close(bias.picture, linear.bias[None])


@pytest.mark.parametrize("kind", ["classification", "convnet", "gan", "sequences", "scratch"])
def test_the_update_is_bitwise_that_of_the_next_step(kind: str) -> None:
    session = load_session(KINDS[kind], epochs=5)
    train_steps(session, 2)
    inspector = LayerInspector(session)
    labels = [
        label
        for label in inspector.inspect(LayerRequest()).layers
        if label in session.parameters_by_layer
    ]
    state = torch.get_rng_state()
    updates = {
        label: inspector.inspect(LayerRequest(label, "updates", "map", width=999))
        for label in labels
    }
    gradients = {
        label: inspector.inspect(LayerRequest(label, "gradients", "map")) for label in labels
    }
    before = {label: session.parameters_by_layer[label][0].detach().clone() for label in labels}

    torch.set_rng_state(state)
    train_steps(session, 1)

    for label in labels:
        parameter = session.parameters_by_layer[label][0]
        update = (parameter.detach() - before[label]).flatten(1 if parameter.dim() > 1 else 0)
        assert is_close(updates[label].picture, update.reshape(-1, update.shape[-1])), label
        statistics = not_none(updates[label].statistics)
        assert statistics.norm == pytest.approx(float(update.norm()))
        assert statistics.update_ratio == pytest.approx(float(update.norm() / before[label].norm()))
        assert not_none(gradients[label].statistics).nonfinite_count == 0


def test_the_gradient_is_autograds_on_the_next_batch() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3", training={"clip_grad_norm": 1e-6})
    train_steps(session, 2)

    response = inspect(session, "1 Linear", "gradients")

    inputs, targets = not_none(session.next_batch())
    loss = nn.functional.cross_entropy(session.network(inputs), targets)
    [expected] = torch.autograd.grad(loss, layer_at(session, 0, nn.Linear).weight)
    assert isinstance(response.picture, HeatMap)
    assert response.picture.exact_values == pytest.approx(expected.flatten().tolist(), rel=1e-4)


def test_the_next_step_is_shown_after_the_last_batch_of_the_last_epoch() -> None:
    session = make_session(epochs=1)
    train_steps(session, session.batches_per_epoch)
    assert inspect(session, quantity="updates").statistics is not None


def test_a_layer_without_weights_and_a_frozen_one_have_a_note() -> None:
    session = make_session("Linear 4 frozen=true", "ReLU", "Linear 3")

    assert "no weights" in inspect(session, "ReLU after 1 Linear").note
    assert "frozen" in inspect(session, "1 Linear", "gradients").note
    assert inspect(session, "1 Linear", "weights").picture is not None
    assert inspect(session, "no such layer").layer == "1 Linear"
    flattened = make_session("Flatten", "Linear 4", "Linear 3")
    assert inspect(flattened).layer == "1 Linear"


# --- activations


def test_activations_are_those_of_evaluation_ordered_by_class() -> None:
    session = make_session("Linear 6", "Dropout 0.5", "ReLU", "Linear 3")
    layer_at(session, 0, nn.Linear).bias.data[2] = -100.0

    response = inspect(session, "ReLU after 1 Linear", "activations", "map", height=40)

    train = session.dataset.train
    expected = session.network[0](train.inputs[:40]).relu()
    order = train.targets[:40].argsort(stable=True)
    assert is_close(response.picture, expected[order]) and isinstance(response.picture, HeatMap)
    assert response.picture.row_names == ["abc"[target] for target in train.targets[:40][order]]
    statistics = not_none(response.statistics)
    is_zero = session.network[0](train.inputs) <= 0
    assert statistics.zero_units == int(is_zero.all(0).sum()) >= 1
    assert statistics.zero_fraction == pytest.approx(float(is_zero.float().mean()))


def test_saturated_units_are_counted() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        layer_at(session, 0, nn.Linear).bias[1] = 50.0

    statistics = not_none(inspect(session, "Tanh after 1 Linear", "activations").statistics)

    assert statistics.saturated_units == 1
    assert 0.25 <= not_none(statistics.saturated_fraction) < 1


def test_filters_and_feature_maps_are_those_of_the_convolution() -> None:
    session = load_session(KINDS["convnet"])
    conv = layer_at(session, 0, nn.Conv2d)

    filters = inspect(session, "1 Conv2d").picture
    maps = inspect(session, "1 Conv2d", "activations", example=7).picture

    assert isinstance(filters, Tiles) and filters.total == 3
    assert is_close(filters.tiles[2], conv.weight[2, 0])
    inputs = session.to_memory_format(session.dataset.prepare(session.dataset.train.inputs[7:8]))
    assert isinstance(maps, Tiles) and maps.tiles[0].caption == "input"
    expected = conv(inputs)[0]
    assert is_close(maps.tiles[1], expected[0]) and is_close(maps.tiles[3], expected[2])


@pytest.mark.parametrize("causal", ["false", "true"])
def test_attention_is_that_of_torch(causal: str) -> None:
    session = load_session({
        "network": ["Embedding 8", f"MultiheadAttention 2 causal={causal}", "Linear 10"],
        "data": {"name": "copy", "samples": 40, "batch_size": 10},
    })  # fmt: skip

    response = inspect(session, "2 MultiheadAttention", "activations", "attention", example=3)

    x = session.network[0](session.dataset.train.inputs[3:4])
    length = x.shape[1]
    mask = torch.ones(length, length).triu(1).bool() if causal == "true" else None
    attention = layer_at(session, 1, SelfAttention)
    _, expected = attention.inside(
        x, x, x, need_weights=True, average_attn_weights=False, attn_mask=mask
    )
    assert isinstance(response.picture, Tiles) and response.picture.total == 2
    for head, tile in enumerate(response.picture.tiles):
        assert tile.max_abs == 1.0 and is_close(tile, expected[0, head])
    assert attention.weights is None and not attention.keep_weights


def test_every_kind_of_attention_has_its_heads() -> None:
    session = load_session(KINDS["attention"])
    with_heads = [
        label for label in inspect(session).layers
        if inspect(session, label, "activations").kind == "attention"
    ]  # fmt: skip

    assert [label.partition(" ")[2].split()[0] for label in with_heads] == [
        "MultiheadAttention", "after", "after",
    ]  # fmt: skip
    causal = inspect(session, with_heads[-1], "activations").picture
    assert isinstance(causal, Tiles)
    assert torch.equal(decode(causal.tiles[0]).triu(1), torch.zeros_like(decode(causal.tiles[0])))
    assert decode(causal.tiles[0]).sum(1)[0] == pytest.approx(1.0)


def test_states_are_those_of_every_position() -> None:
    session = load_session(KINDS["sequences"])

    response = inspect(session, "1 LSTM", "activations", example=5)

    states, _ = layer_at(session, 0, Recurrent).inside(session.dataset.train.inputs[5:6])
    assert response.kind == "states" and is_close(response.picture, states[0].T)


def test_an_embedding_is_projected_with_its_tokens() -> None:
    session = load_session(KINDS["attention"])

    response = inspect(session, "1 Embedding", "weights", "plane").picture

    assert isinstance(response, Projection) and response.is_text
    assert len(response.points) == len(layer_at(session, 0, nn.Embedding).weight)
    assert [number for *_, number in response.points] == list(range(len(response.points)))


def test_projected_examples_have_their_class() -> None:
    session = make_session()
    response = inspect(session, "1 Linear", "activations", "plane").picture
    assert isinstance(response, Projection) and response.names == ["a", "b", "c"]
    assert [number for *_, number in response.points] == session.dataset.train.targets.tolist()


# --- over time


def test_histograms_over_time_are_stored_for_every_layer_while_one_is_shown() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3")
    inspector = LayerInspector(session)
    for _ in range(3):
        inspector.inspect(LayerRequest("1 Linear", "weights", "map"))
        inspector.inspect(LayerRequest("1 Linear", "weights", "map"))
        train_steps(session, 1)

    response = inspector.inspect(LayerRequest("2 Linear", "weights", "time")).picture

    assert isinstance(response, HistogramHistory)
    assert [row.step for row in response.rows] == [0, 1, 2, 3]
    assert all(sum(row.fractions) == pytest.approx(1.0) for row in response.rows)
    assert isinstance(
        inspector.inspect(LayerRequest("2 Linear", "weights", "histogram")).picture, Histogram
    )


def test_weights_that_are_nan_are_counted() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        layer_at(session, 0, nn.Linear).weight[1, 0] = float("nan")

    for quantity in QUANTITIES:
        for kind in ("map", "histogram", "time", "plane"):
            response = inspect(session, "1 Linear", quantity, kind)
            assert not_none(response.statistics).nonfinite_count > 0
