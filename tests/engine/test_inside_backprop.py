"""The next step in slow motion: its numbers are autograd's, and looking changes nothing."""

from copy import deepcopy
from math import isfinite, prod
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.datasets import CPU
from tests.support.network_strategies import example_line
from tests.support.tiny_sessions import make_experiment, make_session, train_steps
from tuilab.core.network.plan import plan
from tuilab.core.network.registry import LAYERS
from tuilab.core.protocol.inspect.backprop_messages import (
    BackpropRequest,
    BackpropResponse,
    NumberTable,
    Phase,
)
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.inspect.backprop.backprop_inspector import BackpropInspector
from tuilab.engine.inspect.backprop.optimizer_update import decompose_update
from tuilab.engine.inspect.backprop.replay import StepTrace, replay
from tuilab.engine.session import Session

pytestmark = pytest.mark.usefixtures("passed_exercises")

NET = ("Linear 8", "BatchNorm1d", "Tanh", "Dropout 0.4", "Linear 3")


def record(subject: Session, **wanted: Any) -> StepTrace:
    found = replay(subject, BackpropRequest(**wanted))
    assert isinstance(found, StepTrace)
    return found


def phase(seen: BackpropResponse, part: str, label: str = "", towards: str = "") -> Phase:
    return next(
        p
        for p in seen.phases
        if (p.part, p.gradient_of) == (part, towards) and p.label.endswith(label)
    )


def column(table: NumberTable, name: str) -> list[float]:
    return next(numbers.values for numbers in table.columns if numbers.name == name)


# --- the session stays as it was ------------------------------------------------------------------


OPTIMIZERS = [
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

OTHERS = [
    {"name": name} for name in ("adagrad", "adadelta", "nadam", "radam", "lion", "muon", "lbfgs")
]


def named(optimizer: dict[str, Any]) -> str:
    return "-".join(str(value) for value in optimizer.values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS + OTHERS, ids=named)
@pytest.mark.parametrize("steps", [0, 7])
def test_the_real_step_gives_bit_by_bit_the_weights_that_were_shown(
    optimizer: dict[str, Any], steps: int
) -> None:
    subject = make_session(*NET, optimizer=optimizer, training={"clip_grad_norm": 0.5})
    if steps:
        train_steps(subject, steps)

    found = record(subject, with_graph=True)
    train_steps(subject, 1)

    assert found.updates
    for moved in found.updates:
        assert moved.after is not None
        assert torch.equal(moved.after, moved.slice_of(moved.parameter))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=named)
def test_the_parts_of_a_move_add_up_to_it(optimizer: dict[str, Any]) -> None:
    knobs = {"l1": 0.001, "l2": 0.01, "max_norm": 1.0}
    subject = make_session(*NET, optimizer=optimizer, regularization=knobs)
    train_steps(subject, 3)

    for moved in record(subject).updates:
        assert moved.after is not None
        found = decompose_update(moved)
        move = moved.after.double() - moved.before.double()
        rest = torch.stack(list(found.values())).sum(0) - move
        assert float(rest.abs().max()) < 1e-6
        assert "by the gradient" in found
        assert ("by weight decay" in found) == bool(
            optimizer.get("weight_decay") and "weight" in moved.name and moved.before.ndim
            and moved.parameter.ndim > 1
        )  # fmt: skip
        assert ("by the momentum" in found) == ((optimizer["name"] != "rmsprop"
            and bool(optimizer.get("momentum") or "adam" in optimizer["name"]))
            or (optimizer["name"] == "rmsprop" and bool(optimizer.get("momentum"))))  # fmt: skip


