"""The responses to the view of units are those of the network, which does not change."""

import operator
from math import inf, isnan
from typing import Any

import pytest
import torch
from torch import nn

from tests.support.bitwise import find_differences
from tests.support.tiny_sessions import (
    flatten_parameters,
    layer_at,
    load_session,
    make_session,
    train_steps,
)
from tuilab.core.errors import InputError
from tuilab.core.protocol.inspect.quantization import STEPS, ZERO, dequantize
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet
from tuilab.core.protocol.inspect.units_messages import UnitsRequest, UnitsResponse
from tuilab.engine.inspect.units.set_weight import set_weight
from tuilab.engine.inspect.units.units_inspector import MAX_LAYERS, MAX_UNITS, UnitsInspector
from tuilab.engine.session import Session


def inspect(session: Session, side: int = 5) -> UnitsResponse:
    return UnitsInspector(session).inspect(UnitsRequest(side, side))


def unit_response(response: UnitsResponse, number: int, unit: int) -> list[float]:
    """Returns the responses of one unit as numbers."""
    column = response.columns[number]
    return [dequantize(byte) * column.max_abs[unit] for byte in column.responses[unit]]


def plane(side: int) -> torch.Tensor:
    """Returns the centers of the cells of the plane, rows from the top."""
    x = [-3 + 6 * (cell + 0.5) / side for cell in range(side)]
    y = [2 - 4 * (cell + 0.5) / side for cell in range(side)]
    return torch.tensor([(column, row) for row in y for column in x])


def test_responses_are_the_outputs_of_layers_after_their_activations() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3", "Tanh", "Linear 3")
    train_steps(session, 5)
    first, relu, second, tanh, last = session.network

    response = inspect(session)

    with torch.no_grad():
        hidden = relu(first(plane(5)))
        middle = tanh(second(hidden))
        expected = [plane(5), hidden, middle, last(middle)]
    labels = [column.label for column in response.columns]
    assert labels == ["input", "1 Linear", "2 Linear", "3 Linear"]
    assert [column.activations for column in response.columns] == ["", "ReLU", "Tanh", ""]
    assert response.columns[0].names == ["x1", "x2"]
    assert response.columns[3].names == ["a", "b", "c"]
    for column, values in enumerate(expected):
        for unit in range(values.shape[1]):
            max_abs = values[:, unit].abs().max()
            assert response.columns[column].max_abs[unit] == pytest.approx(float(max_abs))
            close = pytest.approx(values[:, unit].tolist(), abs=float(max_abs) / STEPS)
            assert unit_response(response, column, unit) == close


def test_weights_biases_and_means_are_those_of_the_network() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3", examples=40)

    response = inspect(session)

    linear = layer_at(session, 0, nn.Linear)
    assert response.columns[1].weights == linear.weight.tolist()
    assert response.columns[1].biases == linear.bias.tolist()
    with torch.no_grad():
        hidden = linear(session.dataset.train.inputs).relu()
    assert response.examples == 40
    assert response.columns[1].means == pytest.approx(hidden.mean(0).tolist(), abs=1e-6)
    assert response.columns[1].active_fractions == pytest.approx(
        (hidden > 0).float().mean(0).tolist()
    )


def test_a_response_is_the_input_of_the_next_layer() -> None:
    session = make_session("Linear 3", ["Residual", "Linear 3", "Tanh"], "BatchNorm1d", "Linear 3")
    train_steps(session, 3)

    response = inspect(session)

    session.network.eval()
    with torch.no_grad():
        expected = session.network[:3](plane(5))
    assert response.columns[2].activations == "Tanh Residual BatchNorm1d"
    max_abs = response.columns[2].max_abs[1]
    assert unit_response(response, 2, 1) == pytest.approx(
        expected[:, 1].tolist(), abs=max_abs / STEPS
    )


