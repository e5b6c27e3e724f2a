"""Verdicts on whole runs: what was named wrongly before, and that they repeat exactly."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.bench import generated_experiments as generated
from tests.bench.judged_experiments import measure_skill
from tests.bench.train_to_end import train_all
from tuilab.core.diagnosis.checks import needs_checks
from tuilab.core.diagnosis.diagnosis import diagnose
from tuilab.core.diagnosis.too_early import explain_too_early
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, experiment_from_dict, with_value
from tuilab.core.run.run import Run
from tuilab.engine.studies.checks import run_checks

MLP = ["Linear 16", "ReLU", "Linear 16", "ReLU", "Linear 2"]
POINTS = {"name": "moons", "samples": 300}


def build(**tables: Any) -> Experiment:
    """Returns a small classification of points, with changes."""
    return experiment_from_dict({
        "network": MLP, "data": POINTS, "training": {"epochs": 20, "device": "cpu"},
        "optimizer": {"name": "adamw", "lr": 0.01}, **tables,
    })  # fmt: skip


def fit(experiment: Experiment) -> Run:
    """Returns the run of an experiment."""
    ((_, trained),) = train_all([(0, experiment)])
    return trained.run


def preset(name: str, **values: Any) -> Experiment:
    """Returns a preset with other values."""
    experiment = toml_file.read(toml_file.find_presets()[name].path)
    for key, value in {"training_device": "cpu", **values}.items():
        experiment = with_value(experiment, key.replace("_", ".", 1), value)
    return experiment


FAULTY: dict[str, tuple[str, Experiment]] = {
    "a rate far too high under SGD": (
        "learning_rate_too_high",
        build(optimizer={"name": "sgd", "lr": 30.0}, network=["Linear 16", "Tanh", "Linear 2"]),
    ),
    "too much momentum": (
        "momentum_too_high",
        build(data={"name": "spiral"}, optimizer={"name": "sgd", "lr": 0.05, "momentum": 0.995}),
    ),
    "a schedule spent early": (
        "schedule_ends_early",
        build(schedule={"name": "step", "step_size": 1, "gamma": 0.1}),
    ),
    "large initial weights": (
        "exploding_gradients", build(initialization={"weights": "normal", "std": 8.0})
    ),
    "wrong labels": (
        "labels_shuffled",
        build(data={**POINTS, "label_noise": 0.5}, network=["Linear 64", "ReLU", "Linear 2"]),
    ),
    "a frozen front": (
        "frozen_layers",
        build(data={"name": "spiral"}, network=["Linear 4 frozen=true", "Tanh", "Linear 2"]),
    ),
    "a network too small": ("underfitting", build(data={"name": "circle"}, network=["Linear 2"])),
    "too strong a penalty": ("weight_decay_too_strong", build(regularization={"l2": 0.5})),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTY)
def test_the_fault_comes_first(case: str) -> None:
    name, experiment = FAULTY[case]

    assert [diagnosis.name for diagnosis in diagnose(fit(experiment))][:1] == [name]


def test_a_rate_far_too_high_is_not_saturation() -> None:
    experiment = preset("xor", optimizer_name="sgd", optimizer_lr=10.0)

    assert diagnose(fit(experiment))[0].name == "learning_rate_too_high"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "rate"), [("moons", 100.0), ("spiral", 1.0), ("glyphs", 3.0)])
def test_a_rate_far_too_high_is_not_dead_relus(name: str, rate: float) -> None:
    assert diagnose(fit(preset(name, optimizer_lr=rate)))[0].name == "learning_rate_too_high"


def test_the_perceptron_learns_without_gradients() -> None:
    experiment = preset("rosenblatt", data_samples=200, training_epochs=3)

    assert diagnose(fit(experiment)) == []


def test_targets_in_large_units_do_not_make_gradients_explode(tmp_path: Path) -> None:
    rows = [f"{x},{7 * x % 11},{900 * x + 50 * (7 * x % 11)}" for x in range(400)]
    path = tmp_path / "prices.csv"
    path.write_text("\n".join(["size,age,price", *rows]))
    sound = build(
        data={"name": "table", "path": str(path), "normalize_target": False, "batch_size": 16},
        task="regression", loss={"name": "huber"}, network=["Linear 1"],
        optimizer={"name": "adamw", "lr": 300.0},
    )  # fmt: skip

    assert "exploding_gradients" not in [diagnosis.name for diagnosis in diagnose(fit(sound))]


def test_a_few_epochs_on_pictures_are_too_early_to_say() -> None:
    run = fit(preset("glyphs", data_samples=500, training_epochs=2))

    assert diagnose(run) == []
    assert "steps" in explain_too_early(run)


def test_a_short_run_that_predicts_well_is_not_too_early() -> None:
    run = fit(
        build(data={"name": "gauss", "samples": 300}, training={"epochs": 6, "device": "cpu"})
    )

    assert diagnose(run) == []
    assert explain_too_early(run) == ""


def test_generated_experiments_repeat_exactly_and_halves_share_no_kind() -> None:
    first, second = (list(islice(generated.draw("measured"), 20)) for _ in range(2))

    assert first == second
    assert not set(generated.KINDS["tuned"]) & set(generated.KINDS["measured"])


def test_two_trainings_give_the_same_verdicts() -> None:
    experiment = build(optimizer={"name": "adamw", "lr": 1.0}, data={"name": "spiral"})
    first, second = fit(experiment), fit(experiment)

    assert diagnose(first) == diagnose(second) != []


@pytest.mark.parametrize("lr", [100.0, 10.0, 1e-5])
@pytest.mark.parametrize(
    "name",
    [
        "xor",
        "moons",
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("spiral", "glyphs")),
    ],
)
def test_a_wrong_rate_is_named_first_and_the_one_that_is_found_trains(name: str, lr: float) -> None:
    experiment = preset(name, optimizer_lr=lr)
    ((_, (run, session)),) = train_all([(0, experiment)])
    expected = f"learning_rate_too_{'high' if lr > 1 else 'low'}"
    assert diagnose(run)[0].name == expected and needs_checks(run, diagnose(run))

    *_, report = run_checks(session)
    run.apply(report)
    diagnosis = diagnose(run)[0]

    assert diagnosis.name == expected and "finder" in diagnosis.fixes[0].label
    trained = fit(with_value(experiment, diagnosis.fixes[0].key, diagnosis.fixes[0].value))
    assert measure_skill(trained) > 0.8
    assert not [d.name for d in diagnose(trained) if "learning_rate" in d.name]
