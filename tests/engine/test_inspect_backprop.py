"""The next step, phase by phase: its numbers are autograd's, and a request changes nothing."""

import operator
from collections.abc import Callable
from copy import deepcopy
from math import isfinite
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.bitwise import find_differences
from tests.support.layer_sessions import make_layer_session
from tests.support.not_none import not_none
from tests.support.tiny_sessions import layer_at, make_session, train_steps
from tuilab.core.network.registry import LAYERS
from tuilab.core.protocol.inspect.backprop_messages import (
    BackpropRequest,
    BackpropResponse,
    NumberTable,
    Phase,
)
from tuilab.engine import checkpoint
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.backprop.optimizer_update import decompose_update
from tuilab.engine.inspect.backprop.replay import StepTrace, replay
from tuilab.engine.session import Session
from tuilab.engine.train import train

pytestmark = pytest.mark.usefixtures("passed_exercises")

ForwardHook = Callable[[nn.Module, tuple[Any, ...], Any], None]

NETWORK = ("Linear 8", "BatchNorm1d", "Tanh", "Dropout 0.4", "Linear 3")


def record_step(session: Session, *, example: int = 0, with_graph: bool = False) -> StepTrace:
    return replay(session, BackpropRequest(example=example, with_graph=with_graph))


def find_phase(
    response: BackpropResponse, part: str, label: str = "", gradient_of: str = ""
) -> Phase:
    return next(
        phase
        for phase in response.phases
        if (phase.part, phase.gradient_of) == (part, gradient_of) and phase.label.endswith(label)
    )


def column_values(table: NumberTable, name: str) -> list[float]:
    return next(column.values for column in table.columns if column.name == name)


# --- the session is not changed -------------------------------------------------------------------


OPTIMIZERS: list[dict[str, Any]] = [
    {"name": "sgd", "lr": 0.1},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"name": "sgd", "lr": 0.1, "momentum": 0.9, "dampening": 0.3},
    {"name": "adam", "lr": 0.01, "weight_decay": 0.1},
    {"name": "adam", "lr": 0.01, "amsgrad": True},
    {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
    {"name": "rmsprop", "lr": 0.01, "weight_decay": 0.1},
    {"name": "rmsprop", "lr": 0.01, "momentum": 0.9, "centered": True},
]

OTHER_OPTIMIZERS: list[dict[str, Any]] = [
    {"name": name} for name in ("adagrad", "adadelta", "nadam", "radam", "lion", "muon", "lbfgs")
]


def join_values(optimizer: dict[str, Any]) -> str:
    return "-".join(str(value) for value in optimizer.values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS + OTHER_OPTIMIZERS, ids=join_values)
@pytest.mark.parametrize("steps", [0, 7])
def test_the_real_step_gives_bitwise_the_weights_of_the_replay(
    optimizer: dict[str, Any], steps: int
) -> None:
    session = make_session(*NETWORK, optimizer=optimizer, training={"clip_grad_norm": 0.5})
    if steps:
        train_steps(session, steps)

    trace = record_step(session, with_graph=True)
    train_steps(session, 1)

    assert trace.updates
    for update in trace.updates:
        assert torch.equal(not_none(update.after), update.slice_of(update.parameter))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=join_values)
