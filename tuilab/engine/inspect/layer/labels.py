"""What rows, columns and points are called: tokens, classes, features, or numbers."""

import torch
from torch import Tensor

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import IGNORED
from tuilab.engine.inspect.layer.layer_outputs import Outputs
from tuilab.engine.session import Session

PARTS = ["low", "middle", "high"]
"""What points are called whose wanted answer is a number: a third of them each."""

SPOKEN = {"\n": "↵", "\t": "⇥", " ": "␣"}
"""Tokens that nobody would see."""

CAPTION = 12


def numbered(count: int) -> list[str]:
    """Names where there are none."""
    return [str(number) for number in range(count)]


def features(session: Session) -> list[str]:
    """What the numbers of an example are called; none where they have no names."""
    data = session.experiment.data
    try:
        told = data.look.names if isinstance(data, Table) else getattr(data, "features", ())
    except InputError:  # the file has changed since it was read
        told = ()
    names = [str(name) for name in told] if isinstance(told, (list, tuple)) else []
    return names if len(names) == session.dataset.train.inputs[0].numel() else []


def said(session: Session, tokens: Tensor) -> list[str]:
    """Tokens as they are drawn; none where the data set has no vocabulary."""
    vocabulary = session.dataset.vocabulary
    if not vocabulary:
        return []
    return [_seen(vocabulary[number]) for number in tokens.tolist() if number < len(vocabulary)]


def _seen(token: str) -> str:
    plain = "".join(SPOKEN.get(sign, sign) for sign in token[:CAPTION])
    return plain if plain.isprintable() else f"{ord(plain[0]):02x}"


def classes_of(
    session: Session, outputs: Outputs, *, by_position: bool
) -> tuple[list[str], list[int]]:
    """The names of classes, and the number of each example's or position's; -1: of none."""
    targets, dataset = outputs.targets, session.dataset
    if targets is None:
        return [], [-1] * outputs.count
    if dataset.vocabulary and not dataset.classes:
        tokens = outputs.raw if by_position else targets
        words = said(session, torch.arange(len(dataset.vocabulary)))
        return words, tokens.flatten().tolist()
    if targets.is_floating_point():
        numbers = targets.flatten()[: len(targets)]
        lower, upper = numbers.quantile(1 / 3), numbers.quantile(2 / 3)
        return PARTS, ((numbers > lower).int() + (numbers > upper).int()).tolist()
    known = [-1 if number == IGNORED else number for number in targets.flatten().tolist()]
    return list(dataset.classes) or numbered(max(known, default=0) + 1), known
