"""From an experiment to its tensors: read or draw → corrupt → split → normalize → to the device."""

from dataclasses import replace

import torch
from torch import Tensor

from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.core.catalogue.data.tables import Table
from tuilab.core.discover import import_modules
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.core.network.layer import Tokens
from tuilab.engine import data as sources_package
from tuilab.engine.data import corruptions, tables
from tuilab.engine.data.dataset import (
    IGNORE_INDEX,
    Dataset,
    Examples,
    InputsAt,
    ProgressCallback,
)
from tuilab.engine.data.report import describe_keys, describe_splits
from tuilab.engine.data.rng import rng_for
from tuilab.engine.data.sources import SOURCES, RawDataset
from tuilab.engine.data.split import Fold, split, split_test

import_modules(sources_package)  # each module enters its functions into SOURCES


def load(
    experiment: Experiment, device: torch.device, report: ProgressCallback, fold: Fold | None = None
) -> Dataset:
    """Loads the data set of an experiment onto a device; the same seed gives the same bits.

    The result can be trained on: there is at least one training example, every number is finite,
    and every class is valid. Random numbers come from generators of its own, never from torch's
    global one. `report` may raise to cancel; nothing half-written stays.

    Raises:
        InputError: what is wrong with the data, worded for the user.
    """
    data, seed = experiment.data, experiment.seed
    is_regression = name_of(experiment.task) == "regression"
    classes = () if is_regression else data.classes

    raw = SOURCES[type(data)](data, seed, report)
    if isinstance(data, Table):
        tables.convert_targets(raw, data, classes)

    _hold_out_test_set(raw, data, seed)
    _make_imbalanced(raw, data, seed)
    _check_all(raw, data)

    training, validation = _split(raw, data, seed, fold)
    validation = _shift(validation, getattr(data, "validation_shift", 0.0), raw.inputs_at)
    raw.test = _shift(raw.test, getattr(data, "test_shift", 0.0), raw.inputs_at)
    if (fraction := getattr(data, "label_noise", 0.0)) and classes:
        generator = rng_for(seed, "label noise")
        training = corruptions.add_label_noise(training, len(classes), fraction, generator)

    if isinstance(data, Table):
        tables.fill_gaps(raw, training, validation)
        if is_regression and data.normalize_target:
            tables.standardize_targets(raw, training, validation)
        tables.cast_targets(raw, training, validation)
    remarks = raw.remarks
    if data.is_collected:
        splits = (training, validation, raw.test)
        remarks = (*remarks, *describe_splits(*splits, classes), *describe_keys(splits, data))

    to_dataset = _image_dataset if training.inputs.dtype == torch.uint8 else _normalized_dataset
    dataset = to_dataset(raw, training, validation, data, device)
    dataset.classes, dataset.groups, dataset.remarks = classes, raw.groups, remarks
    return dataset


# --- corrupt and split ----------------------------------------------------------------------------


def _make_imbalanced(raw: RawDataset, data: DataSet, seed: int) -> None:
    """Removes examples of all classes but the first, from all splits alike."""
    if not (ratio := getattr(data, "imbalance", 0.0)) or data.is_graph:
        return
    classes = len(data.classes)
    for name in ("training", "validation", "test"):
        examples, generator = getattr(raw, name), rng_for(seed, f"imbalance {name}")
        if examples is not None and not examples.targets.is_floating_point():
            setattr(raw, name, corruptions.make_imbalanced(examples, classes, ratio, generator))


def _hold_out_test_set(raw: RawDataset, data: DataSet, seed: int) -> None:
    """Takes the test set from the training set, where the data set has none of its own."""
    if raw.test_split is None:
        return
    check(raw.training, data)
    generator = rng_for(seed, raw.test_split.purpose)
    needs_validation = raw.validation is None and data.validation > 0
    raw.training, raw.test = split_test(
        raw.training, raw.test_split.fraction, generator, data.split_name,
        reserve=2 if needs_validation else 1,
    )  # fmt: skip


def _split(
    raw: RawDataset, data: DataSet, seed: int, fold: Fold | None
) -> tuple[Examples, Examples]:
    """Returns the training and validation set, as the data set defines them or by chance."""
    if raw.validation is None:
        return split(raw.training, data.validation, seed, fold, data.split_name)
    if fold is not None:
        raise InputError(
            "it has a fixed validation set, so it cannot be cross-validated", data.title
        )
    return raw.training, raw.validation


def _shift(examples: Examples, shift: float, inputs_at: InputsAt | None) -> Examples:
    """Returns examples with points moved to the right, or images rotated and faded."""
    if not shift:
        return examples
    if examples.coordinates is None or inputs_at is None:
        return replace(examples, inputs=corruptions.rotate_and_fade(examples.inputs, shift))
    points = corruptions.shift_points(examples.coordinates, shift)
    return replace(examples, inputs=inputs_at(points), coordinates=points)


# --- normalize and move to the device -------------------------------------------------------------


def _image_dataset(
    raw: RawDataset, training: Examples, validation: Examples, data: DataSet, device: torch.device
) -> Dataset:
    """Keeps images as bytes, with their mean and scale."""
    is_normalized = getattr(data, "normalize", False)
    shift, scale = _byte_statistics(training.inputs) if is_normalized else (0.0, 1 / 255)
    return Dataset(
        training.to(device), validation.to(device), raw.test.to(device),
        shift=torch.full((1, 1, 1), shift, device=device),
        scale=torch.full((1, 1, 1), scale, device=device),
    )  # fmt: skip