def test_the_terms_of_an_update_sum_to_it(optimizer: dict[str, Any]) -> None:
    penalties = {"l1": 0.001, "l2": 0.01, "max_norm": 1.0}
    session = make_session(*NETWORK, optimizer=optimizer, regularization=penalties)
    train_steps(session, 3)

    for update in record_step(session).updates:
        terms = decompose_update(update)
        change = not_none(update.after).double() - update.before.double()
        remainder = torch.stack(list(terms.values())).sum(0) - change
        assert float(remainder.abs().max()) < 1e-6
        assert "by the gradient" in terms
        assert ("by weight decay" in terms) == bool(
            optimizer.get("weight_decay") and "weight" in update.name and update.before.ndim
            and update.parameter.ndim > 1
        )  # fmt: skip
        assert ("by the momentum" in terms) == ((optimizer["name"] != "rmsprop"
            and bool(optimizer.get("momentum") or "adam" in optimizer["name"]))
            or (optimizer["name"] == "rmsprop" and bool(optimizer.get("momentum"))))  # fmt: skip


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_a_run_that_is_over_shows_the_step_that_would_follow(schedule: str) -> None:
    session = make_session(*NETWORK, schedule={"name": schedule}, epochs=2)
    for _ in train(session):
        pass
    before = checkpoint.capture_state(session)

    response = BackpropInspector(session).inspect(BackpropRequest())

    assert "The run is over" in response.note and response.phases
    (update, *_) = record_step(session).updates
    assert not torch.equal(not_none(update.after), update.before)
    assert not find_differences(checkpoint.capture_state(session), before)


def test_an_inspected_run_ends_bitwise_as_one_that_was_not_inspected() -> None:
    options: dict[str, Any] = {
        "optimizer": {"name": "adamw", "lr": 0.01}, "averaging": {"name": "ema"},
        "augmentation": {"noise": 0.1, "mixup": 0.4}, "regularization": {"gradient_noise": 0.1},
        "training": {"accumulation": 2}, "epochs": 4,
    }  # fmt: skip
    uninspected = make_session(*NETWORK, **options)
    train_steps(uninspected, 14)
    random_state = torch.get_rng_state()
    session = make_session(*NETWORK, **options)
    inspector = BackpropInspector(session)
    for number in range(14):
        gradients = [parameter.grad for parameter in session.parameters]
        copies = [None if gradient is None else gradient.clone() for gradient in gradients]
        modes = [module.training for module in session.network.modules()]
        inspector.inspect(BackpropRequest(example=number, with_graph=number % 2 == 0))
        assert [module.training for module in session.network.modules()] == modes
        after = [parameter.grad for parameter in session.parameters]
        assert all(map(operator.is_, after, gradients))
        assert find_differences(gradients, copies) == []
        assert "backpropagate" not in vars(session.task)
        train_steps(session, 1)

    assert torch.equal(torch.get_rng_state(), random_state)
    for part in ("network", "optimizer"):
        states = (getattr(each, part).state_dict() for each in (uninspected, session))
        assert find_differences(*states) == []
    expected = uninspected.task.average._average
    assert find_differences(session.task.average._average, expected) == []


# --- gradients against autograd -------------------------------------------------------------------


KINDS = [
    name for name in LAYERS
    if name not in ("Backbone", "GraphConvolution", "Encoder", "Decoder", "Generator",
                    "Discriminator", "Sequential")
]  # fmt: skip


class Oracle:
    """The gradients of the same batch through a copy of the network, by autograd."""

    def __init__(self, session: Session) -> None:
        network = deepcopy(session.network)
        self.outputs: list[tuple[nn.Module, Tensor]] = []
        twins = dict(zip(network.modules(), session.network.modules(), strict=True))
        for module in network.modules():
            module.register_forward_hook(self._retain_gradient(twins))
        inputs, targets = not_none(session.next_batch())
        state = torch.get_rng_state()
        loss = session.task.loss(network(inputs).float(), targets)
        torch.set_rng_state(state)
        loss.backward()
        self.loss = float(loss.detach())
        self.gradients = {
            twin: parameter.grad
            for parameter, twin in zip(
                network.parameters(), session.network.parameters(), strict=True
            )
        }

    def _retain_gradient(self, twins: dict[nn.Module, nn.Module]) -> ForwardHook:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            if isinstance(output, Tensor) and output.requires_grad:
                output.retain_grad()
                self.outputs.append((twins[module], output))

        return hook

    def output_of(self, module: nn.Module, label: str) -> Tensor:
        """Returns the output of a module, at the call that its label names."""
        outputs = [output for other, output in self.outputs if other is module]
        return outputs[int(label.partition("(pass ")[2].rstrip(")") or 1) - 1]


