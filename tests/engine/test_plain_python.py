"""The engines in plain Python train as torch does."""

from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.datasets import CPU, ignore_progress
from tests.support.tiny_sessions import (
    flatten_parameters,
    make_dataset,
    make_experiment,
    train_steps,
)
from tuilab.core.experiment import plain_python, toml_file
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, with_value
from tuilab.core.protocol.events import Failed, LayerStatsReported
from tuilab.engine import checkpoint
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load
from tuilab.engine.device import devices
from tuilab.engine.session import Session
from tuilab.engine.tasks.plain_python import (
    MATRIX_LAYERS,
    MATRIX_LOSSES,
    SCALAR_LAYERS,
    SCALAR_LOSSES,
)
from tuilab.engine.tasks.task import OptimizerPhase
from tuilab.engine.train import train

ENGINES = ("scalar", "matrix")
EXACT: dict[str, Any] = {"rtol": 1e-10, "atol": 1e-10}
DEEP = (
    "Linear 6", "Tanh", ["Repeat 2", "Linear 6", "LeakyReLU 0.1"], "Linear 5 bias=false", "Sigmoid",
    ["Sequential", "Linear 4", "ReLU"], "Identity", "Flatten", "Linear 3",
)  # fmt: skip


def to_double(data: Dataset) -> Dataset:
    data.train, data.validation, data.test = (
        Examples(part.inputs.double(), part.targets)
        for part in (data.train, data.validation, data.test)
    )
    return data


