"""Pictures of a result are what the network says at each place."""

import pytest
import torch

from tests.support.tiny import CPU, dataset, experiment, session
from tuilab.core.protocol.commands import Probe
from tuilab.core.protocol.inspect.result_messages import Confusion, Curve, Surface
from tuilab.engine.data.dataset import Dataset, Part
from tuilab.engine.inspect.result.result_inspector import picture
from tuilab.engine.session import Session


def test_a_surface_goes_row_by_row_from_the_top():
    subject = session()

    surface = picture(subject, Probe(width=6, height=4))

    assert isinstance(surface, Surface)
    assert (surface.width, surface.height, len(surface.values)) == (6, 4, 24)
    top_left = torch.tensor([[-3 + 0.5, 2 - 0.5]])
    sure, winner = subject.predict(top_left).softmax(1).max(1)
    assert surface.values[0] == pytest.approx(winner.item() + sure.item(), abs=1e-5)
    assert len(surface.points) == 57
    assert len(surface.validation) == 20


def test_a_curve_follows_the_network_over_its_input():
    data = dataset(features=1)
    for part in (data.train, data.validation, data.test):
        part.coordinates, part.targets = part.inputs, part.inputs.sin()
    data.classes, data.bounds = (), (-3.0, 3.0)
    knobs = experiment(
        "Linear 4", "Tanh", "Linear 1", task="regression", loss={"name": "mse"},
        data={"name": "sine"},
    )  # fmt: skip
    subject = Session("run", knobs, data, CPU)

    curve = picture(subject, Probe(width=10))

    assert isinstance(curve, Curve)
    assert len(curve.x) == len(curve.y) == 20
    assert (curve.x[0], curve.x[-1]) == (-3, 3)
    assert curve.y[0] == pytest.approx(subject.predict(torch.tensor([[-3.0]])).item(), abs=1e-5)


def images(count: int = 30) -> Dataset:
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator)
    targets = torch.arange(count) % 10
    part = Part(inputs, targets)
    return Dataset(
        part, Part(inputs[:0], targets[:0]), part, tuple("0123456789"),
        shift=torch.full((1, 1, 1), 127.0), scale=torch.full((1, 1, 1), 1 / 64),
    )  # fmt: skip


def test_a_confusion_counts_every_example_once_and_shows_true_pixels():
    knobs = experiment("Flatten", "Linear 10", data={"name": "glyphs"})
    subject = Session("run", knobs, images(), CPU)

    confusion = picture(subject, Probe(samples=5))

    assert isinstance(confusion, Confusion)
    assert sum(map(sum, confusion.counts)) == 30
    assert [sum(row) for row in confusion.counts] == [3] * 10
    assert [sample.target for sample in confusion.samples] == [0, 1, 2, 3, 4]
    first = confusion.samples[0]
    assert first.pixels == bytes(subject.dataset.train.inputs[0].flatten().tolist())
    assert 0 < first.probability <= 1


def test_asking_for_a_picture_changes_nothing():
    subject = session("Linear 8", "BatchNorm1d", "Dropout 0.5", "Linear 3")
    before = {name: tensor.clone() for name, tensor in subject.network.state_dict().items()}
    chance = torch.get_rng_state()

    picture(subject, Probe())

    after = subject.network.state_dict()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    assert torch.equal(torch.get_rng_state(), chance)
    assert subject.network.training