@pytest.mark.parametrize("name", KINDS)
def test_every_gradient_is_that_of_autograd(name: str) -> None:
    session = make_layer_session(name)
    oracle = Oracle(session)
    example = 2

    trace = record_step(session, example=example)

    assert trace.loss == oracle.loss
    assert trace.calls and trace.updates
    for call in trace.calls:
        output = oracle.output_of(call.module, call.label) if call.requires_grad else None
        if output is not None and call.output is not None:
            assert torch.equal(call.output, output[example])
            assert output.grad is None or call.output_gradient is not None
            if output.grad is not None and call.output_gradient is not None:
                assert torch.equal(call.output_gradient, output.grad[example])
    has_input_gradients = any(call.input_gradient is not None for call in trace.calls)
    assert has_input_gradients or name == "Embedding"
    for update in trace.updates:
        assert find_differences(update.gradient, oracle.gradients[update.parameter]) == []


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "LSTM", "DecoderBlock", "Parallel", "Tanh"])
def test_the_tables_contain_the_recorded_gradients(name: str) -> None:
    session = make_layer_session(name)
    oracle = Oracle(session)

    response = BackpropInspector(session).inspect(BackpropRequest(example=2))

    phases = [p for p in response.phases if p.part == "backward" and p.gradient_of == "weights"]
    assert phases
    by_label = {
        f"dL/d{name}": not_none(oracle.gradients[parameter]).reshape(-1)
        for name, parameter in session.network[0].named_parameters()
    }
    first = next(phase for phase in phases if phase.label == "1 Linear")
    for table in first.tables[1:]:
        expected = by_label[table.title][: len(table.row_names)]
        assert column_values(table, table.title) == expected.tolist()


# --- tables of numbers ---------------------------------------------------------------------------


def test_every_sum_is_shown_with_its_terms() -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3")

    response = BackpropInspector(session).inspect(BackpropRequest(example=1))

    forward = find_phase(response, "forward", "2 Linear").tables[0]
    for value, derivation in zip(column_values(forward, "z"), forward.derivations, strict=True):
        assert derivation.row_names == ["1", "2", "3", "4", "bias"]
        assert sum(derivation.columns[2].values) == pytest.approx(value, abs=1e-6)
    backward = find_phase(response, "backward", "2 Linear", "input").tables[0]
    for value, derivation in zip(
        column_values(backward, "dL/da"), backward.derivations, strict=True
    ):
        assert sum(derivation.columns[2].values) == pytest.approx(value, abs=1e-7)
    tanh = find_phase(response, "backward", "Tanh", "input").tables[0]
    upstream, local, downstream = (column.values for column in tanh.columns)
    products = list(map(operator.mul, upstream, local))
    assert products == pytest.approx(downstream, abs=1e-7)


def test_a_patch_of_a_convolution_sums_up_and_the_slice_is_named() -> None:
    session = make_layer_session("Conv2d")

    response = BackpropInspector(session).inspect(BackpropRequest(slice=2))

    table = find_phase(response, "forward", "Conv2d").tables[0]
    assert (table.first, table.total) == (48, 4 * 6 * 6)
    assert table.row_names[0] == "2,3,1"
    for value, derivation in zip(column_values(table, "z"), table.derivations, strict=True):
        assert derivation.row_names[-2:] == ["24 others", "bias"]
        assert sum(derivation.columns[2].values) == pytest.approx(value, abs=1e-5)


def test_dropout_has_the_mask_that_the_real_step_draws() -> None:
    session = make_session("Linear 8", "Dropout 0.5", "Linear 3")
    response = BackpropInspector(session).inspect(BackpropRequest())
    masks: list[Tensor] = []
    session.network[1].register_forward_hook(lambda m, i, o: masks.append(o[0] / i[0][0]))

    train_steps(session, 1)

    mask = column_values(find_phase(response, "forward", "Dropout").tables[0], "mask")
    assert mask == masks[0].tolist() and 0 in mask and 2 in mask


