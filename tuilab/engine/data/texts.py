"""Texts as windows of token numbers, each beside the same window one token further on."""

import torch
from torch import Tensor

from tuilab.core.catalogue.data.texts import Writing
from tuilab.core.errors import InputError
from tuilab.core.files import corpus
from tuilab.engine.data.dataset import Part, Report, Source


def text(data: Writing, seed: int, report: Report) -> Source:
    """The beginning of a text to train on, then a part to validate, its end to test."""
    source = data.source
    report(f"Reading {data.title}", None)
    row = _bytes(source) if data.tokens == "bytes" else _characters(source, data.vocabulary)
    tests = round(len(row) * data.test)
    held = round((len(row) - tests) * data.validation)
    training = row[: len(row) - tests - held]
    validation = row[len(training) : len(row) - tests]
    test = row[len(row) - tests :]
    if len(training) <= data.length:
        raise InputError(
            f"{len(training):,} tokens are left to train on, too few for one window of "
            f"{data.length} and the next token; make data.length, data.validation or data.test "
            "smaller, or take a longer text",
            data.title,
        )
    return Source(
        windows(training, data.length, data.stride),
        windows(test, data.length, data.length),
        validation=windows(validation, data.length, data.length),
        vocabulary=data.vocabulary,
    )


def windows(row: Tensor, length: int, stride: int) -> Part:
    """Windows over one row of tokens, and their next tokens, as views of it: no copies are made.

    Args:
        row: int64 [tokens]; shorter than a window and the next token, it gives no example.
    """
    if len(row) <= length:
        return Part(row.new_empty(0, length), row.new_empty(0, length))
    return Part(row[:-1].unfold(0, length, stride), row[1:].unfold(0, length, stride))


def _bytes(source: corpus.Source) -> Tensor:
    return torch.frombuffer(bytearray(corpus.content(source)), dtype=torch.uint8).long()


def _characters(source: corpus.Source, vocabulary: tuple[str, ...]) -> Tensor:
    """The number of each character in the vocabulary, which is in the order of code points."""
    points = torch.tensor([ord(character) for character in vocabulary], dtype=torch.int32)
    written = bytearray(corpus.text(source).encode("utf-32-le"))
    return torch.searchsorted(points, torch.frombuffer(written, dtype=torch.int32))