@pytest.mark.parametrize("frozen", [False, True])
def test_a_request_changes_nothing(frozen: bool) -> None:
    network = ("Linear 6 frozen=true" if frozen else "Linear 6", "BatchNorm1d", "ReLU",
               "Dropout 0.3", "Linear 3")  # fmt: skip
    config: dict[str, Any] = {"optimizer": {"name": "adam"}, "averaging": {"name": "ema"}}
    uninspected, inspected = (make_session(*network, **config) for _ in range(2))

    torch.manual_seed(3)
    for _ in range(6):
        train_steps(uninspected, 1)
    inspector = UnitsInspector(inspected)
    torch.manual_seed(3)
    for _ in range(6):
        modes = [module.training for module in inspected.network.modules()]
        gradients = [parameter.grad for parameter in inspected.parameters]
        inspector.inspect(UnitsRequest(4, 4))
        assert [module.training for module in inspected.network.modules()] == modes
        after = [parameter.grad for parameter in inspected.parameters]
        assert all(map(operator.is_, gradients, after))
        assert not any(module._forward_hooks for module in inspected.network.modules())
        assert not any(module._forward_pre_hooks for module in inspected.network.modules())
        train_steps(inspected, 1)

    expected = uninspected.network.state_dict()
    assert find_differences(inspected.network.state_dict(), expected) == []


def test_with_one_input_responses_are_curves() -> None:
    session = load_session({
        "task": "regression", "loss": {"name": "mse"}, "network": ["Linear 5", "Tanh", "Linear 1"],
        "data": {"name": "sine", "samples": 50},
    })  # fmt: skip

    response = inspect(session, 9)

    assert (response.width, response.height, len(response.bounds)) == (9, 1, 2)
    assert response.columns[0].names == ["x"]
    line = unit_response(response, 0, 0)
    assert line == sorted(line) and line[0] < 0 < line[-1]


def test_features_are_named_and_large_layers_are_cut() -> None:
    session = load_session({
        "network": ["Linear 60", "ReLU", "Linear 2"],
        "data": {"name": "circle", "samples": 50, "features": ["x1", "x1^2"]},
    })  # fmt: skip

    response = inspect(session)

    assert response.columns[0].names == ["x1", "x1^2"]
    assert (response.columns[1].total_units, response.columns[1].shown_units) == (60, MAX_UNITS)
    assert len(response.columns[2].weights[0]) == MAX_UNITS
    assert response.columns[2].names == ["orange", "blue"]


GLYPHS = {"name": "glyphs", "samples": 60, "batch_size": 20}

KINDS: dict[str, dict[str, Any]] = {
    "convnet": {"network": ["Conv2d 3", "ReLU", "Flatten", "Linear 10"], "data": GLYPHS},
    "autoencoder": {
        "task": {"name": "autoencoder"}, "loss": {"name": "mse"}, "data": GLYPHS,
        "network": [["Encoder", "Flatten", "Linear 6", "ReLU"],
                    ["Decoder", "Linear 784", "Unflatten (1,28,28)"]],
    },
    "gan": {
        "task": {"name": "gan", "latent": 3}, "loss": {"name": "bce"},
        "network": [["Generator", "Linear 5", "ReLU", "Linear 2"],
                    ["Discriminator", "Linear 4", "ReLU", "Linear 1"]],
        "data": {"name": "gaussians_ring", "samples": 60},
    },
    "sequences": {
        "task": "regression", "loss": {"name": "mse"}, "network": ["LSTM 5", "Linear 1"],
        "data": {"name": "adding", "samples": 60, "length": 6},
    },
    "graph": {
        "network": ["GraphConvolution 6", "ReLU", "Linear 4"], "data": {"name": "communities"},
    },
    "perceptron rule": {
        "task": "perceptron", "network": ["Linear 1", "Step"], "loss": {"name": "mse"},
        "data": {"name": "gauss", "samples": 50},
    },
    "scratch": {
        "network": ["Linear 4", "Tanh", "Linear 2"], "training": {"engine": "matrix"},
        "data": {"name": "xor", "samples": 50},
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "labels", "note"),
    [
        ("convnet", ["from Conv2d", "1 Linear"], "after Conv2d"),
        ("autoencoder", ["input", "1 Linear", "2 Linear"], "no plane"),
        ("gan", ["input", "3 Linear", "4 Linear"], "discriminator"),
        ("sequences", ["from LSTM", "1 Linear"], "after LSTM"),
        ("graph", ["input", "1 GraphConvolution", "2 Linear"], "at its neighbors"),
        ("perceptron rule", ["input", "1 Linear"], ""),
        ("scratch", ["input", "1 Linear", "2 Linear"], ""),
    ],
)
def test_other_networks_show_their_linear_layers_and_note_what_is_missing(
    kind: str, labels: list[str], note: str
) -> None:
    session = load_session(KINDS[kind])

    response = inspect(session)

    names = [column.label.partition(" ")[2] for column in response.columns]
    assert names == [label.partition(" ")[2] for label in labels]
    assert note in response.note and bool(note) == bool(response.note)
    assert all(column.label in session.parameters_by_layer for column in response.columns[1:])