def test_nodes_of_the_graph_multiply_upstream_by_local_gradients() -> None:
    session = make_session("Linear 4", "Sigmoid", "Linear 3", "Tanh")

    nodes = BackpropInspector(session).inspect(BackpropRequest(example=3, with_graph=True)).nodes

    assert nodes[0].name == "NllLossBackward0" and nodes[0].upstream == [1.0]
    tanh = next(node for node in nodes if node.name == "TanhBackward0")
    assert tanh.layer == "Tanh" and len(tanh.value) == 3
    for value, upstream, local, product in zip(
        tanh.value, tanh.upstream, tanh.edges[0].local, tanh.edges[0].product, strict=True
    ):
        assert local == pytest.approx(1 - value**2, abs=1e-5)
        assert product == pytest.approx(upstream * local, abs=1e-8)
    addmm = next(node for node in nodes if node.name == "AddmmBackward0")
    assert addmm.edges[1].weights == layer_at(session, 2, nn.Linear).weight.tolist()
    assert nodes[addmm.edges[0].to].description == "2 Linear bias"


def test_clipping_penalty_and_moments_are_shown() -> None:
    session = make_session(
        "Linear 4", "Linear 3", optimizer={"name": "adam"}, regularization={"l2": 0.1},
        training={"clip_grad_norm": 0.01},
    )  # fmt: skip
    train_steps(session, 2)

    response = BackpropInspector(session).inspect(BackpropRequest(phase=99))

    phase = find_phase(response, "optimizer", "1 Linear weight")
    [derivation, *_] = phase.tables[0].derivations
    terms = dict(zip(derivation.row_names, derivation.columns[0].values, strict=True))
    assert terms["gradient of the penalties"] == pytest.approx(0.1 * terms["old weight"], rel=1e-3)
    assert terms["first moment m after"] == pytest.approx(
        0.9 * terms["first moment m before"] + 0.1 * terms["gradient after clipping"], rel=1e-4
    )
    assert terms["new weight"] == pytest.approx(
        terms["old weight"] + terms["update in all"], abs=1e-7
    )
    assert "left 0.01" in phase.facts[1]


# --- other tasks ----------------------------------------------------------------------------------


def test_the_perceptron_rule_shows_its_correction() -> None:
    session = make_session(
        "Linear 1", "Step", task={"name": "perceptron"}, loss={"name": "zero_one"},
        optimizer={"name": "sgd"},
    )  # fmt: skip
    session.dataset.train.targets.clamp_(max=1)

    response = BackpropInspector(session).inspect(BackpropRequest())

    assert "no derivative" in response.note
    phase = find_phase(response, "backward", "1 Linear", "weights")
    assert phase.tables[0].title == "dL/dweight" and "Nothing is differentiated" in phase.facts[0]


def test_a_gan_shows_the_requested_network() -> None:
    session = make_session(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "ReLU", "Linear 1"],
        task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"},
    )  # fmt: skip
    inspector = BackpropInspector(session)
    discriminator, generator = (
        inspector.inspect(BackpropRequest(optimizer_phase=number, phase=999)) for number in (0, 1)
    )

    assert discriminator.optimizer_phases == ["the discriminator", "the generator"]
    assert discriminator.optimizer_phase == 0 and generator.optimizer_phase == 1
    first, second = (
        {phase.label for phase in response.phases if phase.part == "optimizer"}
        for response in (discriminator, generator)
    )
    assert first and second and not first & second
    # The generator meets a discriminator that has already been trained in this step.
    generator = inspector.inspect(BackpropRequest(optimizer_phase=1, phase=12))
    table = find_phase(generator, "backward", "4 Linear", "input").tables[0]
    assert table.derivations[0].row_names == ["1"]


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
def test_an_engine_from_scratch_shows_its_numbers(engine: str) -> None:
    session = make_session("Linear 4", "Tanh", "Linear 3", training={"engine": engine})
    session.network.double()

    response = BackpropInspector(session).inspect(BackpropRequest())

    assert "from scratch" in response.note
    assert column_values(find_phase(response, "forward", "Tanh").tables[0], "a")
    assert find_phase(response, "backward", "1 Linear", "weights").tables