def test_a_run_with_looks_ends_as_one_without() -> None:
    options: dict[str, Any] = {
        "optimizer": {"name": "adamw", "lr": 0.01}, "averaging": {"name": "ema"},
        "augmentation": {"noise": 0.1, "mixup": 0.4}, "regularization": {"gradient_noise": 0.1},
        "training": {"accumulation": 2}, "epochs": 4,
    }  # fmt: skip
    plain, looked = make_session(*NET, **options), None
    train_steps(plain, 14)
    chance = torch.get_rng_state()
    looked = make_session(*NET, **options)
    eye = BackpropInspector(looked)
    for number in range(14):
        gradients = [parameter.grad for parameter in looked.parameters]
        copies = [None if one is None else one.clone() for one in gradients]
        modes = [module.training for module in looked.network.modules()]
        eye.inspect(BackpropRequest(example=number, with_graph=number % 2 == 0))
        assert [module.training for module in looked.network.modules()] == modes
        for parameter, one, copy in zip(looked.parameters, gradients, copies, strict=True):
            assert parameter.grad is one and (one is None or torch.equal(one, copy))  # type: ignore[arg-type]
        assert "backpropagate" not in vars(looked.task)
        train_steps(looked, 1)

    assert torch.equal(torch.get_rng_state(), chance)
    state = looked.network.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in plain.network.state_dict().items()
    )
    for one, other in zip(plain.parameters, looked.parameters, strict=True):
        assert plain.optimizer.state[one].keys() == looked.optimizer.state[other].keys()
        for name, memory in plain.optimizer.state[one].items():
            assert torch.equal(memory, looked.optimizer.state[other][name])
    assert torch.equal(plain.task.average._average[0], looked.task.average._average[0])


# --- gradients against autograd -------------------------------------------------------------------


FLAT, ROWS, PICTURE = (12,), (4, 8), (4, 8, 8)

SHAPED: dict[str, Any] = {
    "Unflatten": ("Unflatten (3,4)", FLAT), "PatchEmbedding": ("PatchEmbedding 4 6", PICTURE),
    "Linear": ("Linear 5", ROWS), "Flatten": ("Flatten", ROWS),
    "Residual": (("Residual", "Linear 12", "Tanh"), FLAT),
    "Repeat": (("Repeat 3", "Linear 12", "ReLU"), FLAT),
    "Parallel": (("Parallel", "Linear 5", ["Sequential", "Linear 4", "Tanh"]), FLAT),
}  # fmt: skip

KINDS = [
    name for name in LAYERS
    if name not in ("Backbone", "GraphConvolution", "Encoder", "Decoder", "Generator",
                    "Discriminator", "Sequential")
]  # fmt: skip


def built(line: Any, shape: tuple[int, ...]) -> Session:
    """A session in which a gradient comes back through a layer, to one with weights before it."""
    sizes = ",".join(map(str, shape))
    network = (f"Linear {prod(shape)}", f"Unflatten ({sizes})", line, "Flatten", "Linear 3")
    return make_session(*network, batch_size=5)


