"""Sources: for each data set of the catalogue, the function that draws or reads it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from tuilab.core.catalogue.data.data_set import DataSet
from tuilab.engine.data.dataset import Examples, InputsAt, ProgressCallback
from tuilab.engine.registry import Registry

TEST_EXAMPLES = 1000
"""The size of the test set of generated data."""


@dataclass(frozen=True, slots=True)
class TestSplit:
    """How the test set is taken from the training set."""

    __test__ = False

    fraction: float
    purpose: str
    "Of the random numbers; another one would draw another test set."


@dataclass(slots=True)
class RawDataset:
    """A data set as it was drawn or read: not yet split, normalized or on a device."""

    training: Examples
    test: Examples
    "May be empty."
    inputs_at: InputsAt | None = None
    bounds: tuple[float, ...] = ()
    validation: Examples | None = None
    "Where the data set defines it: near the end of a text, some nodes of a graph."
    vocabulary: tuple[str, ...] = ()
    adjacency: Tensor | None = None
    modes: Tensor | None = None
    mode_std: float = 0.0
    indicators: Tensor | None = None
    "Which features are 0 or 1 and stay unnormalized: bool [features]."
    groups: tuple[str, ...] = ()
    test_split: TestSplit | None = None
    "How the test set has yet to be taken from the training set."
    remarks: tuple[str, ...] = ()
    "Sentences about how a file was read."


SourceFunction = Callable[[Any, int, ProgressCallback], RawDataset]
"""Takes a data set of the catalogue, a seed and a progress callback."""

SOURCES: Registry[type[DataSet], SourceFunction] = Registry("source")

source = SOURCES.register
"""Marks the function that draws or reads a data set: `@source(Rings)`."""
