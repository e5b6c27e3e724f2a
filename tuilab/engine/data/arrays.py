"""The arrays of an NPZ archive as tensors; no code in it is run."""

import math
import zipfile
import zlib

import numpy
import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.npz import ArrayHeader
from tuilab.core.files.tables.table import TableInfo, image_shape
from tuilab.core.format import format_bytes
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.read_labels import to_labels

Values = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.generic]]

MAX_ARRAY_SIZE = 8_000_000_000
"""Bytes; a small file can announce a larger array by mistake."""


def read_arrays(info: TableInfo, report: ProgressCallback) -> tuple[Examples, Examples]:
    """Reads the training examples and the test examples, which may be empty."""
    names, path = info.arrays, str(info.file.path)
    assert names is not None
    report(f"Reading {info.file.path.name}", None)
    try:
        with numpy.load(info.file.path, allow_pickle=False) as archive:
            training = _read(archive, names.inputs, names.targets, info)
            test = training.select(torch.arange(0))
            if names.test_inputs is not None and names.test_targets is not None:
                test = _read(archive, names.test_inputs, names.test_targets, info)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        problem = f"it cannot be read ({error}); save it again with numpy.savez"
        raise InputError(problem, path) from None
    report(f"Reading {info.file.path.name}", 1.0)
    return training, test


def _read(
    archive: "numpy.lib.npyio.NpzFile", x: ArrayHeader, y: ArrayHeader, info: TableInfo
) -> Examples:
    for header in (x, y):
        if (size := math.prod(header.shape) * 8) > MAX_ARRAY_SIZE:
            problem = f"{header.name} needs {format_bytes(size)}; use a part of it"
            raise InputError(problem, str(info.file.path))
    return Examples(_to_inputs(archive[x.name], x), _to_targets(archive[y.name], info))


def _to_inputs(values: Values, x: ArrayHeader) -> Tensor:
    shape = image_shape(x)
    if not shape:
        is_small = values.dtype.itemsize <= 2 or values.dtype == numpy.float32
        return torch.from_numpy(values.astype(numpy.float32 if is_small else numpy.float64))
    images = torch.from_numpy(values)
    if images.dim() == 3:
        return images[:, None]
    return images if tuple(images.shape[1:]) == shape else images.permute(0, 3, 1, 2)


def _to_targets(values: Values, info: TableInfo) -> Tensor:
    if info.labels is not None:
        return to_labels(torch.from_numpy(values.astype(numpy.float64)), info)
    values = values.reshape(len(values))
    if info.is_numeric:
        return torch.from_numpy(values.astype(numpy.float64))[:, None]
    labels = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values.tolist()
    ]
    indices = {name: index for index, name in enumerate(info.classes)}
    if unknown := set(labels) - set(indices):
        problem = f'the test set has a class "{min(unknown)}" that the training set does not have'
        raise InputError(problem, str(info.file.path))
    return torch.tensor([indices[label] for label in labels])
