"""A run on the CPU that resumes from a checkpoint ends bitwise as an uninterrupted one."""

from collections.abc import Callable
from itertools import count, islice
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.bitwise import find_differences
from tests.support.datasets import CPU, ignore_progress
from tests.support.installed_optimizers import INSTALLED_OPTIMIZERS
from tests.support.passed_exercises import pass_exercise
from tests.support.tiny_sessions import make_dataset, make_experiment, train_steps
from tuilab.core.catalogue.schedules import SCHEDULES
from tuilab.core.experiment.experiment import experiment_from_dict, name_of
from tuilab.core.experiment.validation import find_errors
from tuilab.engine import checkpoint
from tuilab.engine.checkpoint_store import CheckpointStore
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

StartRun = Callable[[], Session]
"""Starts the same run each time."""

LINES = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
EPOCH = 6
"""Steps in an epoch: 57 examples in batches of 10."""


def on_points(*lines: Any, epochs: int = 4, **tables: Any) -> StartRun:
    """Returns a function that starts a run on points."""
    experiment = make_experiment(*(lines or LINES), epochs=epochs, **tables)
    return lambda: Session("run", experiment, make_dataset(), CPU)


def on_data(name: str, *lines: Any, epochs: int = 2, **tables: Any) -> StartRun:
    """Returns a function that starts a run on a data set of the catalogue."""
    data = {"name": name, **tables.pop("data", {})}
    training = {"epochs": epochs, "device": "cpu"}
    experiment = experiment_from_dict(
        {"network": lines, "data": data, "training": training, **tables}
    )
    assert find_errors(experiment) == []
    return lambda: Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)


def train_to_end(session: Session) -> dict[str, Any]:
    """Trains a session; returns its final state without what depends on the clock."""
    list(train(session))
    state = checkpoint.capture_state(session)
    del state["seconds"]
    if not session.needs_every_validation:  # the clock decides which epochs are measured
        del state["validation_losses"]
    return state


def resume_to_end(start: StartRun, interrupted: Session, path: Path) -> dict[str, Any]:
    """Returns the final state of a run that resumes from a checkpoint of another session."""
    saved = CheckpointStore(path).save(interrupted)
    resumed = start()
    torch.rand(13)
    checkpoint.load(resumed, Path(saved.path))
    return train_to_end(resumed)


def differences_after_resuming(start: StartRun, stops: tuple[int, ...], path: Path) -> list[str]:
    """Returns the differences between interrupted runs and an uninterrupted one."""
    expected, differences = train_to_end(start()), []
    for stop in stops:
        interrupted = start()
        train_steps(interrupted, stop)
        state = resume_to_end(start, interrupted, path)
        differences += [f"after step {stop}: {p}" for p in find_differences(expected, state)]
    return differences


STOPS = (1, EPOCH + 2, 3 * EPOCH)
"""After the first step, in the middle of an epoch, and after the last batch of one."""


