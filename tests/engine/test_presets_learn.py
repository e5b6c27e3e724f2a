"""The shipped experiments of every task reach what they claim, and their contrasts do not.

What a preset's comment says under "Things to try" is held here too, where it says how it ends.
"""

from typing import Any

import pytest
import torch

from tests.test_presets import CPU, preset
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.protocol.events import Failed
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

Results = dict[str, dict[str, float]]

CODER = ["Encoder", "Flatten", "Linear 256", "ReLU", "Linear 64", "ReLU", "Linear 2"]
DECODER = [
    "Decoder", "Linear 64", "ReLU", "Linear 256", "ReLU", "Linear 784", "Unflatten (1,28,28)",
]  # fmt: skip
JUDGE = ["Discriminator", "Linear 64", "LeakyReLU 0.2", "Linear 64", "LeakyReLU 0.2", "Linear 1"]
UNPLACED = [
    "Embedding 32",
    ["Repeat 2", "TransformerEncoderLayer 4 dim_feedforward=64 dropout=0 norm_first=true"],
    "Linear 8",
]


def trained(experiment: Experiment) -> Session:
    """A session at its end."""
    assert find_errors(experiment) == []
    session = Session("test", experiment, load(experiment, CPU, lambda *_: None), CPU)
    failures = [event for event in train(session) if isinstance(event, Failed)]
    assert failures == []
    return session


def results(name: str, **changes: Any) -> Results:
    """What the end of a preset's run is measured by."""
    return trained(preset(name, **changes)).finished_event("done").results


@pytest.mark.parametrize(
    ("name", "score", "least"),
    [
        ("rosenblatt", "accuracy", 0.98),
        ("waves", "accuracy", 0.98),
        ("parity", "accuracy", 0.999),
        ("adding", "r2", 0.99),
        ("copy", "accuracy", 0.999),
        ("communities", "accuracy", 0.85),
        ("glyphs-vit", "accuracy", 0.88),
        ("autoencoder", "explained", 0.7),
        ("variational-autoencoder", "explained", 0.65),
        ("gan", "modes", 7),
    ],
)
def test_an_experiment_reaches_its_claim(name: str, score: str, least: float) -> None:
    assert results(name)["test"][score] >= least


@pytest.mark.parametrize(
    ("name", "changes", "score", "most"),
    [
        # no hidden layer
        ("xor", {"network": ["Linear 2"]}, "accuracy", 0.75),
        # no line parts the classes
        ("rosenblatt", {"data__name": "xor"}, "accuracy", 0.75),
        # each bit alone says nothing; the answer after the last bit alone shows no way
        ("parity", {"network": ["Linear 64", "ReLU", "Linear 2"]}, "accuracy", 0.6),
        ("parity", {"data__running": False, "network": ["GRU 32", "Linear 2"]}, "accuracy", 0.6),
        # a plain RNN forgets
        ("adding", {"network": ["RNN 32", "Linear 1"]}, "r2", 0.2),
        # attention without positions; a state that must hold all letters
        ("copy", {"network": UNPLACED}, "accuracy", 0.6),
        ("copy", {"network": ["Embedding 32", "GRU 32 returns=sequence", "Linear 8"]}, "accuracy",
         0.8),
        # without the graph
        ("communities", {"network": ["Linear 16", "ReLU", "Dropout 0.3", "Linear 4"]}, "accuracy",
         0.6),
        # always the mean picture
        ("variational-autoencoder", {"task__beta": 200.0}, "explained", 0.05),
        # a small generator leaves clouds out
        ("gan", {"network": [["Generator", "Linear 4", "ReLU", "Linear 2"], JUDGE]}, "modes", 5),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_should_not_learn_it_does_not(
    name: str, changes: dict[str, Any], score: str, most: float
) -> None:
    assert results(name, **changes)["test"][score] <= most


def test_rosenblatt_s_rule_ends_without_a_mistake() -> None:
    assert results("rosenblatt")["train"]["loss"] == 0


def test_a_narrower_middle_loses_more() -> None:
    wide, narrow = results("autoencoder"), results("autoencoder", network=[CODER, DECODER])

    assert wide["test"]["explained"] - narrow["test"]["explained"] > 0.1


def test_a_denoising_autoencoder_removes_noise() -> None:
    session = trained(preset("autoencoder", task__noise=1.0))
    inputs = session.dataset.prepare(session.dataset.test.inputs)
    noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))

    cleaned = session.task.predict(inputs + noise)

    assert (cleaned - inputs).square().mean() < 0.35 * noise.square().mean()


@pytest.mark.parametrize("seed", range(1, 5))
def test_a_gan_covers_the_clouds_from_every_seed(seed: int) -> None:
    assert results("gan", seed=seed)["test"]["modes"] >= 7


def test_a_language_model_knows_more_than_how_frequent_each_character_is() -> None:
    session = trained(preset("language-model"))
    dataset = session.dataset
    counts = torch.bincount(dataset.test.targets.flatten(), minlength=len(dataset.vocabulary))
    shares = counts[counts > 0] / counts.sum()
    entropy = -(shares * shares.log()).sum().item()

    loss = session.finished_event("done").results["test"]["loss"]

    assert loss < 0.75 * entropy
    pair_loss = results("language-model", network=["Embedding 64", "Linear 97"])["test"]["loss"]
    assert loss < 0.85 * pair_loss < entropy


def test_a_network_that_sees_what_comes_later_reads_the_answers() -> None:
    cheating = ["Embedding 64", "GRU 64 bidirectional=true returns=sequence", "Linear 97"]

    found = results("language-model", network=cheating, training__epochs=1)

    assert found["test"]["loss"] < 0.5