def test_the_step_between_epochs_is_the_first_of_the_next() -> None:
    session = make_session(epochs=2)
    train_steps(session, 6)
    response = BackpropInspector(session).inspect(BackpropRequest())
    assert "first of the next" in response.phases[0].facts[1]


def test_numbers_that_are_not_finite_are_shown() -> None:
    session = make_session("Linear 4", "ReLU", "Linear 3")
    with torch.no_grad():
        session.parameters[0].fill_(float("inf"))

    response = BackpropInspector(session).inspect(BackpropRequest(with_graph=True))

    values = column_values(find_phase(response, "forward", "1 Linear").tables[0], "z")
    assert not any(isfinite(value) for value in values)


def test_distant_phases_have_no_numbers() -> None:
    lines = ["Linear 4", "Tanh"] * 12
    session = make_session(*lines, "Linear 3")

    response = BackpropInspector(session).inspect(BackpropRequest(phase=0))

    assert response.phases[0].has_numbers and not response.phases[-1].has_numbers
    assert not response.phases[-1].tables


def test_a_costly_request_returns_an_outdated_response_while_training(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tuilab.engine.inspect.backprop.backprop_inspector.CHEAP", 0.0)
    monkeypatch.setattr("tuilab.engine.inspect.backprop.backprop_inspector.PAUSE_FACTOR", 1e9)
    session = make_session()
    inspector = BackpropInspector(session)
    assert not inspector.inspect(BackpropRequest()).is_outdated

    train_steps(session, 1)
    first = inspector.inspect(BackpropRequest())
    second = inspector.inspect(BackpropRequest())  # the run is paused between two steps

    assert first.is_outdated and first.step == 0
    assert not second.is_outdated and second.step == 1
    train_steps(session, 1)
    assert inspector.inspect(BackpropRequest(example=1)).step == 2


TABLES: list[dict[str, Any]] = [
    {"training": {"checkpointing": True}},
    {"training": {"accumulation": 3}},
    {"training": {"precision": "bf16"}},
    {"augmentation": {"mixup": 0.3, "noise": 0.1}},
    {"regularization": {"gradient_noise": 0.1, "max_norm": 0.5}},
    {"schedule": {"name": "one_cycle"}},
    {"task": {"name": "autoencoder", "noise": 0.2}, "loss": {"name": "mse"}},
]


@pytest.mark.parametrize("tables", TABLES, ids=lambda tables: str(next(iter(tables.values()))))
def test_the_real_step_is_the_replayed_one_with_every_feature(tables: dict[str, Any]) -> None:
    last = "Linear 2" if "task" in tables else "Linear 3"
    frozen = "Linear 8 frozen=true"
    session = make_session(
        "Linear 8", "BatchNorm1d", "Tanh", "Dropout 0.4", frozen, last, **tables
    )  # fmt: skip
    train_steps(session, 5)

    trace = record_step(session, example=7, with_graph=True)
    train_steps(session, 1)

    assert [call.label for call in trace.calls].count("Tanh") == 1
    assert all(call.output is not None for call in trace.calls)
    for update in trace.updates:
        assert torch.equal(not_none(update.after), update.slice_of(update.parameter))
    trained = {update.label for update in trace.updates if update.gradient is not None}
    assert trained == {"1 Linear", "2 BatchNorm1d", "4 Linear"}