def torch_session(experiment: Experiment, data: Dataset) -> Session:
    """Returns a session of the same experiment on torch's engine, in float64."""
    session = Session(
        "torch", with_value(experiment, "training.engine", "torch"), to_double(data), CPU
    )
    session.network.double()

    def compute_loss(inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        output = session.network(inputs)  # the task itself would convert to float32
        return session.task.loss(output, targets), output

    session.phases = (OptimizerPhase.for_part(session.network, compute_loss, session.optimizer),)
    return session


def train_plain_and_torch(
    engine: str, *network: Any, count: int = 12, **tables: Any
) -> tuple[Session, Session]:
    """Trains an engine in plain Python and torch on the same data for `count` steps."""
    experiment = make_experiment(*network, training={"engine": engine}, **tables)
    plain, by_torch = (
        Session("plain", experiment, make_dataset(), CPU),
        torch_session(experiment, make_dataset()),
    )
    for session in (plain, by_torch):
        train_steps(session, count)
    return plain, by_torch


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "tables",
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
def test_training_ends_at_the_weights_of_torch(engine: str, tables: dict[str, Any]) -> None:
    plain, by_torch = train_plain_and_torch(engine, *DEEP, **tables)

    torch.testing.assert_close(flatten_parameters(plain), flatten_parameters(by_torch), **EXACT)
    x = make_dataset().test.inputs
    torch.testing.assert_close(plain.predict(x), by_torch.predict(x.double()))


@pytest.mark.parametrize("engine", ENGINES)
def test_two_classes_and_regression_are_trained_as_with_torch(engine: str) -> None:
    cases: list[tuple[Dataset, dict[str, Any]]] = []
    for _ in range(2):
        cases.append((make_dataset(classes=2), {"data": {"name": "xor"}, "loss": {"name": "bce"}}))
        numbers = make_dataset()
        for part in (numbers.train, numbers.validation, numbers.test):
            part.targets = part.inputs[:, :1] * 2
        tables: dict[str, Any] = {
            "task": "regression",
            "data": {"name": "plane"},
            "loss": {"name": "mse"},
        }
        cases.append((numbers, tables))

    for (plain_data, tables), (torch_data, _) in zip(cases[:2], cases[2:], strict=True):
        experiment = make_experiment(
            "Linear 4", "Tanh", "Linear 1", training={"engine": engine}, **tables
        )
        plain = Session("plain", experiment, plain_data, CPU)
        for part in (torch_data.train, torch_data.validation, torch_data.test):
            is_number = part.targets.is_floating_point()
            part.targets = part.targets.double() if is_number else part.targets
        by_torch = torch_session(experiment, torch_data)
        for session in (plain, by_torch):
            train_steps(session, 12)
        torch.testing.assert_close(flatten_parameters(plain), flatten_parameters(by_torch), **EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_micro_batches_add_up_to_a_batch(engine: str) -> None:
    whole, _ = train_plain_and_torch(engine)
    experiment = make_experiment(training={"engine": engine, "accumulation": 3})
    accumulated = Session("accumulated", experiment, make_dataset(), CPU)
    train_steps(accumulated, 12)

    torch.testing.assert_close(flatten_parameters(accumulated), flatten_parameters(whole), **EXACT)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_frozen_layer_does_not_change(engine: str) -> None:
    plain, by_torch = train_plain_and_torch(engine, "Linear 4 frozen=true", "Tanh", "Linear 3")

    assert plain.parameters[0].grad is None
    torch.testing.assert_close(flatten_parameters(plain), flatten_parameters(by_torch), **EXACT)


def first_layer_stats(engine: str) -> LayerStatsReported:
    lines = "Linear 8", "ReLU", "Linear 5", "Tanh", "Linear 3"
    session = Session(
        "run",
        make_experiment(*lines, training={"engine": engine}),
        make_dataset(),
        CPU,
    )
    session.report_at_step = 1
    return next(event for event in train(session) if isinstance(event, LayerStatsReported))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_probe_reports_the_same_gradients_and_activations(engine: str) -> None:
    plain, by_torch = first_layer_stats(engine), first_layer_stats("torch")

    assert [layer.layer for layer in plain.layers] == ["1 Linear", "2 Linear", "3 Linear"]
    for actual, expected in zip(plain.layers, by_torch.layers, strict=True):
        assert actual.gradient_norm == pytest.approx(expected.gradient_norm, rel=1e-5)
    assert plain.activations and plain.inputs
    assert (plain.activations, plain.inputs) == (by_torch.activations, by_torch.inputs)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_resumes_from_a_checkpoint_bit_by_bit(engine: str) -> None:
    experiment = make_experiment(training={"engine": engine})
    uninterrupted, first, second = (
        Session("run", experiment, make_dataset(), CPU) for _ in range(3)
    )
    train_steps(uninterrupted, 10)
    train_steps(first, 4)

    checkpoint.restore_state(second, checkpoint.capture_state(first))
    train_steps(second, 6)

    assert torch.equal(flatten_parameters(second), flatten_parameters(uninterrupted))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_learning_rate_that_is_far_too_high_fails_the_run(engine: str) -> None:
    experiment = make_experiment(
        "Linear 8", "ReLU", "Linear 3", epochs=60, optimizer={"name": "sgd", "lr": 1000.0},
        loss={"name": "mse"}, training={"engine": engine},
    )  # fmt: skip

    events = list(train(Session("run", experiment, make_dataset(), CPU)))

    assert isinstance(events[-1], Failed)


def test_the_engines_support_what_the_validation_allows() -> None:
    names = {kind.__name__ for kind in plain_python.SUPPORTED_LAYERS} - {
        "Identity", "Flatten", "Sequential", "Repeat",
    }  # fmt: skip
    for table in (SCALAR_LAYERS, MATRIX_LAYERS):
        assert {module.__name__ for module in table} == names
    assert set(SCALAR_LOSSES) == set(MATRIX_LOSSES) == set(plain_python.SUPPORTED_LOSSES)


def test_plain_python_runs_on_the_cpu() -> None:
    plain = experiment_from_dict({"training": {"engine": "matrix"}})

    assert devices.device_for(plain.training) == CPU


@pytest.mark.parametrize("engine", ENGINES)
def test_the_preset_learns_xor(engine: str) -> None:
    preset = toml_file.read(toml_file.find_presets()["xor-from-scratch"].path)
    session = Session(
        "run",
        with_value(preset, "training.engine", engine),
        load(preset, CPU, ignore_progress),
        CPU,
    )

    assert not [event for event in train(session) if isinstance(event, Failed)]

    results = session.finished_event("done").results
    assert results["train"]["accuracy"] == results["validation"]["accuracy"] == 1
    assert results["test"]["accuracy"] > 0.99, "random points can be very close to the border"
