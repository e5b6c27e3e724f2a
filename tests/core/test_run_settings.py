"""Settings of runs: what is not at its default, and how two runs differ."""

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core.experiment.experiment import SECTIONS, Experiment, choice_key, with_value
from tuilab.core.run.run_settings import (
    describe_changes,
    diff_network,
    get_setting,
    iter_differences,
    list_settings,
    setting_keys,
)


def settings_of(**values: Any) -> dict[str, Any]:
    experiment = Experiment()
    for key, value in values.items():
        experiment = with_value(experiment, key.replace("__", "."), value)
    return list_settings(experiment)


@given(EXPERIMENTS)
def test_settings_and_defaults_are_the_whole_experiment(experiment: Experiment) -> None:
    settings, tables = (
        list_settings(experiment),
        msgspec.json.decode(msgspec.json.encode(experiment)),
    )

    assert get_setting(settings, "network") == tables["network"]
    for section in SECTIONS:
        for field, value in tables[section].items():
            assert get_setting(settings, f"{section}.{field}") == value, f"{section}.{field}"
    assert settings.keys() <= set(setting_keys())


def test_the_defaults_are_those_of_the_chosen_option() -> None:
    assert settings_of() == {}
    settings = settings_of(optimizer__name="sgd")
    assert settings == {"optimizer.name": "sgd"}
    assert get_setting(settings, "optimizer.momentum") is not None
    assert get_setting(settings, "optimizer.betas") is None
    assert choice_key("optimizer") == "name"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ({}, {}, ""),
        ({"optimizer__lr": 0.01}, {"optimizer__lr": 0.03}, "lr 0.01 → 0.03"),
        ({"title": "A"}, {"title": "B"}, ""),
        ({}, {"seed": 3, "training__epochs": 20}, "seed 0 → 3, epochs 10 → 20"),
        ({}, {"optimizer__name": "sgd"}, "optimizer adamw → sgd"),
        (
            {"optimizer__lr": 0.5},
            {"optimizer__name": "sgd", "optimizer__lr": 0.2},
            "optimizer adamw → sgd, lr 0.2",
        ),
        ({"optimizer__name": "sgd"}, {}, "optimizer sgd → adamw"),
        (
            {"network": ["Linear 8", "ReLU", "Linear 2"]},
            {"network": ["Linear 16", "ReLU", "Dropout 0.5", "Linear 2"]},
            "Linear 8 → Linear 16, + Dropout 0.5",
        ),
        ({"network": ["Linear 8", "Linear 2"]}, {"network": ["Linear 2"]}, "- Linear 8"),
        ({"network": ["Linear 2"]}, {"network": ["ReLU"] * 9}, "network 9 lines"),
        (
            {"augmentation__noise": 0.1},
            {"data__noise": 0.2},
            "data.noise 0 → 0.2, augmentation.noise 0.1 → 0",
        ),
        ({}, {"training__clip_grad_norm": 1.0}, "clip_grad_norm off → 1"),
    ],
)
def test_changes_in_a_few_words(before: dict[str, Any], after: dict[str, Any], text: str) -> None:
    assert describe_changes(settings_of(**after), settings_of(**before)) == text


def test_differences_of_many_runs_are_only_the_keys_that_differ() -> None:
    runs = [settings_of(seed=1), settings_of(seed=1, optimizer__name="sgd"), settings_of(seed=1)]

    assert list(iter_differences(runs)) == [("optimizer.name", ["adamw", "sgd", "adamw"])]


def test_lines_of_networks_are_beside_each_other() -> None:
    before = ["Linear 8", ["Residual", "ReLU"], "Linear 2"]
    after = ["Linear 8", ["Residual", "Tanh", "ReLU"], "Linear 2"]

    assert diff_network(before, after) == [
        ("Linear 8", "Linear 8"), ("  Residual", "  Residual"), ("", "  Tanh"),
        ("  ReLU", "  ReLU"), ("Linear 2", "Linear 2"),
    ]  # fmt: skip
