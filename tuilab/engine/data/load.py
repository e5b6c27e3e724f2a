"""From an experiment to the tensors that it trains on: draw or read, check, split, normalize."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from tuilab.engine.data import generated, glyphs, images
from tuilab.engine.data.chance import stream
from tuilab.engine.data.dataset import Dataset, InputsAt, Part, Report, Source
from tuilab.lab.catalogue.data import Blobs, Data, FashionMNIST, Glyphs, Sine
from tuilab.lab.errors import InputError
from tuilab.lab.experiment import Experiment

SOURCES: dict[type[Data], Callable[[Any, int, Report], Source]] = {
    **dict.fromkeys(generated.FIGURES, generated.plane),
    Blobs: generated.blobs,
    Sine: generated.sine,
    Glyphs: glyphs.glyphs,
    FashionMNIST: images.fashion_mnist,
}
"""Where each data set of the catalogue comes from."""


def load(experiment: Experiment, device: torch.device, report: Report) -> Dataset:
    """The data set of an experiment on a device: the same seed, the same bits.

    What it returns can be trained on: there is at least one training example, every number is
    finite, every class is one of the set's. Chance comes from streams of its own, never from
    torch's global one. Raises InputError, worded for the person at the screen; `report` may
    raise to cancel, and nothing half-written stays.
    """
    data, seed = experiment.data, experiment.seed
    source = SOURCES[type(data)](data, seed, report)
    for part in (source.training, source.test):
        check(part, data)
    training, validation = split(source.training, data.validation, seed)
    if training.inputs.dtype == torch.uint8:
        shift, scale = _bytes_spread(training.inputs) if data.normalize else (0.0, 1 / 255)
        return Dataset(
            training.to(device), validation.to(device), source.test.to(device), data.classes,
            shift=torch.full((1, 1, 1), shift, device=device),
            scale=torch.full((1, 1, 1), scale, device=device),
        )  # fmt: skip
    return _normalized(source, training, validation, data, device)


def check(part: Part, data: Data) -> None:
    """Refuse examples that would fail, or teach nonsense, in the middle of a run."""
    if problem := _problem(part, data.shape, len(data.classes)):
        raise InputError(problem, data.title)


def _problem(part: Part, shape: tuple[int, ...], classes: int) -> str:
    inputs, targets = part.inputs, part.targets
    if not len(inputs):
        return "it has no examples"
    if inputs.shape[1:] != shape:
        return f"an example is {list(inputs.shape[1:])}, not {list(shape)}"
    if len(targets) != len(inputs):
        return f"{len(inputs)} examples have {len(targets)} targets"
    for name, values in (("an input", inputs), ("a target", targets)):
        if values.is_floating_point() and not values.isfinite().all():
            index = int((~values.flatten(1).isfinite().all(dim=1)).nonzero()[0])
            return f"example {index} has {name} that is not a finite number"
    if not targets.is_floating_point() and ((targets < 0) | (targets >= classes)).any():
        index = int(((targets < 0) | (targets >= classes)).nonzero()[0])
        return (
            f"example {index} has the class {int(targets[index])}; "
            f"there are {classes}, from 0 to {classes - 1}"
        )
    return ""


def split(examples: Part, validation: float, seed: int) -> tuple[Part, Part]:
    """Shuffle, then hold back a part; at least one example stays to train on."""
    count = len(examples)
    held = min(round(count * validation), count - 1)
    order = torch.randperm(count, generator=stream(seed, "validation"))
    return examples.at(order[held:]), examples.at(order[:held])


def _normalized(
    source: Source, training: Part, validation: Part, data: Data, device: torch.device
) -> Dataset:
    """Numbers to mean 0 and spread 1 of the training part, once and for good."""
    shift, scale = _spread(training.inputs) if data.normalize else (torch.zeros(1), torch.ones(1))

    def moved(part: Part) -> Part:
        return Part((part.inputs - shift) * scale, part.targets, part.coordinates).to(device)

    return Dataset(
        moved(training), moved(validation), moved(source.test), data.classes,
        inputs_at=_moved(source.inputs_at, shift.to(device), scale.to(device)),
        bounds=source.bounds,
    )  # fmt: skip


def _moved(inputs_at: InputsAt | None, shift: Tensor, scale: Tensor) -> InputsAt | None:
    """The same view of a point, normalized as the examples are."""
    if inputs_at is None:
        return None
    return lambda points: (inputs_at(points.to(shift)) - shift) * scale


def _spread(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of every column, and one over its spread; a column that never varies keeps its size."""
    columns = inputs.double()
    varies = columns.amax(dim=0) > columns.amin(dim=0)
    spread = torch.where(varies, columns.std(dim=0, correction=0), 1.0)
    return columns.mean(dim=0).float(), (1 / spread).float()


def _bytes_spread(pictures: Tensor) -> tuple[float, float]:
    """The same for all pixels together, from a count of each byte: no copy as floats is made."""
    counts = torch.bincount(pictures.flatten(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64)
    mean = (counts * values).sum() / counts.sum()
    spread = ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt()
    return float(mean), 1 / float(spread) if spread > 0 else 1 / 255
