"""The shipped presets do what their comments promise."""

from pathlib import Path
from statistics import median

import pytest
import torch

from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.protocol.events import Failed
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

CPU = torch.device("cpu")


def preset(name: str, **changes: object) -> Experiment:
    experiment = toml_file.read(toml_file.find_presets()[name].path)
    for key, value in changes.items():
        experiment = with_value(experiment, key.replace("__", "."), value)
    return experiment


def score(experiment: Experiment) -> float:
    """Trains to the end; returns the metric on the test set."""
    session = Session("test", experiment, load(experiment, CPU, lambda *_: None), CPU)
    failures = [event for event in train(session) if isinstance(event, Failed)]
    assert failures == []
    results = session.finished_event("done").results["test"]
    return next(value for name, value in results.items() if name != "loss")


@pytest.mark.parametrize(
    ("name", "minimum"),
    [
        ("perceptron", 0.97),
        ("xor", 0.97),
        ("spiral", 0.99),
        ("plane", 0.99),
        ("moons", 0.94),
        ("blobs", 0.97),
        ("sine", 0.95),
    ],
)
def test_a_small_preset_learns_its_task(name: str, minimum: float) -> None:
    assert score(preset(name)) >= minimum


@pytest.mark.slow
def test_the_spiral_reaches_99_percent_from_every_seed() -> None:
    scores = [score(preset("spiral", seed=seed)) for seed in range(9)]

    assert median(scores) >= 0.99
    assert min(scores) >= 0.97, scores


@pytest.mark.slow
def test_glyphs_are_read() -> None:
    assert score(preset("glyphs")) >= 0.95


@pytest.mark.parametrize(
    ("name", "minimum"), [("mlp", 0.82), pytest.param("cnn", 0.86, marks=pytest.mark.slow)]
)
def test_fashion_mnist_is_learned_from_real_images(
    name: str, minimum: float, fashion: Path
) -> None:
    assert score(preset(f"fashion-mnist-{name}", data__root=str(fashion))) >= minimum


@pytest.mark.slow
def test_what_was_learned_from_letters_helps_to_read_a_hundred_digits(tmp_path: Path) -> None:
    path = tmp_path / "untransferred.toml"
    text = toml_file.find_presets()["fine-tuning"].path.read_text()
    path.write_text(text.replace(" frozen=true", ""))

    tuned = score(preset("fine-tuning"))
    untuned = score(with_value(toml_file.read(path), "transfer.source", ""))

    assert tuned >= 0.8
    assert untuned <= tuned - 0.15
