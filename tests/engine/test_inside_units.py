"""What the view of units is answered: true to the network, and without a trace left in it."""

from math import inf, isnan
from typing import Any

import pytest
import torch

from tests.support import tiny
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import from_plain
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned
from tuilab.core.protocol.inspect.units_messages import STEPS, ZERO, UnitsRequest, UnitsResponse
from tuilab.engine.data.load import load
from tuilab.engine.inspect.units.set_weight import assign
from tuilab.engine.inspect.units.units_inspector import MOST_LAYERS, MOST_UNITS, UnitsInspector
from tuilab.engine.session import Session


def looked(session: Session, side: int = 5) -> UnitsResponse:
    return UnitsInspector(session).inspect(UnitsRequest(side, side))


def of(plain: dict[str, Any]) -> Session:
    """A session on a data set of the catalogue."""
    training = {"epochs": 1, "device": "cpu", **plain.pop("training", {})}
    experiment = from_plain({"training": training, **plain})
    return Session("run", experiment, load(experiment, tiny.CPU, lambda *_: None), tiny.CPU)


def answers(seen: UnitsResponse, column: int, unit: int) -> list[float]:
    """One unit's response in numbers."""
    found = seen.columns[column]
    return [(byte - ZERO) / STEPS * found.reaches[unit] for byte in found.responses[unit]]


def plane(side: int) -> torch.Tensor:
    """The middles of the cells of the tests' plane, rows from the top."""
    x = [-3 + 6 * (place + 0.5) / side for place in range(side)]
    y = [2 - 4 * (place + 0.5) / side for place in range(side)]
    return torch.tensor([(across, up) for up in y for across in x])


def test_responses_are_what_the_layers_say_behind_their_activations() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3", "Tanh", "Linear 3")
    tiny.steps(session, 5)
    first, relu, second, tanh, last = session.network

    seen = looked(session)

    with torch.no_grad():
        hidden = relu(first(plane(5)))
        middle = tanh(second(hidden))
        right = [plane(5), hidden, middle, last(middle)]
    assert [column.label for column in seen.columns] == [
        "input",
        "1 Linear",
        "2 Linear",
        "3 Linear",
    ]
    assert [column.after for column in seen.columns] == ["", "ReLU", "Tanh", ""]
    assert seen.columns[0].names == ["x1", "x2"]
    assert seen.columns[3].names == ["a", "b", "c"]
    for column, values in enumerate(right):
        for unit in range(values.shape[1]):
            reach = values[:, unit].abs().max()
            assert seen.columns[column].reaches[unit] == pytest.approx(float(reach))
            close = pytest.approx(values[:, unit].tolist(), abs=float(reach) / STEPS)
            assert answers(seen, column, unit) == close


def test_weights_biases_and_means_are_those_of_the_network() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3", examples=40)

    seen = looked(session)

    linear = session.network[0]
    assert seen.columns[1].weights == linear.weight.tolist()
    assert seen.columns[1].biases == linear.bias.tolist()
    with torch.no_grad():
        hidden = linear(session.dataset.train.inputs).relu()
    assert seen.examples == 40
    assert seen.columns[1].means == pytest.approx(hidden.mean(0).tolist(), abs=1e-6)
    assert seen.columns[1].active == pytest.approx((hidden > 0).float().mean(0).tolist())


def test_a_unit_is_seen_as_the_next_layer_sees_it() -> None:
    session = tiny.session("Linear 3", ["Residual", "Linear 3", "Tanh"], "BatchNorm1d", "Linear 3")
    tiny.steps(session, 3)

    seen = looked(session)

    session.network.eval()
    with torch.no_grad():
        right = session.network[:3](plane(5))
    assert seen.columns[2].after == "Tanh Residual BatchNorm1d"
    reach = seen.columns[2].reaches[1]
    assert answers(seen, 2, 1) == pytest.approx(right[:, 1].tolist(), abs=reach / STEPS)


@pytest.mark.parametrize("frozen", [False, True])
def test_looking_changes_nothing(frozen: bool) -> None:
    network = ("Linear 6 frozen=true" if frozen else "Linear 6", "BatchNorm1d", "ReLU",
               "Dropout 0.3", "Linear 3")  # fmt: skip
    knobs = {"optimizer": {"name": "adam"}, "averaging": {"name": "ema"}}
    alone, watched = (tiny.session(*network, **knobs) for _ in range(2))

    torch.manual_seed(3)
    for _ in range(6):
        tiny.steps(alone, 1)
    eye = UnitsInspector(watched)
    torch.manual_seed(3)
    for _ in range(6):
        modes = [module.training for module in watched.network.modules()]
        gradients = [parameter.grad for parameter in watched.parameters]
        eye.inspect(UnitsRequest(4, 4))
        assert [module.training for module in watched.network.modules()] == modes
        after = [parameter.grad for parameter in watched.parameters]
        assert all(one is other for one, other in zip(gradients, after, strict=True))
        assert not any(module._forward_hooks for module in watched.network.modules())
        assert not any(module._forward_pre_hooks for module in watched.network.modules())
        tiny.steps(watched, 1)

    for name, tensor in alone.network.state_dict().items():
        assert torch.equal(tensor, watched.network.state_dict()[name]), name
    assert torch.equal(tiny.weights(alone), tiny.weights(watched))


def test_one_input_is_answered_over_a_line() -> None:
    session = of({
        "task": "regression", "loss": {"name": "mse"}, "network": ["Linear 5", "Tanh", "Linear 1"],
        "data": {"name": "sine", "samples": 50},
    })  # fmt: skip

    seen = looked(session, 9)

    assert (seen.width, seen.height, len(seen.bounds)) == (9, 1, 2)
    assert seen.columns[0].names == ["x"]
    line = answers(seen, 0, 0)
    assert line == sorted(line) and line[0] < 0 < line[-1]


