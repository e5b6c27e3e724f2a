"""The answers to the view of a layer are those of the network, which they leave unchanged."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support import tiny
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.protocol.inspect.layer_messages import (
    QUANTITIES,
    HeatMap,
    Histogram,
    HistogramHistory,
    LayerRequest,
    LayerResponse,
    Projection,
    Tiles,
)
from tuilab.core.protocol.inspect.quantization import STEPS, dequantize
from tuilab.engine.data.load import load
from tuilab.engine.inspect.layer.layer_inspector import LayerInspector
from tuilab.engine.session import Session


def inspect(
    session: Session, layer: str = "", quantity: Any = "weights", kind: str = "", **more: Any
) -> LayerResponse:
    return LayerInspector(session).inspect(LayerRequest(layer, quantity, kind, **more))


def session_on(plain: dict[str, Any]) -> Session:
    """A session on a data set of the catalogue."""
    training = {"epochs": 5, "device": "cpu", **plain.pop("training", {})}
    experiment = experiment_from_dict({"training": training, **plain})
    return Session("run", experiment, load(experiment, tiny.CPU, lambda *_: None), tiny.CPU)


def decode(heat_map: HeatMap) -> Tensor:
    """A heat map in numbers."""
    numbers = torch.tensor([dequantize(byte) * heat_map.max_abs for byte in heat_map.values])
    return numbers.reshape(heat_map.height, heat_map.width)


def is_close(picture: object, expected: Tensor) -> bool:
    """Whether a heat map shows these numbers, as precisely as its bytes allow."""
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


@pytest.mark.parametrize("kind", KINDS)
def test_requests_change_nothing_and_every_layer_is_answered(kind: str) -> None:
    undisturbed, inspected = (session_on(dict(KINDS[kind])) for _ in range(2))
    inspector = LayerInspector(inspected)

    torch.manual_seed(3)
    for _ in range(3):
        tiny.steps(undisturbed, 1)
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
        assert all(one is other for one, other in zip(gradients, after, strict=True))
        assert not any(module._forward_hooks for module in inspected.network.modules())
        tiny.steps(inspected, 1)

    for name, tensor in undisturbed.network.state_dict().items():
        assert torch.equal(tensor, inspected.network.state_dict()[name]), name
    for one, other in zip(_state_tensors(undisturbed), _state_tensors(inspected), strict=True):
        assert torch.equal(one, other)


def _state_tensors(session: Session) -> list[Tensor]:
    """All tensors in the state of the optimizer."""
    states = [
        session.optimizer.state[p] for p in session.parameters if p in session.optimizer.state
    ]
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


# --- weights, gradients, updates


def test_labels_of_layers_are_those_of_the_charts() -> None:
    session = tiny.session("Linear 4", ["Residual", "Linear 4", "Tanh"], "ReLU", "ReLU", "Linear 3")

    assert inspect(session).layers == [
        "1 Linear", "2 Linear", "Tanh after 2 Linear", "Residual after 2 Linear",
        "ReLU after 2 Linear", "ReLU after 2 Linear #2", "3 Linear",
    ]  # fmt: skip


def test_weights_are_those_of_the_layer_and_its_bias_is_next() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    linear = session.network[2]

    weight = inspect(session, "2 Linear")
    bias = inspect(session, "2 Linear", parameter=1)

    assert is_close(weight.picture, linear.weight) and weight.parameters == ["weight", "bias"]
    assert isinstance(weight.picture, HeatMap) and weight.picture.row_names == ["a", "b", "c"]
    assert weight.picture.exact_values == pytest.approx(linear.weight.flatten().tolist())
    assert bias.parameter == "bias" and is_close(bias.picture, linear.bias[None])


@pytest.mark.parametrize("kind", ["classification", "convnet", "gan", "sequences", "scratch"])
def test_the_update_is_bitwise_what_the_next_step_does(kind: str) -> None:
    session = session_on(dict(KINDS[kind]))
    tiny.steps(session, 2)
    inspector = LayerInspector(session)
    labels = [
        label
        for label in inspector.inspect(LayerRequest()).layers
        if label in session.parameters_by_layer
    ]
    state = torch.get_rng_state()
    response = {
        label: inspector.inspect(LayerRequest(label, "updates", "map", width=999))
        for label in labels
    }
    slopes = {label: inspector.inspect(LayerRequest(label, "gradients", "map")) for label in labels}
    before = {label: session.parameters_by_layer[label][0].detach().clone() for label in labels}

    torch.set_rng_state(state)
    tiny.steps(session, 1)

    for label in labels:
        parameter = session.parameters_by_layer[label][0]
        update = (parameter.detach() - before[label]).flatten(1 if parameter.dim() > 1 else 0)
        assert is_close(response[label].picture, update.reshape(-1, update.shape[-1])), label
        statistic = response[label].statistics
        assert statistic is not None and statistic.norm == pytest.approx(float(update.norm()))
        assert statistic.update_ratio == pytest.approx(float(update.norm() / before[label].norm()))
        slope = slopes[label].statistics
        assert slope is not None and slope.nonfinite_count == 0


def test_the_gradient_is_autograds_on_the_next_batch() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3", training={"clip_grad_norm": 1e-6})
    tiny.steps(session, 2)

    response = inspect(session, "1 Linear", "gradients")

    batch = session.next_batch()
    assert batch is not None
    loss = nn.functional.cross_entropy(session.network(batch[0]), batch[1])
    expected = torch.autograd.grad(loss, session.network[0].weight)[0]
    assert isinstance(response.picture, HeatMap)
    assert response.picture.exact_values == pytest.approx(expected.flatten().tolist(), rel=1e-4)


def test_the_next_step_is_shown_after_the_last_batch_of_the_last_epoch() -> None:
    session = tiny.session(epochs=1)
    tiny.steps(session, session.batches_per_epoch)
    assert inspect(session, quantity="updates").statistics is not None


def test_a_layer_without_weights_and_a_frozen_one_have_a_note() -> None:
    session = tiny.session("Linear 4 frozen=true", "ReLU", "Linear 3")

    assert "no weights" in inspect(session, "ReLU after 1 Linear").note
    assert "frozen" in inspect(session, "1 Linear", "gradients").note
    assert inspect(session, "1 Linear", "weights").picture is not None
    assert inspect(session, "no such layer").layer == "1 Linear"
    after = tiny.session("Flatten", "Linear 4", "Linear 3")
    assert inspect(after).layer == "1 Linear"


# --- activations


def test_activations_are_those_of_evaluation_by_class() -> None:
    session = tiny.session("Linear 6", "Dropout 0.5", "ReLU", "Linear 3")
    session.network[0].bias.data[2] = -100.0

    response = inspect(session, "ReLU after 1 Linear", "activations", "map", height=40)

    train = session.dataset.train
    expected = session.network[0](train.inputs[:40]).relu()
    order = train.targets[:40].argsort(stable=True)
    assert is_close(response.picture, expected[order]) and isinstance(response.picture, HeatMap)
    assert response.picture.row_names == ["abc"[target] for target in train.targets[:40][order]]
    assert response.statistics is not None
    assert (
        response.statistics.zero_units
        == int((session.network[0](train.inputs) <= 0).all(0).sum())
        >= 1
    )
    assert response.statistics.zero_fraction == pytest.approx(
        float((session.network[0](train.inputs) <= 0).float().mean())
    )


def test_saturated_units_are_counted() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        session.network[0].bias[1] = 50.0

    found = inspect(session, "Tanh after 1 Linear", "activations").statistics

    assert found is not None and found.saturated_units == 1
    assert found.saturated_fraction is not None and 0.25 <= found.saturated_fraction < 1


def test_filters_and_feature_maps_are_those_of_the_convolution() -> None:
    session = session_on(dict(KINDS["convnet"]))
    conv = session.network[0]

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
    session = session_on({
        "network": ["Embedding 8", f"MultiheadAttention 2 causal={causal}", "Linear 10"],
        "data": {"name": "copy", "samples": 40, "batch_size": 10},
    })  # fmt: skip

    response = inspect(session, "2 MultiheadAttention", "activations", "attention", example=3)

    x = session.network[0](session.dataset.train.inputs[3:4])
    length = x.shape[1]
    mask = torch.ones(length, length).triu(1).bool() if causal == "true" else None
    inside = session.network[1].inside
    _, expected = inside(x, x, x, need_weights=True, average_attn_weights=False, attn_mask=mask)
    assert isinstance(response.picture, Tiles) and response.picture.total == 2
    for head, tile in enumerate(response.picture.tiles):
        assert tile.max_abs == 1.0 and is_close(tile, expected[0, head])
    assert session.network[1].weights is None and not session.network[1].keep_weights


def test_every_kind_of_attention_has_its_heads() -> None:
    session = session_on(dict(KINDS["attention"]))
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
    session = session_on(dict(KINDS["sequences"]))

    response = inspect(session, "1 LSTM", "activations", example=5)

    states, _ = session.network[0].inside(session.dataset.train.inputs[5:6])
    assert response.kind == "states" and is_close(response.picture, states[0].T)


def test_an_embedding_is_projected_with_its_tokens() -> None:
    session = session_on(dict(KINDS["attention"]))

    response = inspect(session, "1 Embedding", "weights", "plane").picture

    assert isinstance(response, Projection) and response.is_text
    assert len(response.points) == len(session.network[0].weight)
    assert [number for *_, number in response.points] == list(range(len(response.points)))


def test_projected_examples_have_their_class() -> None:
    session = tiny.session()
    response = inspect(session, "1 Linear", "activations", "plane").picture
    assert isinstance(response, Projection) and response.names == ["a", "b", "c"]
    assert [number for *_, number in response.points] == session.dataset.train.targets.tolist()


# --- over time


def test_histograms_over_time_are_kept_for_every_layer_while_one_is_shown() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    inspector = LayerInspector(session)
    for _ in range(3):
        inspector.inspect(LayerRequest("1 Linear", "weights", "map"))
        inspector.inspect(LayerRequest("1 Linear", "weights", "map"))
        tiny.steps(session, 1)

    response = inspector.inspect(LayerRequest("2 Linear", "weights", "time")).picture

    assert isinstance(response, HistogramHistory) and [row.step for row in response.rows] == [
        0,
        1,
        2,
        3,
    ]
    assert all(sum(row.fractions) == pytest.approx(1.0) for row in response.rows)
    assert isinstance(
        inspector.inspect(LayerRequest("2 Linear", "weights", "histogram")).picture, Histogram
    )


def test_weights_that_are_nan_are_counted() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        session.network[0].weight[1, 0] = float("nan")

    for quantity in QUANTITIES:
        for kind in ("map", "histogram", "time", "plane"):
            response = inspect(session, "1 Linear", quantity, kind)
            assert response.statistics is not None and response.statistics.nonfinite_count > 0
