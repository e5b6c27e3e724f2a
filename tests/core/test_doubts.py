"""Warnings: what they find, and that they are silent about all that is shipped."""

import pytest

from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import Experiment, with_value
from tuilab.core.experiment.warnings import doubts


def of(*network: str, **knobs: object) -> list[str]:
    experiment = Experiment(network=network)
    for key, value in knobs.items():
        experiment = with_value(experiment, key.replace("__", "."), value)
    return doubts(experiment)


@pytest.mark.parametrize(
    ("network", "knobs", "words"),
    [
        (("Linear 8", "AlphaDropout 0.1", "Linear 2"), {}, "no SELU here"),
        (("Linear 8", "Step", "Linear 2"), {}, "derivative of Step is 0"),
        (("Linear 8", "ReLU", "Linear 2", "Softmax"), {}, "its own softmax"),
        (("Linear 8", "Linear 2"), {}, "are only one"),
        (("Linear 8", "Dropout 0.2", "Linear 2"), {}, "are only one"),
        (("Linear 8", "ReLU", "Linear 2"), {"initialization__weights": "zeros"}, "begin alike"),
        (("Linear 8", "ReLU", "Linear 1", "Sigmoid"), {"loss__name": "bce"}, "its own sigmoid"),
        (("Linear 8", "ReLU", "Linear 2"), {"optimizer__name": "lbfgs"}, "all examples at once"),
        (
            ("Linear 8", "ReLU", "Linear 2"),
            {"training__engine": "scalar", "training__epochs": 100_000},
            "minutes for 100 000 epochs",
        ),
        (
            ("Linear 8", "ReLU", "Dropout 0.1", "Linear 2"),
            {"optimizer__name": "lbfgs", "data__batch_size": 0},
            "draws anew at each",
        ),
    ],
)
def test_a_likely_mistake_is_told_with_its_place(
    network: tuple[str, ...], knobs: dict[str, object], words: str
) -> None:
    (doubt,) = of(*network, **knobs)

    assert words in doubt
    keys = ("network[", "initialization.weights", "data.batch_size", "training.engine")
    assert doubt.startswith(keys)


@pytest.mark.parametrize(
    "network",
    [
        ("Linear 8", "ReLU", "Linear 2"),
        ("Linear 8", "SELU", "AlphaDropout 0.1", "Linear 2"),
        ("Linear 2",),
        (),
    ],
)
def test_what_is_usual_raises_no_doubt(network: tuple[str, ...]) -> None:
    assert of(*network) == []


@pytest.mark.parametrize("name", sorted(toml_file.presets()))
def test_nothing_shipped_is_doubtful(name: str) -> None:
    assert doubts(toml_file.read(toml_file.find(name))) == []
