"""An engine in plain Python trains in the lab as torch does."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.tiny import CPU, dataset, experiment, steps, weights
from tuilab.core.experiment import plain_python, toml_file
from tuilab.core.experiment.experiment import Experiment, from_plain, with_value
from tuilab.core.protocol.events import Failed, LayerStatsReported
from tuilab.engine import checkpoint
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.data.load import load
from tuilab.engine.device import devices
from tuilab.engine.session import Session
from tuilab.engine.tasks.plain_python import MATRIX, MATRIX_LOSSES, SCALAR, SCALAR_LOSSES
from tuilab.engine.tasks.task import OptimizerPhase
from tuilab.engine.train import train

ENGINES = ("scalar", "matrix")
EXACT = {"rtol": 1e-10, "atol": 1e-10}
DEEP = (
    "Linear 6", "Tanh", ["Repeat 2", "Linear 6", "LeakyReLU 0.1"], "Linear 5 bias=false", "Sigmoid",
    ["Sequential", "Linear 4", "ReLU"], "Identity", "Flatten", "Linear 3",
)  # fmt: skip


def in_double(data: Dataset) -> Dataset:
    data.train, data.validation, data.test = (
        Part(part.inputs.double(), part.targets)
        for part in (data.train, data.validation, data.test)
    )
    return data


def by_torch(wanted: Experiment, data: Dataset) -> Session:
    """The same run on torch's engine, in float64."""
    session = Session("torch", with_value(wanted, "training.engine", "torch"), in_double(data), CPU)
    session.network.double()

    def backward(inputs: Tensor, wanted: Tensor, share: float) -> tuple[Tensor, Tensor]:
        output = session.network(inputs)  # a task itself would go on in float32
        loss = session.task.loss(output, wanted)
        session.task.push(loss, share)
        return loss.detach(), output.detach()

    session.phases = (OptimizerPhase.of(session.network, backward, session.optimizer),)
    return session


def trained(engine: str, *network: Any, count: int = 12, **knobs: Any) -> tuple[Session, Session]:
    """So many steps of both."""
    wanted = experiment(*network, training={"engine": engine}, **knobs)
    mine, theirs = Session("mine", wanted, dataset(), CPU), by_torch(wanted, dataset())
    for session in (mine, theirs):
        steps(session, count)
    return mine, theirs


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "knobs",
    [
        {},
        {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}},
        {"loss": {"name": "mse"}},
        {"loss": {"name": "cross_entropy", "label_smoothing": 0.1}},
        {"regularization": {"l1": 0.01, "l2": 0.01, "max_norm": 1.0}},
        {"optimizer": {"name": "lbfgs"}, "batch_size": 0, "count": 1},
        {"averaging": {"name": "ema", "decay": 0.5}},
    ],
    ids=["adamw", "momentum", "mse", "smoothed", "penalties", "lbfgs", "averaged"],
)
def test_training_ends_where_that_of_torch_does(engine: str, knobs: dict[str, Any]) -> None:
    mine, theirs = trained(engine, *DEEP, **knobs)

    torch.testing.assert_close(weights(mine), weights(theirs), **EXACT)
    x = dataset().test.inputs
    torch.testing.assert_close(mine.predict(x), theirs.predict(x.double()))