def _normalized_dataset(
    raw: RawDataset, training: Examples, validation: Examples, data: DataSet, device: torch.device
) -> Dataset:
    """Standardizes float inputs once by the training set; token numbers stay as they are."""
    shift, scale = torch.zeros(1), torch.ones(1)
    if getattr(data, "normalize", False):
        shift, scale = _statistics(training.inputs)
    points_shift, points_scale = shift.float(), scale.float()
    if raw.indicators is not None:
        shift = torch.where(raw.indicators, torch.zeros(1), shift)
        scale = torch.where(raw.indicators, torch.ones(1), scale)

    def normalize(examples: Examples) -> Examples:
        if not examples.inputs.is_floating_point():
            return examples.to(device)
        inputs = ((examples.inputs - shift) * scale).float()  # large numbers: float64 until here
        return replace(examples, inputs=inputs).to(device)

    return Dataset(
        normalize(training), normalize(validation), normalize(raw.test),
        inputs_at=_normalize_inputs_at(
            raw.inputs_at, points_shift.to(device), points_scale.to(device)
        ),
        bounds=raw.bounds,
        vocabulary=raw.vocabulary,
        adjacency=None if raw.adjacency is None else raw.adjacency.to(device),
        modes=None if raw.modes is None else (
            ((raw.modes - points_shift) * points_scale).to(device)
        ),
        mode_std=raw.mode_std * float(scale.mean()),
    )  # fmt: skip


def _normalize_inputs_at(
    inputs_at: InputsAt | None, shift: Tensor, scale: Tensor
) -> InputsAt | None:
    """Returns the same function with outputs normalized as the examples are."""
    if inputs_at is None:
        return None
    return lambda points: (inputs_at(points.to(shift)) - shift) * scale


def _statistics(inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Returns mean and one over the standard deviation of every feature of [n, ..., features].

    A constant feature keeps its scale.
    """
    columns = inputs.flatten(0, -2).double()  # a feature is the same at every step of a sequence
    varies = columns.amax(dim=0) > columns.amin(dim=0)
    std = torch.where(varies, columns.std(dim=0, correction=0), 1.0)
    mean, scale = columns.mean(dim=0), 1 / std
    return (mean, scale) if inputs.dtype == torch.float64 else (mean.float(), scale.float())


def _byte_statistics(images: Tensor) -> tuple[float, float]:
    """Returns mean and one over the standard deviation of all bytes, without a copy as floats."""
    counts = torch.bincount(images.flatten(), minlength=256).double()
    values = torch.arange(256, dtype=torch.float64)
    mean = (counts * values).sum() / counts.sum()
    std = ((counts * (values - mean) ** 2).sum() / counts.sum()).sqrt()
    return float(mean), 1 / float(std) if std > 0 else 1 / 255


# --- check ----------------------------------------------------------------------------------------


def _check_all(raw: RawDataset, data: DataSet) -> None:
    check(raw.training, data)
    for held_out in (raw.validation, raw.test):
        if held_out is not None and len(held_out):
            check(held_out, data)


def check(examples: Examples, data: DataSet) -> None:
    """Refuses examples that would fail, or be meaningless, in the middle of a run.

    Raises:
        InputError: which example is wrong.
    """
    shape, classes = data.shape, len(data.classes)
    has_gaps = isinstance(data, Table)  # they are filled after the split
    problem = _find_misfit(examples, shape, data.target_shape) or _find_nan(examples, has_gaps)
    if not problem and isinstance(shape, Tokens):
        problem = _find_outside(examples.inputs, "token", shape.vocabulary)
        classes = classes or shape.vocabulary
    if not problem and not examples.targets.is_floating_point():
        targets = examples.targets
        if data.target_shape:
            targets = targets.masked_fill(targets == IGNORE_INDEX, 0)
        problem = _find_outside(targets, "class", classes)
    if problem:
        raise InputError(problem, data.title)


def _find_misfit(examples: Examples, shape: tuple[int, ...], target_shape: tuple[int, ...]) -> str:
    inputs, targets = examples.inputs, examples.targets
    if not len(inputs):
        return "it has no examples"
    if inputs.shape[1:] != shape:
        return f"an example is {list(inputs.shape[1:])}, not {list(shape)}"
    if len(targets) != len(inputs):
        return f"{len(inputs)} examples have {len(targets)} targets"
    if target_shape and targets.shape[1:] != target_shape:
        return f"an example has {list(targets.shape[1:])} targets, not {list(target_shape)}"
    return ""


def _find_nan(examples: Examples, has_gaps: bool) -> str:
    inputs = examples.inputs
    if has_gaps and inputs.is_floating_point():
        inputs = inputs.masked_fill(inputs.isnan(), 0)
    for name, values in (("an input", inputs), ("a target", examples.targets)):
        if values.is_floating_point() and not values.isfinite().all():
            index = int((~values.flatten(1).isfinite().all(dim=1)).nonzero()[0])
            return f"example {index} has {name} that is not a finite number"
    return ""


def _find_outside(numbers: Tensor, noun: str, count: int) -> str:
    is_outside = (numbers < 0) | (numbers >= count)
    if not is_outside.any():
        return ""
    index = is_outside.nonzero()[0]
    return (
        f"example {int(index[0])} has the {noun} {int(numbers[tuple(index)])}; "
        f"there are {count}, from 0 to {count - 1}"
    )
