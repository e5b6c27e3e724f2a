"""Samples of generative networks: text, reconstructions, images, points; and of regression."""

from copy import deepcopy
from typing import Any

import msgspec
import pytest
import torch

from tests.support.datasets import CPU, ignore_progress
from tests.support.not_none import not_none
from tests.support.tiny_sessions import flatten_parameters, make_dataset, make_experiment
from tuilab.core.catalogue.data.points import GaussiansRing
from tuilab.core.protocol.inspect.result_messages import (
    GeneratedImages,
    GeneratedPoints,
    GeneratedText,
    Picture,
    Reconstructions,
    ResultRequest,
    Scatter,
)
from tuilab.engine.data.dataset import Dataset, Examples
from tuilab.engine.data.load import load
from tuilab.engine.inspect.result.result_inspector import ResultInspector
from tuilab.engine.session import Session
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.train import train

GENERATOR = ["Generator", "Linear 8", "ReLU", "Linear 2"]
DISCRIMINATOR = ["Discriminator", "Linear 8", "ReLU", "Linear 1"]


def request_picture(session: Session, samples: int = 12) -> Picture | None:
    return ResultInspector(session).inspect(ResultRequest(samples=samples)).picture


def assert_survives_encoding(result: Picture) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(result), type=type(result)) == result


def load_session(*network: Any, **tables: Any) -> Session:
    """Returns a session on the data that its experiment names."""
    experiment = make_experiment(*network, **tables)
    return Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)


def make_images() -> Dataset:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randint(0, 256, (30, 1, 28, 28), dtype=torch.uint8, generator=generator)
    part = Examples(inputs, torch.arange(30) % 10)
    return Dataset(
        part, Examples(inputs[:0], part.targets[:0]), part, tuple("0123456789"),
        shift=torch.full((1, 1, 1), 127.0), scale=torch.full((1, 1, 1), 1 / 64),
    )  # fmt: skip


# --- text ---------------------------------------------------------------------------------------


def test_each_request_continues_the_text() -> None:
    letters = torch.randint(65, 70, (20, 8), generator=torch.Generator().manual_seed(2))
    part = Examples(letters[:, :-1], letters[:, 1:])
    experiment = make_experiment(
        "Embedding 4", "Linear 97", data={"name": "python_source", "length": 7},
        task={"name": "language_model", "prompt": "BAD", "temperature": 0.6, "sample_length": 2000},
    )  # fmt: skip
    vocabulary = ("\t", "\n", *map(chr, range(32, 127)))
    session = Session("run", experiment, Dataset(part, part, part, vocabulary=vocabulary), CPU)

    first, second = request_picture(session), request_picture(session)

    assert isinstance(first, GeneratedText) and isinstance(second, GeneratedText)
    assert (first.prompt, first.temperature, first.is_complete) == ("BAD", 0.6, False)
    assert len(second.text) > len(first.text) and second.text.startswith(first.text)
    assert_survives_encoding(first)


# --- reconstructions ----------------------------------------------------------------------------


def test_a_reconstruction_comes_with_its_image_and_its_error() -> None:
    experiment = make_experiment(
        ["Encoder", "Flatten", "Linear 4"], ["Decoder", "Linear 784", "Unflatten (1,28,28)"],
        task="autoencoder", data={"name": "glyphs"}, loss={"name": "mse"},
    )  # fmt: skip
    session = Session("run", experiment, make_images(), CPU)

    result = request_picture(session, samples=5)

    assert isinstance(result, Reconstructions) and len(result.pairs) == 5
    raw = session.dataset.test.inputs[:5]
    inputs = session.dataset.prepare(raw)
    outputs = session.predict(raw)
    for number, pair in enumerate(result.pairs):
        assert pair.shape == (1, 28, 28)
        assert pair.input == bytes(raw[number].flatten().tolist())
        gray = (outputs[number] * 64 + 127).round().clamp(0, 255)
        assert pair.output == bytes(gray.flatten().int().tolist())
        error = (outputs[number] - inputs[number]).square().mean().item()
        assert pair.error == pytest.approx(error, rel=1e-4)
    assert_survives_encoding(result)


def test_examples_that_are_not_images_have_only_an_error() -> None:
    session = load_session(
        "Linear 2", "Linear 3", task="autoencoder", data={"name": "swiss_roll", "samples": 50},
        loss={"name": "mse"},
    )  # fmt: skip

    result = request_picture(session, samples=4)

    assert isinstance(result, Reconstructions)
    assert [(pair.input, pair.output, pair.shape) for pair in result.pairs] == [
        (b"", b"", (3,))
    ] * 4
    assert all(pair.error > 0 for pair in result.pairs)
    assert_survives_encoding(result)


