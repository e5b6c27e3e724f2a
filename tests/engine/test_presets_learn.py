"""The shipped experiments of every task reach what they claim, and their contrasts do not.

The outcomes that presets state under "Things to try" are tested here too.
"""

from typing import Any

import pytest
import torch

from tests.support.datasets import ignore_progress
from tests.test_presets import CPU, preset
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.protocol.events import Failed
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Results = dict[str, dict[str, float]]

ENCODER = ["Encoder", "Flatten", "Linear 256", "ReLU", "Linear 64", "ReLU", "Linear 2"]
DECODER = [
    "Decoder", "Linear 64", "ReLU", "Linear 256", "ReLU", "Linear 784", "Unflatten (1,28,28)",
]  # fmt: skip
DISCRIMINATOR = [
    "Discriminator",
    "Linear 64",
    "LeakyReLU 0.2",
    "Linear 64",
    "LeakyReLU 0.2",
    "Linear 1",
]
WITHOUT_POSITIONS = [
    "Embedding 32",
    ["Repeat 2", "TransformerEncoderLayer 4 dim_feedforward=64 dropout=0 norm_first=true"],
    "Linear 8",
]


def train_to_end(experiment: Experiment) -> Session:
    """Trains an experiment and returns its session."""
    assert find_errors(experiment) == []
    session = Session("test", experiment, load(experiment, CPU, ignore_progress), CPU)
    failures = [event for event in train(session) if isinstance(event, Failed)]
    assert failures == []
    return session


def train_preset(name: str, **changes: Any) -> Results:
    """Trains a preset and returns its final metrics."""
    return train_to_end(preset(name, **changes)).finished_event("done").results


@pytest.mark.parametrize(
    ("name", "metric", "minimum"),
    [
        ("rosenblatt", "accuracy", 0.98),
        ("waves", "accuracy", 0.98),
        ("parity", "accuracy", 0.999),
        ("adding", "r2", 0.99),
        ("copy", "accuracy", 0.999),
        ("communities", "accuracy", 0.85),
        ("glyphs-vit", "accuracy", 0.88),
        ("autoencoder", "explained_variance", 0.7),
        ("variational-autoencoder", "explained_variance", 0.65),
        ("gan", "modes", 7),
    ],
)
def test_an_experiment_reaches_its_claim(name: str, metric: str, minimum: float) -> None:
    assert train_preset(name)["test"][metric] >= minimum


@pytest.mark.parametrize(
    ("name", "changes", "metric", "maximum"),
    [
        # no hidden layer
        ("xor", {"network": ["Linear 2"]}, "accuracy", 0.75),
        # no line separates the classes
        ("rosenblatt", {"data__name": "xor"}, "accuracy", 0.75),
        # a single bit is not enough; nor is a target after the last bit only
        ("parity", {"network": ["Linear 64", "ReLU", "Linear 2"]}, "accuracy", 0.6),
        ("parity", {"data__running": False, "network": ["GRU 32", "Linear 2"]}, "accuracy", 0.6),
        # a plain RNN forgets
        ("adding", {"network": ["RNN 32", "Linear 1"]}, "r2", 0.2),
        # attention without positions; a state that must store all letters
        ("copy", {"network": WITHOUT_POSITIONS}, "accuracy", 0.6),
        ("copy", {"network": ["Embedding 32", "GRU 32 returns=sequence", "Linear 8"]}, "accuracy",
         0.8),
        # without the graph
        ("communities", {"network": ["Linear 16", "ReLU", "Dropout 0.3", "Linear 4"]}, "accuracy",
         0.6),
        # always the mean image
        ("variational-autoencoder", {"task__beta": 200.0}, "explained_variance", 0.05),
        # a small generator misses clouds
        ("gan", {"network": [["Generator", "Linear 4", "ReLU", "Linear 2"], DISCRIMINATOR]},
         "modes", 5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_contrast_does_not_reach_the_claim(
    name: str, changes: dict[str, Any], metric: str, maximum: float
) -> None:
    assert train_preset(name, **changes)["test"][metric] <= maximum


def test_the_perceptron_rule_ends_without_an_error() -> None:
    assert train_preset("rosenblatt")["train"]["loss"] == 0


def test_a_narrower_bottleneck_explains_less() -> None:
    wide, narrow = (
        train_preset("autoencoder"),
        train_preset("autoencoder", network=[ENCODER, DECODER]),
    )

    assert wide["test"]["explained_variance"] - narrow["test"]["explained_variance"] > 0.1


def test_a_denoising_autoencoder_removes_noise() -> None:
    session = train_to_end(preset("autoencoder", task__noise=1.0))
    inputs = session.dataset.prepare(session.dataset.test.inputs)
    noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))

    cleaned = session.task.predict(inputs + noise)

    assert (cleaned - inputs).square().mean() < 0.35 * noise.square().mean()


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_gan_covers_the_clouds_from_every_seed(seed: int) -> None:
    assert train_preset("gan", seed=seed)["test"]["modes"] >= 7


def test_a_language_model_beats_the_frequencies_of_characters() -> None:
    session = train_to_end(preset("language-model"))
    dataset = session.dataset
    counts = torch.bincount(dataset.test.targets.flatten(), minlength=len(dataset.vocabulary))
    frequencies = counts[counts > 0] / counts.sum()
    entropy = -(frequencies * frequencies.log()).sum().item()

    loss = session.finished_event("done").results["test"]["loss"]

    assert loss < 0.75 * entropy
    pair_loss = train_preset("language-model", network=["Embedding 64", "Linear 97"])["test"][
        "loss"
    ]
    assert loss < 0.85 * pair_loss < entropy


def test_a_bidirectional_language_model_reads_its_targets() -> None:
    network = ["Embedding 64", "GRU 64 bidirectional=true returns=sequence", "Linear 97"]

    results = train_preset("language-model", network=network, training__epochs=1)

    assert results["test"]["loss"] < 0.5
