"""From an experiment to the tensors that it trains on: draw or read, check, split, normalize."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tuilab.core.catalogue.data import graphs as lab_graphs
from tuilab.core.catalogue.data import images as lab_images
from tuilab.core.catalogue.data import points as lab_points
from tuilab.core.catalogue.data import sequences as lab_sequences
from tuilab.core.catalogue.data import tables as lab_tables
from tuilab.core.catalogue.data import texts as lab_texts
from tuilab.core.catalogue.data.data_set import Data
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.network.layer import Tokens
from tuilab.engine.data import (
    cifar,
    corruptions,
    glyphs,
    graphs,
    image_folders,
    images,
    points,
    sequences,
    tables,
    texts,
)
from tuilab.engine.data.dataset import IGNORED, Dataset, InputsAt, Part, Report, Source
from tuilab.engine.data.report import account
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.split import Fold, split

SOURCES: dict[type[Data], Callable[[Any, int, Report], Source]] = {
    **dict.fromkeys(points.FIGURES, points.plane),
    lab_points.Spiral: points.spiral,
    lab_points.Blobs: points.blobs,
    lab_points.Rings: points.rings,
    lab_points.GaussiansRing: points.gaussians_ring,
    lab_points.GaussiansGrid: points.gaussians_grid,
    lab_points.Drawn: points.drawn,
    lab_points.Sine: points.sine,
    lab_points.SwissRoll: points.swiss_roll,
    lab_images.Glyphs: glyphs.glyphs,
    **dict.fromkeys((lab_images.MNIST, lab_images.FashionMNIST, lab_images.KMNIST), images.idx),
    lab_images.CIFAR10: cifar.cifar10,
    lab_images.Folder: image_folders.folder,
    lab_sequences.Parity: sequences.parity,
    lab_sequences.Adding: sequences.adding,
    lab_sequences.Copy: sequences.copy,
    lab_sequences.Waves: sequences.waves,
    lab_sequences.Forecast: sequences.forecast,
    lab_texts.Text: texts.text,
    lab_texts.PythonSource: texts.text,
    lab_graphs.Communities: graphs.communities,
    lab_graphs.Karate: graphs.karate,
    lab_tables.Table: tables.table,
}
"""Where each data set of the catalogue comes from."""


def load(
    experiment: Experiment, device: torch.device, report: Report, fold: Fold | None = None
) -> Dataset:
    """The data set of an experiment on a device: the same seed, the same bits.

    What it returns can be trained on: there is at least one training example, every number is
    finite, every class is one of the set's. Chance comes from streams of its own, never from
    torch's global one. Raises InputError, worded for the person at the screen; `report` may
    raise to cancel, and nothing half-written stays.
    """
    data, seed = experiment.data, experiment.seed
    source = SOURCES[type(data)](data, seed, report)
    is_regression = name_of(experiment.task) == "regression"
    classes = () if is_regression else data.classes
    if isinstance(data, lab_tables.Table):
        tables.answer(source, data, classes)
    _make_rare(source, data, seed)
    check(source.training, data)
    for held in (source.validation, source.test):
        if held is not None and len(held):
            check(held, data)
    training, validation = source.training, source.validation
    if validation is None:
        training, validation = split(training, data.validation, seed, fold)
    elif fold is not None:
        raise InputError("it says itself what is held back, so it has no folds", data.title)
    if (noise := getattr(data, "label_noise", 0.0)) and classes:
        chance = rng_for(seed, "label noise")
        training = corruptions.mislabelled(training, len(classes), noise, chance)
    if isinstance(data, lab_tables.Table):
        tables.complete(source, data, training, validation, is_regression)
    told = account(training, validation, source.test, classes) if data.is_collected else []
    if training.inputs.dtype == torch.uint8:
        dataset = _pictures(source, training, validation, data, device)
    else:
        dataset = _normalized(source, training, validation, data, device)
    dataset.classes, dataset.remarks = classes, (*source.remarks, *told)
    if isinstance(data, lab_tables.Table):
        dataset.groups = data.groups
    return dataset


def _make_rare(source: Source, data: Data, seed: int) -> None:
    """Leave out examples of all classes but the first, in all parts alike."""
    if not (ratio := getattr(data, "imbalance", 0.0)) or data.graph:
        return
    classes = len(data.classes)
    for name in ("training", "validation", "test"):
        part, chance = getattr(source, name), rng_for(seed, f"imbalance {name}")
        if part is not None and not part.targets.is_floating_point():
            setattr(source, name, corruptions.imbalanced(part, classes, ratio, chance))


def _pictures(
    source: Source, training: Part, validation: Part, data: Any, device: torch.device
) -> Dataset:
    """Pictures stay bytes; the test ones may be turned and paler."""
    shift, scale = _bytes_spread(training.inputs) if data.normalize else (0.0, 1 / 255)
    test = source.test
    if aside := getattr(data, "test_shift", 0.0):
        test = replace(test, inputs=corruptions.turned(test.inputs, aside))
    return Dataset(
        training.to(device), validation.to(device), test.to(device),
        shift=torch.full((1, 1, 1), shift, device=device),
        scale=torch.full((1, 1, 1), scale, device=device),
    )  # fmt: skip


def check(part: Part, data: Data) -> None:
    """Refuse examples that would fail, or teach nonsense, in the middle of a run."""
    shape, classes = data.shape, len(data.classes)
    may_lack = isinstance(data, lab_tables.Table)  # gaps are filled once the parts are known
    problem = _misfit(part, shape, data.positions) or _not_finite(part, may_lack)
    if not problem and isinstance(shape, Tokens):
        problem = _outside(part.inputs, "token", shape.vocabulary)
        classes = classes or shape.vocabulary
    if not problem and not part.targets.is_floating_point():
        asked = part.targets.masked_fill(part.targets == IGNORED, 0) if data.positions else None
        problem = _outside(part.targets if asked is None else asked, "class", classes)
    if problem:
        raise InputError(problem, data.title)


def _misfit(part: Part, shape: tuple[int, ...], positions: tuple[int, ...]) -> str:
    inputs, targets = part.inputs, part.targets
    if not len(inputs):
        return "it has no examples"
    if inputs.shape[1:] != shape:
        return f"an example is {list(inputs.shape[1:])}, not {list(shape)}"
    if len(targets) != len(inputs):
        return f"{len(inputs)} examples have {len(targets)} targets"
    if positions and targets.shape[1:] != positions:
        return f"an example has {list(targets.shape[1:])} targets, not {list(positions)}"
    return ""


def _not_finite(part: Part, may_lack: bool) -> str:
    inputs = part.inputs
    if may_lack and inputs.is_floating_point():
        inputs = inputs.masked_fill(inputs.isnan(), 0)
    for name, values in (("an input", inputs), ("a target", part.targets)):
        if values.is_floating_point() and not values.isfinite().all():
            index = int((~values.flatten(1).isfinite().all(dim=1)).nonzero()[0])
            return f"example {index} has {name} that is not a finite number"
    return ""


def _outside(numbers: Tensor, what: str, count: int) -> str:
    wrong = (numbers < 0) | (numbers >= count)
    if not wrong.any():
        return ""
    place = wrong.nonzero()[0]
    return (
        f"example {int(place[0])} has the {what} {int(numbers[tuple(place)])}; "
        f"there are {count}, from 0 to {count - 1}"
    )


def _normalized(
    source: Source, training: Part, validation: Part, data: Data, device: torch.device
) -> Dataset:
    """Numbers to mean 0 and spread 1 of the training part, once and for good."""
    shift, scale = torch.zeros(1), torch.ones(1)
    if getattr(data, "normalize", False):
        shift, scale = _spread(training.inputs)
    if source.indicators is not None:
        shift, scale = (
            torch.where(source.indicators, kept, moved)
            for kept, moved in ((torch.zeros(1), shift), (torch.ones(1), scale))
        )

    def moved(part: Part) -> Part:
        if not part.inputs.is_floating_point():
            return part.to(device)
        return replace(part, inputs=(part.inputs - shift) * scale).to(device)

    modes, adjacency = source.modes, source.adjacency
    return Dataset(
        moved(training), moved(validation), moved(source.test),
        inputs_at=_moved(source.inputs_at, shift.to(device), scale.to(device)),
        bounds=source.bounds,
        vocabulary=source.vocabulary,
        adjacency=None if adjacency is None else adjacency.to(device),
        modes=None if modes is None else ((modes - shift) * scale).to(device),
        spread=source.spread * float(scale.mean()),
    )  # fmt: skip


def _moved(inputs_at: InputsAt | None, shift: Tensor, scale: Tensor) -> InputsAt | None:
    """The same view of a point, normalized as the examples are."""
    if inputs_at is None:
        return None
    return lambda points: (inputs_at(points.to(shift)) - shift) * scale


def _spread(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Mean of every column, and one over its spread; a column that never varies keeps its size."""
    columns = inputs.flatten(0, -2).double()  # a feature is the same at every step of a sequence
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
