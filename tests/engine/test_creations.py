"""Pictures of what networks make: text, reconstructions, drawings, predicted numbers."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
import torch

from tests.support.tiny import CPU, dataset, experiment, weights
from tuilab.core.catalogue.data_sets import GaussiansRing
from tuilab.core.protocol.commands import Probe
from tuilab.core.protocol.inspect.result_messages import (
    Drawn,
    Picture,
    Reconstructed,
    Scatter,
    Written,
)
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.data.load import load
from tuilab.engine.inspect.result.result_inspector import picture
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.train import train

GENERATOR = ["Generator", "Linear 8", "ReLU", "Linear 2"]
DISCRIMINATOR = ["Discriminator", "Linear 8", "ReLU", "Linear 1"]


def over_the_wire(made: Picture) -> None:
    """It is made of plain values, and comes back from a message as it was."""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=type(made)) == made


def loaded(*network: Any, **knobs: Any) -> Session:
    """A session on the data that its experiment names."""
    chosen = experiment(*network, **knobs)
    return Session("run", chosen, load(chosen, CPU, lambda *_: None), CPU)


def pictures() -> Dataset:
    chance = torch.Generator().manual_seed(3)
    inputs = torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8, generator=chance)
    part = Part(inputs, torch.arange(30) % 10)
    return Dataset(
        part, Part(inputs[:0], part.targets[:0]), part, tuple("0123456789"),
        shift=torch.full((1, 1, 1), 127.0), scale=torch.full((1, 1, 1), 1 / 64),
    )  # fmt: skip


# --- text ---------------------------------------------------------------------------------------


def test_text_comes_a_little_more_with_each_picture():
    letters = torch.randint(65, 70, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Part(letters[:, :-1], letters[:, 1:])
    knobs = experiment(
        "Embedding 4", "Linear 97", data={"name": "python_source", "length": 7},
        task={"name": "language_model", "prompt": "BAD", "temperature": 0.6, "sample_length": 2000},
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    subject = Session("run", knobs, Dataset(part, part, part, vocabulary=vocabulary), CPU)

    first, second = picture(subject, Probe()), picture(subject, Probe())

    assert isinstance(first, Written) and isinstance(second, Written)
    assert (first.prompt, first.temperature) == ("BAD", 0.6)
    assert len(second.text) > len(first.text) and second.text.startswith(first.text)
    over_the_wire(first)


# --- reconstructions ----------------------------------------------------------------------------


def test_a_reconstruction_stands_beside_its_picture_with_its_error():
    knobs = experiment(
        ["Encoder", "Flatten", "Linear 4"], ["Decoder", "Linear 784", "Unflatten (1,28,28)"],
        task="autoencoder", data={"name": "glyphs"}, loss={"name": "mse"},
    )  # fmt: skip
    subject = Session("run", knobs, pictures(), CPU)

    made = picture(subject, Probe(samples=5))

    assert isinstance(made, Reconstructed) and len(made.pairs) == 5
    raw = subject.dataset.test.inputs[:5]
    inputs = subject.dataset.prepared(raw)
    outputs = subject.predict(raw)
    for number, pair in enumerate(made.pairs):
        assert pair.shape == (1, 28, 28)
        assert pair.input == bytes(raw[number].flatten().tolist())
        grey = (outputs[number] * 64 + 127).round().clamp(0, 255)
        assert pair.output == bytes(grey.flatten().int().tolist())
        error = (outputs[number] - inputs[number]).square().mean().item()
        assert pair.error == pytest.approx(error, rel=1e-4)
    over_the_wire(made)


def test_what_is_no_picture_has_its_error_alone():
    subject = loaded(
        "Linear 2", "Linear 3", task="autoencoder", data={"name": "swiss_roll", "samples": 50},
        loss={"name": "mse"},
    )  # fmt: skip

    made = picture(subject, Probe(samples=4))

    assert isinstance(made, Reconstructed)
    assert [(pair.input, pair.output, pair.shape) for pair in made.pairs] == [(b"", b"", (3,))] * 4
    assert all(pair.error > 0 for pair in made.pairs)
    over_the_wire(made)


# --- drawings -----------------------------------------------------------------------------------


def test_drawn_points_real_points_and_the_frame_are_in_one_unit():
    subject = loaded(
        GENERATOR, DISCRIMINATOR, task={"name": "gan", "latent": 3}, loss={"name": "bce"},
        data=msgspec.to_builtins(GaussiansRing(samples=300, modes=5)),
    )  # fmt: skip

    made = picture(subject, Probe())

    assert isinstance(made, Drawn) and isinstance(subject.task, GAN)
    assert len(made.bounds) == 4 and made.modes == 5 and made.covered in range(6)
    left, right, bottom, top = made.bounds
    inputs_at = subject.dataset.inputs_at
    assert inputs_at is not None
    raw = subject.dataset.bounds
    assert inputs_at(torch.tensor([[raw[0], raw[2]]])).tolist()[0] == pytest.approx([left, bottom])
    assert inputs_at(torch.tensor([[raw[1], raw[3]]])).tolist()[0] == pytest.approx([right, top])
    assert made.real == [tuple(point) for point in subject.dataset.train.inputs[:400].tolist()]
    assert all(left <= x <= right and bottom <= y <= top for x, y in made.real)
    assert len({(x > 0, y > 0) for x, y in made.real}) == 4
    assert made.drawn == [tuple(point) for point in subject.task.draw(400).tolist()]
    over_the_wire(made)


def test_drawn_pictures_have_as_many_bytes_as_pixels():
    knobs = experiment(
        ["Generator", "Linear 784", "Unflatten (1,28,28)"],
        ["Discriminator", "Flatten", "Linear 1"],
        task={"name": "gan", "latent": 3}, loss={"name": "bce"}, data={"name": "glyphs"},
    )  # fmt: skip
    subject = Session("run", knobs, pictures(), CPU)

    made = picture(subject, Probe(samples=6))

    assert isinstance(made, Drawn) and isinstance(subject.task, GAN)
    assert [(len(one.pixels), one.shape) for one in made.pictures] == [(784, (1, 28, 28))] * 6
    grey = (subject.task.draw(6)[0] * 64 + 127).round().clamp(0, 255)
    assert made.pictures[0].pixels == bytes(grey.flatten().int().tolist())
    over_the_wire(made)


# --- predicted numbers --------------------------------------------------------------------------


def test_a_regression_without_a_curve_is_targets_beside_answers():
    subject = loaded(
        "GRU 4", "Linear 1", task="regression", loss={"name": "mse"},
        data={"name": "adding", "length": 6, "samples": 60},
    )  # fmt: skip

    made = picture(subject, Probe())

    assert isinstance(made, Scatter)
    part = subject.dataset.validation
    answers = subject.predict(part.inputs)[:, 0].tolist()
    assert [point[0] for point in made.points] == part.targets[:, 0].tolist()
    assert [point[1] for point in made.points] == pytest.approx(answers)
    over_the_wire(made)


GANS = {"task": {"name": "gan"}, "loss": {"name": "bce"}, "data": {"name": "gaussians_ring"}}
CODES = {"task": "autoencoder", "loss": {"name": "mse"}, "data": {"name": "swiss_roll"}}


@pytest.mark.parametrize(
    ("network", "features", "knobs"),
    [
        ((GENERATOR, DISCRIMINATOR), 2, GANS),
        (("Linear 8", "BatchNorm1d", "Linear 3"), 3, CODES),
    ],
    ids=["gan", "autoencoder"],
)
def test_asking_for_a_picture_does_not_change_training(
    network: tuple[Any, ...], features: int, knobs: dict[str, Any]
):
    ends = []
    for is_watched in (True, False):
        chosen = experiment(*network, **deepcopy(knobs))
        subject = Session("run", chosen, dataset(features=features), CPU)
        for _ in train(subject):
            if is_watched:
                picture(subject, Probe())
        ends.append(weights(subject))

    assert torch.equal(*ends)