@pytest.mark.parametrize("name", [name_of(kind) for kind in INSTALLED_OPTIMIZERS])
def test_resuming_with_every_optimizer(name: str, tmp_path: Path) -> None:
    pass_exercise("optimizers")
    options = {"momentum": 0.9} if name == "sgd" else {}
    start = on_points(optimizer={"name": name, **options}, epochs=3 if name == "lbfgs" else 4)

    assert differences_after_resuming(start, STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize("name", [name_of(kind) for kind in SCHEDULES])
def test_resuming_with_every_schedule(name: str, tmp_path: Path) -> None:
    options = {"patience": 1} if name == "plateau" else {}
    start = on_points(schedule={"name": name, **options}, optimizer={"name": "adamw", "lr": 0.05})

    assert differences_after_resuming(start, STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize(
    "tables",
    [
        {"augmentation": {"noise": 0.2}},
        {"augmentation": {"mixup": 0.4}},
        {"averaging": {"name": "ema"}},
        {"averaging": {"name": "swa", "start": 0.3}},
        {"averaging": {"name": "ema"}, "regularization": {"patience": 1, "min_delta": 0.05}},
        {"regularization": {"gradient_noise": 0.1, "l1": 1e-3, "l2": 1e-3, "max_norm": 2.0}},
        {"training": {"precision": "bf16"}},
        {"training": {"accumulation": 3, "checkpointing": True}},
        {"training": {"clip_grad_norm": 0.1, "clip_grad_value": 0.05}},
        {"loss": {"name": "cross_entropy", "label_smoothing": 0.1}, "batch_size": 0},
        {"initialization": {"weights": "lsuv"}, "seed": 5},
    ],
    ids=str,
)
def test_resuming_with_every_kind_of_random_numbers_and_state(
    tables: dict[str, Any], tmp_path: Path
) -> None:
    assert differences_after_resuming(on_points(**tables), STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize(
    "start",
    [
        on_data("glyphs", "Conv2d 4 kernel_size=3", "BatchNorm2d", "Dropout2d 0.2", "Flatten",
               "Linear 10", data={"samples": 80, "batch_size": 24},
               augmentation={"shift": 1, "rotation": 9.0, "crop": 0.2, "flip": 0.5, "cutout": 2}),
        on_data("glyphs", ["Encoder", "Flatten", "Linear 8", "Reparameterization"],
               ["Decoder", "Linear 784", "Unflatten (1,28,28)"], loss={"name": "mse"},
               data={"samples": 80, "batch_size": 24}, task={"name": "autoencoder", "noise": 0.1}),
        on_data("gaussians_ring", ["Generator", "Linear 8", "ReLU", "Linear 2"],
               ["Discriminator", "Linear 8", "ReLU", "Dropout 0.2", "Linear 1"],
               loss={"name": "bce"}, averaging={"name": "ema"},
               data={"samples": 80, "batch_size": 16}, task={"name": "gan", "latent": 3}),
        on_data("copy", "Embedding 8", "GRU 8 returns=sequence dropout=0.2 num_layers=2",
               "Linear 8", data={"samples": 60, "delay": 4, "batch_size": 16}),
        on_data("communities", "GraphConvolution 8", "Dropout 0.3", "GraphConvolution 4", epochs=9),
        on_data("gauss", "Linear 1", "Step", task="perceptron", loss={"name": "zero_one"},
               data={"samples": 60, "batch_size": 16}),
        on_data("sine", "DropConnect 8 p=0.2", "Tanh", "Linear 1", task="regression",
               loss={"name": "mse"}, data={"samples": 60, "batch_size": 16}),
    ],
    ids=["images", "autoencoder", "gan", "sequences", "graph", "perceptron", "regression"],
)  # fmt: skip
def test_resuming_in_every_task(start: StartRun, tmp_path: Path) -> None:
    assert differences_after_resuming(start, (1, 4), tmp_path / "checkpoint.pt") == []


def test_resuming_from_every_pause_point(tmp_path: Path) -> None:
    start = on_points(
        "Linear 4", "BatchNorm1d", "Dropout 0.3", "ReLU", "Linear 3", epochs=3,
        optimizer={"name": "muon"}, schedule={"name": "plateau", "patience": 0},
        averaging={"name": "ema"}, regularization={"patience": 1, "gradient_noise": 0.01},
        augmentation={"noise": 0.1}, training={"accumulation": 2},
    )  # fmt: skip
    expected = train_to_end(start())

    for pauses in count(1):
        interrupted = start()
        loop = train(interrupted)
        if len(list(islice(loop, pauses))) < pauses:
            break
        loop.close()
        state = resume_to_end(start, interrupted, tmp_path / "checkpoint.pt")
        assert find_differences(expected, state) == [], pauses

    assert pauses > 3 * EPOCH


def test_resuming_several_times(tmp_path: Path) -> None:
    start = on_points(optimizer={"name": "adam"})
    session, path = start(), tmp_path / "checkpoint.pt"
    for _ in range(3):
        train_steps(session, 5)
        CheckpointStore(path).save(session)
        session = start()
        checkpoint.load(session, path)

    assert find_differences(train_to_end(session), train_to_end(start())) == []


def test_resuming_with_knobs_that_changed_during_the_run(tmp_path: Path) -> None:
    def train_with_changes() -> Session:
        session = on_points(optimizer={"name": "sgd"})()
        train_steps(session, 3)
        session.set_knob("optimizer.name", "adamw")
        train_steps(session, 5)
        for key, value in {
            "optimizer.lr": 0.02, "optimizer.weight_decay": 0.3, "data.batch_size": 7,
            "averaging.name": "ema", "schedule.name": "cosine", "training.epochs": 6,
        }.items():  # fmt: skip
            session.set_knob(key, value)
        train_steps(session, 2)
        return session

    def start() -> Session:
        return Session("run", interrupted.experiment, make_dataset(), CPU)

    expected, interrupted = train_to_end(train_with_changes()), train_with_changes()
    state = resume_to_end(start, interrupted, tmp_path / "checkpoint.pt")

    assert find_differences(expected, state) == []


def test_rewinding_twice_to_one_state_gives_the_same_run() -> None:
    session = on_points(optimizer={"name": "adamw"})()
    train_steps(session, 4)
    session.good_state = checkpoint.capture_state(session)
    states = []
    for _ in range(2):
        checkpoint.rewind(session)
        train_steps(session, 5)
        states.append(checkpoint.capture_state(session))
        del states[-1]["seconds"]

    assert find_differences(states[0], states[1]) == []
