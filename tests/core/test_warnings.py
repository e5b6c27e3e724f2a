"""Warnings: what they find, and that no preset has any."""

import pytest

from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.warnings import find_warnings


def warnings_of(*network: str, **knobs: object) -> list[str]:
    experiment = Experiment(network=network)
    for key, value in knobs.items():
        experiment = with_value(experiment, key.replace("__", "."), value)
    return find_warnings(experiment)


@pytest.mark.parametrize(
    ("network", "knobs", "words"),
    [
        (("Linear 8", "AlphaDropout 0.1", "Linear 2"), {}, "no SELU here"),
        (("Linear 8", "Step", "Linear 2"), {}, "derivative of Step is 0"),
        (("Linear 8", "ReLU", "Linear 2", "Softmax"), {}, "applies softmax itself"),
        (("Linear 8", "ReLU", "Linear 2"), {"task__top_k": 2}, "always among the 2 most likely"),
        (("Linear 8", "Linear 2"), {}, "are one linear map"),
        (("Linear 8", "Dropout 0.2", "Linear 2"), {}, "are one linear map"),
        (
            ("Linear 8", "ReLU", "Linear 2"),
            {"initialization__weights": "zeros"},
            "start with the same",
        ),
        (
            ("Linear 8", "ReLU", "Linear 1", "Sigmoid"),
            {"loss__name": "bce"},
            "sigmoid itself",
        ),
        (("Linear 8", "ReLU", "Linear 2"), {"optimizer__name": "lbfgs"}, "all examples at once"),
        (
            ("Linear 8", "ReLU", "Linear 2"),
            {"training__engine": "scalar", "training__epochs": 100_000},
            " for 100,000 epochs",
        ),
        (
            ("Linear 8", "ReLU", "Dropout 0.1", "Linear 2"),
            {"optimizer__name": "lbfgs", "data__batch_size": 0},
            "random each time",
        ),
    ],
)
def test_a_likely_mistake_gets_a_warning_with_its_key(
    network: tuple[str, ...], knobs: dict[str, object], words: str
) -> None:
    (warning,) = warnings_of(*network, **knobs)

    assert words in warning
    keys = ("network[", "initialization.weights", "data.batch_size", "training.engine",
            "task.top_k")  # fmt: skip
    assert warning.startswith(keys)


@pytest.mark.parametrize(
    "network",
    [
        ("Linear 8", "ReLU", "Linear 2"),
        ("Linear 8", "SELU", "AlphaDropout 0.1", "Linear 2"),
        ("Linear 2",),
        (),
    ],
)
def test_a_usual_network_gets_no_warning(network: tuple[str, ...]) -> None:
    assert warnings_of(*network) == []


@pytest.mark.parametrize("name", sorted(toml_file.find_presets()))
def test_no_preset_gets_a_warning(name: str) -> None:
    assert find_warnings(toml_file.read(toml_file.find(name))) == []
