"""Texts as windows of token numbers; the targets are the same windows one token later."""

import torch
from torch import Tensor

from tuilab.core.catalogue.data.texts import PythonSource, TextDataSet, TextFile
from tuilab.core.errors import InputError
from tuilab.core.files import corpus
from tuilab.core.format import format_count
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.sources import RawDataset, source


@source(TextFile, PythonSource)
def text(data: TextDataSet, seed: int, report: ProgressCallback) -> RawDataset:
    """Reads a text: its beginning to train on, then the validation set, then the test set."""
    report(f"Reading {data.title}", None)
    is_bytes = data.tokens == "bytes"
    row = _bytes(data.source) if is_bytes else _characters(data.source, data.vocabulary)
    tests = round(len(row) * data.test)
    validations = round((len(row) - tests) * data.validation)
    training = row[: len(row) - tests - validations]
    validation = row[len(training) : len(row) - tests]
    test = row[len(row) - tests :]
    if len(training) <= data.length:
        raise InputError(
            f"{format_count(len(training))} tokens are left to train on, too few for one window of "
            f"{data.length} and the next token; make data.length, data.validation or data.test "
            "smaller, or use a longer text",
            data.title,
        )
    return RawDataset(
        cut_windows(training, data.length, data.stride),
        cut_windows(test, data.length, data.length),
        validation=cut_windows(validation, data.length, data.length),
        vocabulary=data.vocabulary,
    )


def cut_windows(row: Tensor, length: int, stride: int) -> Examples:
    """Returns windows over one row of tokens and their next tokens, as views without copies.

    Args:
        row: int64 [tokens]; shorter than a window and its next token, it yields no example.
    """
    if len(row) <= length:
        return Examples(row.new_empty(0, length), row.new_empty(0, length))
    return Examples(row[:-1].unfold(0, length, stride), row[1:].unfold(0, length, stride))


def _bytes(text: corpus.TextSource) -> Tensor:
    return torch.frombuffer(bytearray(corpus.read_bytes(text)), dtype=torch.uint8).long()


def _characters(text: corpus.TextSource, vocabulary: tuple[str, ...]) -> Tensor:
    """Returns the number of each character in a vocabulary that is ordered by code point."""
    codes = torch.tensor([ord(character) for character in vocabulary], dtype=torch.int32)
    encoded = bytearray(corpus.read_text(text).encode("utf-32-le"))
    return torch.searchsorted(codes, torch.frombuffer(encoded, dtype=torch.int32))