def of_tokens() -> Session:
    """A language model on random letters."""
    letters = torch.randint(97, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Examples(letters[:, :-1], letters[:, 1:])
    knobs = make_experiment(
        "Embedding 4", "Linear 97", data={"name": "python_source", "length": 7},
        task={"name": "language_model"}, batch_size=5,
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    return Session("run", knobs, Dataset(part, part, part, vocabulary=vocabulary), CPU)


def session_of(name: str) -> Session:
    if name == "Embedding":
        return of_tokens()
    if name in SHAPED:
        return built(*SHAPED[name])
    line = example_line(LAYERS[name]).replace("16", "4")
    for shape in (FLAT, ROWS, PICTURE):
        if plan((line, "Flatten", "Linear 3"), shape).is_valid:
            return built(line, shape)
    raise AssertionError(f"no input for {line}")


class Oracle:
    """The same batch through a copy of the network, by autograd alone."""

    def __init__(self, subject: Session) -> None:
        network = deepcopy(subject.network)
        self.outputs: list[tuple[nn.Module, Tensor]] = []
        twins = dict(zip(network.modules(), subject.network.modules(), strict=True))
        for module in network.modules():
            module.register_forward_hook(self._keep(twins))
        batch = subject.next_batch()
        assert batch is not None
        state = torch.get_rng_state()
        loss = subject.task.loss(network(batch[0]).float(), batch[1])
        torch.set_rng_state(state)
        loss.backward()  # type: ignore[no-untyped-call]
        self.loss = float(loss.detach())
        self.gradients = {
            twin: parameter.grad
            for parameter, twin in zip(
                network.parameters(), subject.network.parameters(), strict=True
            )
        }

    def _keep(self, twins: dict[nn.Module, nn.Module]) -> Any:
        def hook(module: nn.Module, inputs: Any, output: Any) -> None:
            output = output[0] if isinstance(output, tuple) else output
            if isinstance(output, Tensor) and output.requires_grad:
                output.retain_grad()  # type: ignore[no-untyped-call]
                self.outputs.append((twins[module], output))

        return hook

    def of(self, module: nn.Module, label: str) -> Tensor:
        """What it gave, at the call that the label tells."""
        outputs = [output for other, output in self.outputs if other is module]
        return outputs[int(label.partition("(pass ")[2].rstrip(")") or 1) - 1]


@pytest.mark.parametrize("name", KINDS)
def test_every_gradient_is_that_of_autograd(name: str) -> None:
    subject = session_of(name)
    oracle = Oracle(subject)
    example = 2

    found = record(subject, example=example)

    assert found.loss == oracle.loss
    assert found.calls and found.updates
    for stop in found.calls:
        output = oracle.of(stop.module, stop.label) if stop.requires_grad else None
        if output is not None and stop.output is not None:
            assert torch.equal(stop.output, output[example])
            assert output.grad is None or stop.output_gradient is not None
            if output.grad is not None and stop.output_gradient is not None:
                assert torch.equal(stop.output_gradient, output.grad[example])
    backs = [stop for stop in found.calls if stop.input_gradient is not None]
    assert backs or name == "Embedding"
    for moved in found.updates:
        expected = oracle.gradients[moved.parameter]
        assert (moved.gradient is None) == (expected is None)
        if expected is not None and moved.gradient is not None:
            assert torch.equal(moved.gradient, expected)


@pytest.mark.parametrize("name", ["Linear", "Conv2d", "LSTM", "DecoderBlock", "Parallel", "Tanh"])
def test_the_tables_hold_what_was_recorded(name: str) -> None:
    subject = session_of(name)
    oracle = Oracle(subject)

    seen = BackpropInspector(subject).inspect(BackpropRequest(example=2))

    told = [p for p in seen.phases if p.part == "backward" and p.gradient_of == "weights"]
    assert told
    by_label = {
        f"dL/d{name}": oracle.gradients[parameter].reshape(-1)  # type: ignore[union-attr]
        for name, parameter in subject.network[0].named_parameters()
    }
    first = next(p for p in told if p.label == "1 Linear")
    for table in first.tables[1:]:
        expected = by_label[table.title][: len(table.row_names)]
        assert column(table, table.title) == expected.tolist()


# --- what the tables say --------------------------------------------------------------------------


def test_a_sum_says_how_it_came_about() -> None:
    subject = make_session("Linear 4", "Tanh", "Linear 3")

    seen = BackpropInspector(subject).inspect(BackpropRequest(example=1))

    forward = phase(seen, "forward", "2 Linear").tables[0]
    for value, origin in zip(column(forward, "z"), forward.derivations, strict=True):
        assert origin.row_names == ["1", "2", "3", "4", "bias"]
        assert sum(origin.columns[2].values) == pytest.approx(value, abs=1e-6)
    back = phase(seen, "backward", "2 Linear", "input").tables[0]
    for value, origin in zip(column(back, "dL/da"), back.derivations, strict=True):
        assert sum(origin.columns[2].values) == pytest.approx(value, abs=1e-7)
    tanh = phase(seen, "backward", "Tanh", "input").tables[0]
    up, local, down = (numbers.values for numbers in tanh.columns)
    assert [u * f for u, f in zip(up, local, strict=True)] == pytest.approx(down, abs=1e-7)


def test_a_patch_of_a_convolution_adds_up_and_the_slice_is_told() -> None:
    subject = session_of("Conv2d")

    seen = BackpropInspector(subject).inspect(BackpropRequest(slice=2))

    table = phase(seen, "forward", "Conv2d").tables[0]
    assert (table.first, table.total) == (48, 4 * 6 * 6)
    assert table.row_names[0] == "2,3,1"
    for value, origin in zip(column(table, "z"), table.derivations, strict=True):
        assert origin.row_names[-2:] == ["24 others", "bias"]
        assert sum(origin.columns[2].values) == pytest.approx(value, abs=1e-5)


def test_dropout_is_shown_with_the_mask_that_the_real_step_draws() -> None:
    subject = make_session("Linear 8", "Dropout 0.5", "Linear 3")
    seen = BackpropInspector(subject).inspect(BackpropRequest())
    kept: list[Tensor] = []
    subject.network[1].register_forward_hook(lambda m, i, o: kept.append(o[0] / i[0][0]))

    train_steps(subject, 1)

    mask = column(phase(seen, "forward", "Dropout").tables[0], "mask")
    assert mask == kept[0].tolist() and 0 in mask and 2 in mask


def test_nodes_of_the_graph_multiply() -> None:
    subject = make_session("Linear 4", "Sigmoid", "Linear 3", "Tanh")

    nodes = BackpropInspector(subject).inspect(BackpropRequest(example=3, with_graph=True)).nodes

    assert nodes[0].name == "NllLossBackward0" and nodes[0].upstream == [1.0]
    tanh = next(node for node in nodes if node.name == "TanhBackward0")
    assert tanh.layer == "Tanh" and len(tanh.value) == 3
    for value, up, local, product in zip(
        tanh.value, tanh.upstream, tanh.edges[0].local, tanh.edges[0].product, strict=True
    ):
        assert local == pytest.approx(1 - value**2, abs=1e-5)
        assert product == pytest.approx(up * local, abs=1e-8)
    product = next(node for node in nodes if node.name == "AddmmBackward0")
    linear = subject.network[2]
    assert isinstance(linear, nn.Linear)
    assert product.edges[1].weights == linear.weight.tolist()
    assert nodes[product.edges[0].to].description == "2 Linear bias"


def test_clipping_penalty_and_moments_are_told() -> None:
    subject = make_session(
        "Linear 4", "Linear 3", optimizer={"name": "adam"}, regularization={"l2": 0.1},
        training={"clip_grad_norm": 0.01},
    )  # fmt: skip
    train_steps(subject, 2)

    seen = BackpropInspector(subject).inspect(BackpropRequest(phase=99))

    told = phase(seen, "optimizer", "1 Linear weight")
    names = told.tables[0].derivations[0].row_names
    values = told.tables[0].derivations[0].columns[0].values
    of = dict(zip(names, values, strict=True))
    assert of["gradient of the penalties"] == pytest.approx(0.1 * of["old weight"], rel=1e-3)
    assert of["first moment m after"] == pytest.approx(
        0.9 * of["first moment m before"] + 0.1 * of["gradient after clipping"], rel=1e-4
    )
    assert of["new weight"] == pytest.approx(of["old weight"] + of["update in all"], abs=1e-7)
    assert "left 0.01" in told.facts[1]


# --- other tasks ----------------------------------------------------------------------------------


def test_the_perceptron_rule_shows_its_correction() -> None:
    subject = make_session(
        "Linear 1", "Step", task={"name": "perceptron"}, loss={"name": "zero_one"},
        optimizer={"name": "sgd"},
    )  # fmt: skip
    subject.dataset.train.targets.clamp_(max=1)

    seen = BackpropInspector(subject).inspect(BackpropRequest())

    assert "no derivative" in seen.note
    told = phase(seen, "backward", "1 Linear", "weights")
    assert told.tables[0].title == "dL/dweight" and "Nothing is differentiated" in told.facts[0]


def test_a_gan_shows_the_side_that_is_asked_for() -> None:
    subject = make_session(
        ["Generator", "Linear 8", "ReLU", "Linear 2"],
        ["Discriminator", "Linear 8", "ReLU", "Linear 1"],
        task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"},
    )  # fmt: skip
    eye = BackpropInspector(subject)
    judge, maker = (
        eye.inspect(BackpropRequest(optimizer_phase=turn, phase=999)) for turn in (0, 1)
    )

    assert judge.optimizer_phases == ["the discriminator", "the generator"]
    assert judge.optimizer_phase == 0 and maker.optimizer_phase == 1
    learned = [{p.label for p in seen.phases if p.part == "optimizer"} for seen in (judge, maker)]
    assert learned[0] and learned[1] and not learned[0] & learned[1]
    # The generator is judged by a discriminator that has already learned in this step.
    maker = eye.inspect(BackpropRequest(optimizer_phase=1, phase=12))
    told = phase(maker, "backward", "4 Linear", "input").tables[0]
    assert told.derivations[0].row_names == ["1"]


@pytest.mark.parametrize("engine", ["scalar", "matrix"])
def test_an_engine_from_scratch_shows_what_it_has(engine: str) -> None:
    subject = make_session("Linear 4", "Tanh", "Linear 3", training={"engine": engine})
    subject.network.double()

    seen = BackpropInspector(subject).inspect(BackpropRequest())

    assert "from scratch" in seen.note
    assert column(phase(seen, "forward", "Tanh").tables[0], "a")
    assert phase(seen, "backward", "1 Linear", "weights").tables


def test_at_the_end_there_is_no_next_step_and_between_epochs_there_is() -> None:
    subject = make_session(epochs=2)
    train_steps(subject, 6)
    seen = BackpropInspector(subject).inspect(BackpropRequest())
    assert "first of the next" in seen.phases[0].facts[1]

    train_steps(subject, 6)
    seen = BackpropInspector(subject).inspect(BackpropRequest())
    assert not seen.phases and "no next step" in seen.note


def test_numbers_that_are_not_finite_do_not_stop_it() -> None:
    subject = make_session("Linear 4", "ReLU", "Linear 3")
    with torch.no_grad():
        subject.parameters[0].fill_(float("inf"))

    seen = BackpropInspector(subject).inspect(BackpropRequest(with_graph=True))

    values = column(phase(seen, "forward", "1 Linear").tables[0], "z")
    assert not any(isfinite(value) for value in values)


def test_phases_far_away_come_without_numbers() -> None:
    lines = ["Linear 4", "Tanh"] * 12
    subject = make_session(*lines, "Linear 3")

    seen = BackpropInspector(subject).inspect(BackpropRequest(phase=0))

    assert seen.phases[0].has_numbers and not seen.phases[-1].has_numbers
    assert not seen.phases[-1].tables


def test_a_costly_look_rests_while_training_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuilab.engine.inspect.backprop.backprop_inspector.CHEAP", 0.0)
    monkeypatch.setattr("tuilab.engine.inspect.backprop.backprop_inspector.PAUSE_FACTOR", 1e9)
    subject = make_session()
    eye = BackpropInspector(subject)
    assert not eye.inspect(BackpropRequest()).is_outdated

    train_steps(subject, 1)
    old = eye.inspect(BackpropRequest())
    now = eye.inspect(BackpropRequest())  # it waits between two steps

    assert old.is_outdated and old.step == 0
    assert not now.is_outdated and now.step == 1
    train_steps(subject, 1)
    assert eye.inspect(BackpropRequest(example=1)).step == 2


SETTINGS: list[dict[str, Any]] = [
    {"training": {"checkpointing": True}},
    {"training": {"accumulation": 3}},
    {"training": {"precision": "bf16"}},
    {"augmentation": {"mixup": 0.3, "noise": 0.1}},
    {"regularization": {"gradient_noise": 0.1, "max_norm": 0.5}},
    {"schedule": {"name": "one_cycle"}},
    {"task": {"name": "autoencoder", "noise": 0.2}, "loss": {"name": "mse"}},
]


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda found: str(next(iter(found.values()))))
def test_the_real_step_is_the_one_that_was_shown_whatever_is_on(settings: dict[str, Any]) -> None:
    last = "Linear 2" if "task" in settings else "Linear 3"
    frozen = "Linear 8 frozen=true"
    subject = make_session(
        "Linear 8", "BatchNorm1d", "Tanh", "Dropout 0.4", frozen, last, **settings
    )  # fmt: skip
    train_steps(subject, 5)

    found = record(subject, example=7, with_graph=True)
    train_steps(subject, 1)

    assert [stop.label for stop in found.calls].count("Tanh") == 1
    assert all(stop.output is not None for stop in found.calls)
    for moved in found.updates:
        assert moved.after is not None
        assert torch.equal(moved.after, moved.slice_of(moved.parameter))
    learned = {moved.label for moved in found.updates if moved.gradient is not None}
    assert learned == {"1 Linear", "2 BatchNorm1d", "4 Linear"}