def test_the_nodes_of_a_graph_are_the_examples_of_its_units() -> None:
    session = load_session(KINDS["graph"])

    response = inspect(session)

    output = session.predict(session.dataset.train.inputs)[0]
    assert response.examples == len(output) == 300
    assert response.columns[-1].means == pytest.approx(output.mean(0).tolist(), abs=1e-5)
    assert response.columns[-1].stds == pytest.approx(
        output.std(0, correction=0).tolist(), abs=1e-5
    )


def test_a_deep_network_shows_its_first_layers() -> None:
    response = inspect(make_session(*["Linear 2"] * (MAX_LAYERS + 2), "Linear 3"))

    assert len(response.columns) == MAX_LAYERS + 1
    assert "3 more Linear layers" in response.note
    assert response.columns[-1].names == []


def test_a_network_without_linear_layers_says_so() -> None:
    session = load_session({
        "network": ["Conv2d 10 kernel_size=28", "Flatten"],
        "data": {"name": "glyphs", "samples": 30, "batch_size": 20},
    })  # fmt: skip

    assert "no Linear layer" in inspect(session).note


def test_weights_that_are_not_finite_stay_not_finite() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    with torch.no_grad():
        layer_at(session, 0, nn.Linear).weight[1, 0] = float("nan")

    response = inspect(session)

    assert isnan(response.columns[1].weights[1][0]) and isnan(response.columns[1].means[1])
    assert set(response.columns[1].responses[1]) == {ZERO}


# --- setting weights


def test_a_weight_is_set_and_undone_bitwise() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    before, history = flatten_parameters(session), list[WeightSet]()

    event = set_weight(session, SetWeight("2 Linear", "weight", [2, 1], 0.75), history)
    set_weight(session, SetWeight("2 Linear", "weight", [2, 1], -3.0), history)
    set_weight(session, SetWeight("1 Linear", "bias", [3], 0.5), history)

    assert (event.layer, event.index, event.value) == ("2 Linear", [2, 1], 0.75)
    assert layer_at(session, 2, nn.Linear).weight[2, 1].item() == -3.0
    assert layer_at(session, 0, nn.Linear).bias[3].item() == 0.5
    for _ in range(3):
        set_weight(session, SetWeight(), history)
    assert torch.equal(flatten_parameters(session), before)
    with pytest.raises(InputError, match="nothing to undo"):
        set_weight(session, SetWeight(), history)


def test_training_continues_from_the_weight_that_was_set() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    train_steps(session, 2)
    set_weight(session, SetWeight("2 Linear", "bias", [0], 5.0), [])

    train_steps(session, 1)

    assert 4.9 < layer_at(session, 2, nn.Linear).bias[0].item() < 5.1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (SetWeight("9 Linear", "weight", [0, 0], 1.0), "no layer"),
        (SetWeight("1 Linear", "speed", [0], 1.0), "has no speed"),
        (SetWeight("1 Linear", "weight", [4, 0], 1.0), "4×2"),
        (SetWeight("1 Linear", "weight", [0], 1.0), "4×2"),
        (SetWeight("1 Linear", "weight", [-1, 0], 1.0), "4×2"),
        (SetWeight("1 Linear", "bias", [0], float("nan")), "too large"),
        (SetWeight("1 Linear", "bias", [0], inf), "too large"),
        (SetWeight("1 Linear", "bias", [0], 1e39), "too large"),
    ],
)
def test_a_weight_that_cannot_be_set_changes_nothing(command: SetWeight, words: str) -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    before, history = flatten_parameters(session), list[WeightSet]()

    with pytest.raises(InputError, match=words):
        set_weight(session, command, history)

    assert torch.equal(flatten_parameters(session), before) and not history


def test_the_inputs_of_a_table_are_named_after_its_columns_and_their_categories() -> None:
    data = {"name": "table", "path": "fruit.csv", "target": "fruit"}
    session = load_session({"data": data, "network": ["Linear 4"]})

    names = inspect(session).columns[0].names

    assert names[:5] == ["diameter_mm", "weight_g", "firmness", "sugar", "color=blue"]
    assert "organic=yes" in names and len(names) == 13
