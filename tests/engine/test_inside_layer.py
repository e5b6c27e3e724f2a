"""What the view of a layer is answered: true to the network, and without a trace left in it."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support import tiny
from tuilab.core.experiment.experiment import from_plain
from tuilab.core.protocol.inspect.layer_messages import (
    STEPS,
    WHATS,
    ZERO,
    HeatMap,
    Histogram,
    History,
    LayerRequest,
    LayerResponse,
    Plane,
    Tiles,
)
from tuilab.engine.data.load import load
from tuilab.engine.inspect.layer.layer_inspector import LayerInspector
from tuilab.engine.session import Session


def looked(session: Session, layer: str = "", what: Any = "weights", kind: str = "", **more: Any
           ) -> LayerResponse:  # fmt: skip
    return LayerInspector(session).inspect(LayerRequest(layer, what, kind, **more))


def of(plain: dict[str, Any]) -> Session:
    """A session on a data set of the catalogue."""
    training = {"epochs": 5, "device": "cpu", **plain.pop("training", {})}
    experiment = from_plain({"training": training, **plain})
    return Session("run", experiment, load(experiment, tiny.CPU, lambda *_: None), tiny.CPU)


def told(seen: HeatMap) -> Tensor:
    """A heat map in numbers."""
    numbers = torch.tensor([(byte - ZERO) / STEPS * seen.reach for byte in seen.values])
    return numbers.reshape(seen.height, seen.width)


def close(seen: object, right: Tensor) -> bool:
    """Whether a heat map shows these numbers, as finely as its bytes can."""
    assert isinstance(seen, HeatMap)
    return torch.allclose(told(seen), right.detach().float(), atol=seen.reach / STEPS)


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
def test_looking_changes_nothing_and_every_layer_answers(kind: str) -> None:
    alone, watched = (of(dict(KINDS[kind])) for _ in range(2))
    eye = LayerInspector(watched)

    torch.manual_seed(3)
    for _ in range(3):
        tiny.steps(alone, 1)
    torch.manual_seed(3)
    for _ in range(3):
        modes = [module.training for module in watched.network.modules()]
        gradients = [parameter.grad for parameter in watched.parameters]
        chance = torch.get_rng_state()
        for what in WHATS:
            for label in eye.inspect(LayerRequest()).layers:
                seen = eye.inspect(LayerRequest(label, what))
                assert seen.layer == label and (seen.picture is not None or seen.note)
        assert [module.training for module in watched.network.modules()] == modes
        assert torch.equal(torch.get_rng_state(), chance)
        after = [parameter.grad for parameter in watched.parameters]
        assert all(one is other for one, other in zip(gradients, after, strict=True))
        assert not any(module._forward_hooks for module in watched.network.modules())
        tiny.steps(watched, 1)

    for name, tensor in alone.network.state_dict().items():
        assert torch.equal(tensor, watched.network.state_dict()[name]), name
    for one, other in zip(_memory(alone), _memory(watched), strict=True):
        assert torch.equal(one, other)


def _memory(session: Session) -> list[Tensor]:
    """All tensors that the optimizer remembers."""
    states = [
        session.optimizer.state[p] for p in session.parameters if p in session.optimizer.state
    ]
    return [value for state in states for value in state.values() if isinstance(value, Tensor)]


# --- weights, gradients, updates


def test_layers_are_named_like_the_charts_and_name_what_they_follow() -> None:
    session = tiny.session("Linear 4", ["Residual", "Linear 4", "Tanh"], "ReLU", "ReLU", "Linear 3")

    assert looked(session).layers == [
        "1 Linear", "2 Linear", "Tanh after 2 Linear", "Residual after 2 Linear",
        "ReLU after 2 Linear", "ReLU after 2 Linear #2", "3 Linear",
    ]  # fmt: skip


def test_weights_are_those_of_the_layer_and_its_bias_is_next() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    linear = session.network[2]

    weight = looked(session, "2 Linear")
    bias = looked(session, "2 Linear", tensor=1)

    assert close(weight.picture, linear.weight) and weight.tensors == ["weight", "bias"]
    assert isinstance(weight.picture, HeatMap) and weight.picture.names == ["a", "b", "c"]
    assert weight.picture.exact == pytest.approx(linear.weight.flatten().tolist())
    assert bias.tensor == "bias" and close(bias.picture, linear.bias[None])


@pytest.mark.parametrize("kind", ["classification", "convnet", "gan", "sequences", "scratch"])
def test_the_update_is_bitwise_what_the_next_step_does(kind: str) -> None:
    session = of(dict(KINDS[kind]))
    tiny.steps(session, 2)
    eye = LayerInspector(session)
    labels = [label for label in eye.inspect(LayerRequest()).layers if label in session.labelled]
    state = torch.get_rng_state()
    seen = {
        label: eye.inspect(LayerRequest(label, "updates", "map", width=999)) for label in labels
    }
    slopes = {label: eye.inspect(LayerRequest(label, "gradients", "map")) for label in labels}
    before = {label: session.labelled[label][0].detach().clone() for label in labels}

    torch.set_rng_state(state)
    tiny.steps(session, 1)

    for label in labels:
        parameter = session.labelled[label][0]
        moved = (parameter.detach() - before[label]).flatten(1 if parameter.dim() > 1 else 0)
        assert close(seen[label].picture, moved.reshape(-1, moved.shape[-1])), label
        statistic = seen[label].statistics
        assert statistic is not None and statistic.norm == pytest.approx(float(moved.norm()))
        assert statistic.ratio == pytest.approx(float(moved.norm() / before[label].norm()))
        slope = slopes[label].statistics
        assert slope is not None and slope.broken == 0


def test_the_gradient_is_autograds_on_the_next_batch() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3", training={"clip_grad_norm": 1e-6})
    tiny.steps(session, 2)

    seen = looked(session, "1 Linear", "gradients")

    batch = session.next_batch()
    assert batch is not None
    loss = nn.functional.cross_entropy(session.network(batch[0]), batch[1])
    right = torch.autograd.grad(loss, session.network[0].weight)[0]
    assert isinstance(seen.picture, HeatMap)
    assert seen.picture.exact == pytest.approx(right.flatten().tolist(), rel=1e-4)


def test_the_next_step_is_seen_after_the_last_batch_and_after_the_last_epoch() -> None:
    session = tiny.session(epochs=1)
    tiny.steps(session, session.batches)
    assert looked(session, what="updates").statistics is not None


def test_what_has_no_weights_or_learns_nothing_says_so() -> None:
    session = tiny.session("Linear 4 frozen=true", "ReLU", "Linear 3")

    assert "no weights" in looked(session, "ReLU after 1 Linear").note
    assert "frozen" in looked(session, "1 Linear", "gradients").note
    assert looked(session, "1 Linear", "weights").picture is not None
    assert looked(session, "no such layer").layer == "1 Linear"
    after = tiny.session("Flatten", "Linear 4", "Linear 3")
    assert looked(after).layer == "1 Linear"


# --- activations


def test_activations_are_those_of_evaluation_by_class() -> None:
    session = tiny.session("Linear 6", "Dropout 0.5", "ReLU", "Linear 3")
    session.network[0].bias.data[2] = -100.0

    seen = looked(session, "ReLU after 1 Linear", "activations", "map", height=40)

    train = session.dataset.train
    right = session.network[0](train.inputs[:40]).relu()
    order = train.targets[:40].argsort(stable=True)
    assert close(seen.picture, right[order]) and isinstance(seen.picture, HeatMap)
    assert seen.picture.names == ["abc"[target] for target in train.targets[:40][order]]
    assert seen.statistics is not None
    assert seen.statistics.silent == int((session.network[0](train.inputs) <= 0).all(0).sum()) >= 1
    assert seen.statistics.zeros == pytest.approx(
        float((session.network[0](train.inputs) <= 0).float().mean())
    )


def test_saturated_units_are_counted() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        session.network[0].bias[1] = 50.0

    found = looked(session, "Tanh after 1 Linear", "activations").statistics

    assert found is not None and found.stuck == 1
    assert found.saturated is not None and 0.25 <= found.saturated < 1


def test_filters_and_feature_maps_are_those_of_the_convolution() -> None:
    session = of(dict(KINDS["convnet"]))
    conv = session.network[0]

    filters = looked(session, "1 Conv2d").picture
    maps = looked(session, "1 Conv2d", "activations", example=7).picture

    assert isinstance(filters, Tiles) and filters.total == 3
    assert close(filters.tiles[2], conv.weight[2, 0])
    inputs = session.arranged(session.dataset.prepared(session.dataset.train.inputs[7:8]))
    assert isinstance(maps, Tiles) and maps.tiles[0].caption == "input"
    right = conv(inputs)[0]
    assert close(maps.tiles[1], right[0]) and close(maps.tiles[3], right[2])


@pytest.mark.parametrize("causal", ["false", "true"])
def test_attention_is_torchs_own(causal: str) -> None:
    session = of({
        "network": ["Embedding 8", f"MultiheadAttention 2 causal={causal}", "Linear 10"],
        "data": {"name": "copy", "samples": 40, "batch_size": 10},
    })  # fmt: skip

    seen = looked(session, "2 MultiheadAttention", "activations", "attention", example=3)

    x = session.network[0](session.dataset.train.inputs[3:4])
    length = x.shape[1]
    mask = torch.ones(length, length).triu(1).bool() if causal == "true" else None
    inside = session.network[1].inside
    _, right = inside(x, x, x, need_weights=True, average_attn_weights=False, attn_mask=mask)
    assert isinstance(seen.picture, Tiles) and seen.picture.total == 2
    for head, tile in enumerate(seen.picture.tiles):
        assert tile.reach == 1.0 and close(tile, right[0, head])
    assert session.network[1].weights is None and not session.network[1].keep_weights


def test_every_kind_of_attention_has_its_heads() -> None:
    session = of(dict(KINDS["attention"]))
    with_heads = [
        label for label in looked(session).layers
        if looked(session, label, "activations").kind == "attention"
    ]  # fmt: skip

    assert [label.partition(" ")[2].split()[0] for label in with_heads] == [
        "MultiheadAttention", "after", "after",
    ]  # fmt: skip
    causal = looked(session, with_heads[-1], "activations").picture
    assert isinstance(causal, Tiles)
    assert torch.equal(told(causal.tiles[0]).triu(1), torch.zeros_like(told(causal.tiles[0])))
    assert told(causal.tiles[0]).sum(1)[0] == pytest.approx(1.0)


def test_states_are_those_along_the_sequence() -> None:
    session = of(dict(KINDS["sequences"]))

    seen = looked(session, "1 LSTM", "activations", example=5)

    states, _ = session.network[0].inside(session.dataset.train.inputs[5:6])
    assert seen.kind == "states" and close(seen.picture, states[0].T)


def test_an_embedding_is_a_plane_of_its_tokens() -> None:
    session = of(dict(KINDS["attention"]))

    seen = looked(session, "1 Embedding", "weights", "plane").picture

    assert isinstance(seen, Plane) and seen.is_text
    assert len(seen.points) == len(session.network[0].weight)
    assert [number for *_, number in seen.points] == list(range(len(seen.points)))


def test_points_of_a_plane_know_their_class() -> None:
    session = tiny.session()
    seen = looked(session, "1 Linear", "activations", "plane").picture
    assert isinstance(seen, Plane) and seen.names == ["a", "b", "c"]
    assert [number for *_, number in seen.points] == session.dataset.train.targets.tolist()


# --- over time


def test_histograms_over_time_are_kept_for_every_layer_while_one_is_shown() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    eye = LayerInspector(session)
    for _ in range(3):
        eye.inspect(LayerRequest("1 Linear", "weights", "map"))
        eye.inspect(LayerRequest("1 Linear", "weights", "map"))
        tiny.steps(session, 1)

    seen = eye.inspect(LayerRequest("2 Linear", "weights", "time")).picture

    assert isinstance(seen, History) and [row.step for row in seen.rows] == [0, 1, 2, 3]
    assert all(sum(row.shares) == pytest.approx(1.0) for row in seen.rows)
    assert isinstance(
        eye.inspect(LayerRequest("2 Linear", "weights", "histogram")).picture, Histogram
    )


def test_weights_that_are_no_numbers_are_shown_as_such() -> None:
    session = tiny.session("Linear 4", "Tanh", "Linear 3")
    with torch.no_grad():
        session.network[0].weight[1, 0] = float("nan")

    for what in WHATS:
        for kind in ("map", "histogram", "time", "plane"):
            seen = looked(session, "1 Linear", what, kind)
            assert seen.statistics is not None and seen.statistics.broken > 0