def test_features_are_named_and_large_layers_are_cut() -> None:
    session = of({
        "network": ["Linear 60", "ReLU", "Linear 2"],
        "data": {"name": "circle", "samples": 50, "features": ["x1", "x1^2"]},
    })  # fmt: skip

    seen = looked(session)

    assert seen.columns[0].names == ["x1", "x1^2"]
    assert (seen.columns[1].units, seen.columns[1].shown) == (60, MOST_UNITS)
    assert len(seen.columns[2].weights[0]) == MOST_UNITS
    assert seen.columns[2].names == ["orange", "blue"]


PICTURES = {"name": "glyphs", "samples": 60, "batch_size": 20}

KINDS: dict[str, dict[str, Any]] = {
    "convnet": {"network": ["Conv2d 3", "ReLU", "Flatten", "Linear 10"], "data": PICTURES},
    "autoencoder": {
        "task": {"name": "autoencoder"}, "loss": {"name": "mse"}, "data": PICTURES,
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
        ("convnet", ["from Conv2d", "1 Linear"], "behind Conv2d"),
        ("autoencoder", ["input", "1 Linear", "2 Linear"], "no plane"),
        ("gan", ["input", "3 Linear", "4 Linear"], "discriminator"),
        ("sequences", ["from LSTM", "1 Linear"], "behind LSTM"),
        ("perceptron rule", ["input", "1 Linear"], ""),
        ("scratch", ["input", "1 Linear", "2 Linear"], ""),
    ],
)
def test_other_networks_show_what_they_have_and_say_what_not(
    kind: str, labels: list[str], note: str
) -> None:
    session = of(dict(KINDS[kind]))

    seen = looked(session)

    plain = [column.label.partition(" ") for column in seen.columns]
    assert [rest for *_, rest in plain] == [label.partition(" ")[2] for label in labels]
    assert note in seen.note and bool(note) == bool(seen.note)
    assert all(column.label in session.labelled for column in seen.columns[1:])


def test_a_deep_network_shows_its_first_layers() -> None:
    seen = looked(tiny.session(*["Linear 2"] * (MOST_LAYERS + 2), "Linear 3"))

    assert len(seen.columns) == MOST_LAYERS + 1
    assert "3 more Linear layers" in seen.note
    assert seen.columns[-1].names == []


def test_a_network_without_linear_layers_says_so() -> None:
    session = of({
        "network": ["Conv2d 10 kernel_size=28", "Flatten"],
        "data": {"name": "glyphs", "samples": 30, "batch_size": 20},
    })  # fmt: skip

    assert "no Linear layer" in looked(session).note


def test_weights_that_are_not_finite_are_told_as_they_are() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    with torch.no_grad():
        session.network[0].weight[1, 0] = float("nan")

    seen = looked(session)

    assert isnan(seen.columns[1].weights[1][0]) and isnan(seen.columns[1].means[1])
    assert set(seen.columns[1].responses[1]) == {ZERO}


# --- writing


def test_a_weight_is_written_and_put_back_bitwise() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    before, done = tiny.weights(session), list[Assigned]()

    assigned = assign(session, Assign("2 Linear", "weight", [2, 1], 0.75), done)
    assign(session, Assign("2 Linear", "weight", [2, 1], -3.0), done)
    assign(session, Assign("1 Linear", "bias", [3], 0.5), done)

    assert (assigned.layer, assigned.index, assigned.value) == ("2 Linear", [2, 1], 0.75)
    assert session.network[2].weight[2, 1].item() == -3.0
    assert session.network[0].bias[3].item() == 0.5
    for _ in range(3):
        assign(session, Assign(), done)
    assert torch.equal(tiny.weights(session), before)
    with pytest.raises(InputError, match="taken back"):
        assign(session, Assign(), done)


def test_training_goes_on_from_what_was_written() -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    tiny.steps(session, 2)
    assign(session, Assign("2 Linear", "bias", [0], 5.0), [])

    tiny.steps(session, 1)

    assert 4.9 < session.network[2].bias[0].item() < 5.1


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (Assign("9 Linear", "weight", [0, 0], 1.0), "no layer"),
        (Assign("1 Linear", "speed", [0], 1.0), "has no speed"),
        (Assign("1 Linear", "weight", [4, 0], 1.0), "4×2"),
        (Assign("1 Linear", "weight", [0], 1.0), "4×2"),
        (Assign("1 Linear", "weight", [-1, 0], 1.0), "4×2"),
        (Assign("1 Linear", "bias", [0], float("nan")), "can hold"),
        (Assign("1 Linear", "bias", [0], inf), "can hold"),
        (Assign("1 Linear", "bias", [0], 1e39), "can hold"),
    ],
)
def test_what_cannot_be_written_changes_nothing(command: Assign, words: str) -> None:
    session = tiny.session("Linear 4", "ReLU", "Linear 3")
    before, done = tiny.weights(session), list[Assigned]()

    with pytest.raises(InputError, match=words):
        assign(session, command, done)

    assert torch.equal(tiny.weights(session), before) and not done


def test_the_inputs_of_a_table_are_called_by_its_columns_and_their_categories() -> None:
    data = {"name": "table", "path": "fruit.csv", "target": "fruit"}
    session = of({"data": data, "network": ["Linear 4"]})

    names = looked(session).columns[0].names

    assert names[:5] == ["diameter_mm", "weight_g", "firmness", "sugar", "colour=blue"]
    assert "organic=yes" in names and len(names) == 13
