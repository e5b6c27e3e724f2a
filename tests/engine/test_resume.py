"""A run on the CPU that goes on from a checkpoint ends bit for bit as one that never stopped."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.datasets import CPU
from tests.support.passed_exercises import pass_exercise
from tests.support.tiny_sessions import make_dataset, make_experiment, train_steps
from tuilab.core.catalogue.optimizers import OPTIMIZERS
from tuilab.core.catalogue.schedules import SCHEDULES
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, name_of
from tuilab.core.experiment.validation import find_errors
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

Begin = Callable[[], Session]

LINES = ("Linear 8", "BatchNorm1d", "Dropout 0.3", "Tanh", "Linear 3")
EPOCH = 6
"""Steps in an epoch: 57 examples in batches of 10."""


def begun(*lines: Any, epochs: int = 4, **knobs: Any) -> Begin:
    """A way to begin the same run again and again."""
    chosen = make_experiment(*(lines or LINES), epochs=epochs, **knobs)
    return lambda: Session("run", chosen, make_dataset(), CPU)


def loaded(name: str, *lines: Any, epochs: int = 2, **tables: Any) -> Begin:
    """A way to begin a run on a set of the catalogue."""
    data = {"name": name, **tables.pop("data", {})}
    training = {"epochs": epochs, "device": "cpu"}
    chosen = experiment_from_dict({"network": lines, "data": data, "training": training, **tables})
    assert find_errors(chosen) == []
    return lambda: Session("run", chosen, load(chosen, CPU, lambda *_: None), CPU)


def same(one: Any, other: Any) -> bool:
    """Whether two structures hold the same bits."""
    if isinstance(one, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        pairs = zip(one, other, strict=False)
        return len(one) == len(other) and all(same(*pair) for pair in pairs)
    return bool(one == other)


def ended(session: Session) -> dict[str, Any]:
    """All that a run has become, but for what the clock decides."""
    list(train(session))
    end = checkpoint.capture_state(session)
    del end["seconds"]
    if not session.needs_every_validation:  # which epochs were measured is a matter of time
        del end["validation_losses"]
    return end


def gone_on(begin: Begin, broken: Session, path: Path) -> dict[str, Any]:
    """The end of a run that is left for good and goes on from its checkpoint."""
    saved = checkpoint.save(broken, path)
    resumed = begin()
    torch.rand(13)
    checkpoint.load(resumed, Path(saved.path))
    return ended(resumed)


def differing(begin: Begin, stops: tuple[int, ...], path: Path) -> list[tuple[int, str]]:
    """Where an interrupted run ends otherwise than an unbroken one, and in what."""
    unbroken, wrong = ended(begin()), []
    for stop in stops:
        broken = begin()
        train_steps(broken, stop)
        end = gone_on(begin, broken, path)
        wrong += [(stop, key) for key in unbroken if not same(unbroken[key], end[key])]
    return wrong


STOPS = (1, EPOCH + 2, 3 * EPOCH)
"""At once, in the middle of an epoch, and after the last batch of one."""


@pytest.mark.parametrize("name", [name_of(kind) for kind in OPTIMIZERS])
def test_under_every_optimizer(name: str, tmp_path: Path) -> None:
    pass_exercise("optimizers")
    knobs = {"momentum": 0.9} if name == "sgd" else {}
    begin = begun(optimizer={"name": name, **knobs}, epochs=3 if name == "lbfgs" else 4)

    assert differing(begin, STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize("name", [name_of(kind) for kind in SCHEDULES])
def test_under_every_schedule(name: str, tmp_path: Path) -> None:
    knobs = {"patience": 1} if name == "plateau" else {}
    begin = begun(schedule={"name": name, **knobs}, optimizer={"name": "adamw", "lr": 0.05})

    assert differing(begin, STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize(
    "knobs",
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
def test_under_every_kind_of_chance_and_memory(knobs: dict[str, Any], tmp_path: Path) -> None:
    assert differing(begun(**knobs), STOPS, tmp_path / "checkpoint.pt") == []


@pytest.mark.parametrize(
    "begin",
    [
        loaded("glyphs", "Conv2d 4 kernel_size=3", "BatchNorm2d", "Dropout2d 0.2", "Flatten",
               "Linear 10", data={"samples": 80, "batch_size": 24},
               augmentation={"shift": 1, "rotation": 9.0, "crop": 0.2, "flip": 0.5, "cutout": 2}),
        loaded("glyphs", ["Encoder", "Flatten", "Linear 8", "Reparameterization"],
               ["Decoder", "Linear 784", "Unflatten (1,28,28)"], loss={"name": "mse"},
               data={"samples": 80, "batch_size": 24}, task={"name": "autoencoder", "noise": 0.1}),
        loaded("gaussians_ring", ["Generator", "Linear 8", "ReLU", "Linear 2"],
               ["Discriminator", "Linear 8", "ReLU", "Dropout 0.2", "Linear 1"],
               loss={"name": "bce"}, averaging={"name": "ema"},
               data={"samples": 80, "batch_size": 16}, task={"name": "gan", "latent": 3}),
        loaded("copy", "Embedding 8", "GRU 8 returns=sequence dropout=0.2 num_layers=2",
               "Linear 8", data={"samples": 60, "delay": 4, "batch_size": 16}),
        loaded("communities", "GraphConvolution 8", "Dropout 0.3", "GraphConvolution 4", epochs=9),
        loaded("gauss", "Linear 1", "Step", task="perceptron", loss={"name": "zero_one"},
               data={"samples": 60, "batch_size": 16}),
        loaded("sine", "DropConnect 8 p=0.2", "Tanh", "Linear 1", task="regression",
               loss={"name": "mse"}, data={"samples": 60, "batch_size": 16}),
    ],
    ids=["pictures", "autoencoder", "gan", "sequences", "graph", "perceptron", "regression"],
)  # fmt: skip
def test_in_every_task(begin: Begin, tmp_path: Path) -> None:
    assert differing(begin, (1, 4), tmp_path / "checkpoint.pt") == []


def test_from_wherever_it_is_left(tmp_path: Path) -> None:
    begin = begun(
        "Linear 4", "BatchNorm1d", "Dropout 0.3", "ReLU", "Linear 3", epochs=3,
        optimizer={"name": "muon"}, schedule={"name": "plateau", "patience": 0},
        averaging={"name": "ema"}, regularization={"patience": 1, "gradient_noise": 0.01},
        augmentation={"noise": 0.1}, training={"accumulation": 2},
    )  # fmt: skip
    unbroken = ended(begin())

    for left_after in count(1):
        broken = begin()
        loop = train(broken)
        turns = [turn for turn in range(left_after) if next(loop, loop) is not loop]
        if len(turns) < left_after:
            break
        loop.close()
        assert same(unbroken, gone_on(begin, broken, tmp_path / "checkpoint.pt")), left_after

    assert left_after > 3 * EPOCH


def test_twice_in_a_row(tmp_path: Path) -> None:
    begin = begun(optimizer={"name": "adam"})
    broken, path = begin(), tmp_path / "checkpoint.pt"
    for _ in range(3):
        train_steps(broken, 5)
        checkpoint.save(broken, path)
        broken = begin()
        checkpoint.load(broken, path)

    end = ended(broken)
    assert same(end, ended(begin()))


def test_with_the_knobs_that_were_turned_on_the_way(tmp_path: Path):
    def turned() -> Session:
        session = begun(optimizer={"name": "sgd"})()
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

    unbroken, broken = ended(turned()), turned()
    left: Experiment = broken.experiment
    end = gone_on(lambda: Session("run", left, make_dataset(), CPU), broken, tmp_path / "left.pt")

    assert [key for key in unbroken if not same(unbroken[key], end[key])] == []


def test_going_back_twice_to_one_state_is_going_back_to_the_same() -> None:
    session = begun(optimizer={"name": "adamw"})()
    train_steps(session, 4)
    session.good_state = checkpoint.capture_state(session)
    ends = []
    for _ in range(2):
        checkpoint.rewind(session)
        train_steps(session, 5)
        ends.append(checkpoint.capture_state(session))
        del ends[-1]["seconds"]

    assert same(*ends)
