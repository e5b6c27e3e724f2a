"""The arrays of an NPZ archive as tensors; nothing in it is run."""

import math
import zipfile
import zlib

import numpy
import torch
from torch import Tensor

from tuilab.core.errors import InputError
from tuilab.core.files.tables.npz import Header
from tuilab.core.files.tables.table import Look, picture
from tuilab.engine.data.dataset import Part, Report

Values = numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.generic]]

LARGEST = 8_000_000_000
"""Bytes of an array: more than a small file could announce by mistake."""


def parts(look: Look, report: Report) -> tuple[Part, Part]:
    """Examples to train on, and those to test on, which may be none."""
    names, where = look.arrays, str(look.file.path)
    assert names is not None
    report(f"Reading {look.file.path.name}", None)
    try:
        with numpy.load(look.file.path, allow_pickle=False) as archive:
            training = _part(archive, names.inputs, names.answers, look)
            test = training.at(torch.arange(0))
            if names.test_inputs is not None and names.test_answers is not None:
                test = _part(archive, names.test_inputs, names.test_answers, look)
    except (OSError, ValueError, zipfile.BadZipFile, zlib.error, EOFError, KeyError) as error:
        problem = f"it cannot be read ({error}); save it again with numpy.savez"
        raise InputError(problem, where) from None
    report(f"Reading {look.file.path.name}", 1.0)
    return training, test


def _part(archive: "numpy.lib.npyio.NpzFile", x: Header, y: Header, look: Look) -> Part:
    for header in (x, y):
        if (size := math.prod(header.shape) * 8) > LARGEST:
            problem = f"{header.name} needs {size / 1e9:,.0f} GB; take a part of it"
            raise InputError(problem, str(look.file.path))
    return Part(_inputs(archive[x.name], x), _targets(archive[y.name], look))


def _inputs(values: Values, x: Header) -> Tensor:
    shape = picture(x)
    if not shape:
        return torch.from_numpy(values.astype(numpy.float32))
    pictures = torch.from_numpy(values)
    if pictures.dim() == 3:
        return pictures[:, None]
    return pictures if tuple(pictures.shape[1:]) == shape else pictures.permute(0, 3, 1, 2)


def _targets(values: Values, look: Look) -> Tensor:
    values = values.reshape(len(values))
    if look.is_number:
        return torch.from_numpy(values.astype(numpy.float64))[:, None]
    texts = [
        value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        for value in values.tolist()
    ]
    known = {name: place for place, name in enumerate(look.classes)}
    if unknown := set(texts) - set(known):
        raise InputError(
            f'the test part has a class "{min(unknown)}" that is not trained on',
            str(look.file.path),
        )
    return torch.tensor([known[text] for text in texts])