@pytest.mark.parametrize("engine", ENGINES)
def test_two_classes_and_numbers_are_learned_alike(engine: str) -> None:
    cases: list[tuple[Dataset, dict[str, Any]]] = []
    for _ in range(2):
        cases.append((dataset(classes=2), {"data": {"name": "xor"}, "loss": {"name": "bce"}}))
        numbers = dataset()
        for part in (numbers.train, numbers.validation, numbers.test):
            part.targets = part.inputs[:, :1] * 2
        knobs = {"task": "regression", "data": {"name": "plane"}, "loss": {"name": "mse"}}
        cases.append((numbers, knobs))

    for (mine_on, knobs), (theirs_on, _) in zip(cases[:2], cases[2:], strict=True):
        wanted = experiment("Linear 4", "Tanh", "Linear 1", training={"engine": engine}, **knobs)
        mine = Session("mine", wanted, mine_on, CPU)
        for part in (theirs_on.train, theirs_on.validation, theirs_on.test):
            is_number = part.targets.is_floating_point()
            part.targets = part.targets.double() if is_number else part.targets
        theirs = by_torch(wanted, theirs_on)
        for session in (mine, theirs):
            steps(session, 12)
        torch.testing.assert_close(weights(mine), weights(theirs), **EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_parts_of_a_batch_add_up_to_it(engine: str) -> None:
    whole, _ = trained(engine)
    wanted = experiment(training={"engine": engine, "accumulation": 3})
    parts = Session("parts", wanted, dataset(), CPU)
    steps(parts, 12)

    torch.testing.assert_close(weights(parts), weights(whole), **EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frozen_layer_stays(engine: str) -> None:
    mine, theirs = trained(engine, "Linear 4 frozen=true", "Tanh", "Linear 3")

    assert mine.parameters[0].grad is None
    torch.testing.assert_close(weights(mine), weights(theirs), **EXACT)


def first_probe(engine: str) -> LayerStatsReported:
    lines = "Linear 8", "ReLU", "Linear 5", "Tanh", "Linear 3"
    session = Session("run", experiment(*lines, training={"engine": engine}), dataset(), CPU)
    session.report_at_step = 1
    return next(event for event in train(session) if isinstance(event, LayerStatsReported))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_probe_sees_the_same_gradients_and_activations(engine: str) -> None:
    mine, theirs = first_probe(engine), first_probe("torch")

    assert [layer.layer for layer in mine.layers] == ["1 Linear", "2 Linear", "3 Linear"]
    for found, expected in zip(mine.layers, theirs.layers, strict=True):
        assert found.gradient == pytest.approx(expected.gradient, rel=1e-5)
    assert mine.activities and mine.inputs
    assert (mine.activities, mine.inputs) == (theirs.activities, theirs.inputs)


@pytest.mark.parametrize("engine", ENGINES)
def test_it_goes_on_from_a_checkpoint_bit_by_bit(engine: str) -> None:
    wanted = experiment(training={"engine": engine})
    through, first, second = (Session("run", wanted, dataset(), CPU) for _ in range(3))
    steps(through, 10)
    steps(first, 4)

    checkpoint.put_back(second, checkpoint.state(first))
    steps(second, 6)

    assert torch.equal(weights(second), weights(through))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_rate_that_is_far_too_high_is_told_as_ever(engine: str) -> None:
    wanted = experiment(
        "Linear 8", "ReLU", "Linear 3", epochs=60, optimizer={"name": "sgd", "lr": 1000.0},
        loss={"name": "mse"}, training={"engine": engine},
    )  # fmt: skip

    events = list(train(Session("run", wanted, dataset(), CPU)))

    assert isinstance(events[-1], Failed)


def test_the_lab_knows_what_the_engines_know() -> None:
    words = {kind.__name__ for kind in plain_python.LAYERS} - {
        "Identity", "Flatten", "Sequential", "Repeat",
    }  # fmt: skip
    for table in (SCALAR, MATRIX):
        assert {module.__name__ for module in table} == words
    assert set(SCALAR_LOSSES) == set(MATRIX_LOSSES) == set(plain_python.LOSSES)


def test_plain_python_runs_on_the_cpu() -> None:
    plain = from_plain({"training": {"engine": "matrix"}})

    assert devices.of(plain.training) == CPU


@pytest.mark.parametrize("engine", ENGINES)
def test_the_preset_learns_xor(engine: str) -> None:
    preset = toml_file.read(toml_file.presets()["xor-from-scratch"].path)
    session = Session("run", with_value(preset, "training.engine", engine), load_xor(preset), CPU)

    assert not [event for event in train(session) if isinstance(event, Failed)]

    results = session.finished("done").results
    assert results["train"]["accuracy"] == results["validation"]["accuracy"] == 1
    assert results["test"]["accuracy"] > 0.99, "points lie as near the borders as chance has it"


def load_xor(preset: Experiment) -> Dataset:
    return load(preset, CPU, lambda *_: None)