# --- generators ---------------------------------------------------------------------------------


def test_generated_points_real_points_and_bounds_are_in_one_unit() -> None:
    session = load_session(
        GENERATOR, DISCRIMINATOR, task={"name": "gan", "latent": 3}, loss={"name": "bce"},
        data=msgspec.to_builtins(GaussiansRing(samples=300, modes=5)),
    )  # fmt: skip

    result = request_picture(session)

    assert isinstance(result, GeneratedPoints) and isinstance(session.task, GAN)
    assert len(result.bounds) == 4 and result.total_modes == 5
    coverage = session.task.mode_coverage(session.task.generate(2000))
    assert coverage is not None and result.covered_modes == coverage["modes"]
    assert result.precision == coverage["high_quality"]
    left, right, bottom, top = result.bounds
    inputs_at = not_none(session.dataset.inputs_at)
    raw = session.dataset.bounds
    assert inputs_at(torch.tensor([[raw[0], raw[2]]])).tolist()[0] == pytest.approx([left, bottom])
    assert inputs_at(torch.tensor([[raw[1], raw[3]]])).tolist()[0] == pytest.approx([right, top])
    assert result.real == [tuple(point) for point in session.dataset.train.inputs[:400].tolist()]
    assert all(left <= x <= right and bottom <= y <= top for x, y in result.real)
    assert len({(x > 0, y > 0) for x, y in result.real}) == 4
    generated = session.task.generate(2000)[:400]
    assert result.generated == [tuple(point) for point in generated.tolist()]
    assert result.realness == []
    assert_survives_encoding(result)


def test_generated_images_have_as_many_bytes_as_pixels() -> None:
    experiment = make_experiment(
        ["Generator", "Linear 784", "Unflatten (1,28,28)"],
        ["Discriminator", "Flatten", "Linear 1"],
        task={"name": "gan", "latent": 3}, loss={"name": "bce"}, data={"name": "glyphs"},
    )  # fmt: skip
    session = Session("run", experiment, make_images(), CPU)

    result = request_picture(session, samples=6)

    assert isinstance(result, GeneratedImages) and isinstance(session.task, GAN)
    assert result.shape == [1, 28, 28]
    assert [len(image) for image in result.images] == [784] * 6
    gray = (session.task.generate(6)[0] * 64 + 127).round().clamp(0, 255)
    assert result.images[0] == bytes(gray.flatten().int().tolist())
    assert_survives_encoding(result)


# --- predicted numbers --------------------------------------------------------------------------


def test_a_regression_without_a_curve_is_targets_against_predictions() -> None:
    session = load_session(
        "GRU 4", "Linear 1", task="regression", loss={"name": "mse"},
        data={"name": "adding", "length": 6, "samples": 60},
    )  # fmt: skip

    result = request_picture(session)

    assert isinstance(result, Scatter)
    part = session.dataset.validation
    predictions = session.predict(part.inputs)[:, 0].tolist()
    assert [point[0] for point in result.points] == part.targets[:, 0].tolist()
    assert [point[1] for point in result.points] == pytest.approx(predictions)
    assert_survives_encoding(result)


GAN_TABLES = {"task": {"name": "gan"}, "loss": {"name": "bce"}, "data": {"name": "gaussians_ring"}}
AUTOENCODER_TABLES = {
    "task": "autoencoder",
    "loss": {"name": "mse"},
    "data": {"name": "swiss_roll"},
}


@pytest.mark.parametrize(
    ("network", "features", "tables"),
    [
        ((GENERATOR, DISCRIMINATOR), 2, GAN_TABLES),
        (("Linear 8", "BatchNorm1d", "Linear 3"), 3, AUTOENCODER_TABLES),
    ],
    ids=["gan", "autoencoder"],
)
def test_requests_do_not_change_training(
    network: tuple[Any, ...], features: int, tables: dict[str, Any]
) -> None:
    weights = []
    for is_inspected in (True, False):
        experiment = make_experiment(*network, **deepcopy(tables))
        session = Session("run", experiment, make_dataset(features=features), CPU)
        for _ in train(session):
            if is_inspected:
                request_picture(session)
        weights.append(flatten_parameters(session))

    assert torch.equal(*weights)
