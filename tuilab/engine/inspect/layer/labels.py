"""Names of rows, columns and points: tokens, classes, features, or numbers."""

import torch
from torch import Tensor

from tuilab.core.catalogue.data.tables import Table
from tuilab.core.errors import InputError
from tuilab.engine.data.dataset import IGNORE_INDEX
from tuilab.engine.inspect.layer.layer_outputs import LayerOutputs
from tuilab.engine.session import Session

TERCILES = ["low", "middle", "high"]
"""Names of points with a number as target, by its tercile."""

VISIBLE_WHITESPACE = {"\n": "↵", "\t": "⇥", " ": "␣"}

MAX_TOKEN_LENGTH = 12


def number_names(count: int) -> list[str]:
    """Returns numbers as names."""
    return [str(number) for number in range(count)]


def get_feature_names(session: Session) -> list[str]:
    """Returns the names of an example's numbers; empty if they have none."""
    data = session.experiment.data
    try:
        names = data.info.input_names if isinstance(data, Table) else getattr(data, "features", ())
    except InputError:  # the file has changed since it was read
        return []
    if not isinstance(names, (list, tuple)):
        return []
    has_all = len(names) == session.dataset.train.inputs[0].numel()
    return [str(name) for name in names] if has_all else []


def get_token_names(session: Session, tokens: Tensor) -> list[str]:
    """Returns tokens as they are drawn; empty if the data set has no vocabulary.

    Args:
        tokens: integers [n].
    """
    vocabulary = session.dataset.vocabulary
    return [
        _make_visible(vocabulary[number]) for number in tokens.tolist() if number < len(vocabulary)
    ]


def _make_visible(token: str) -> str:
    text = "".join(VISIBLE_WHITESPACE.get(sign, sign) for sign in token[:MAX_TOKEN_LENGTH])
    return text if text.isprintable() else f"{ord(text[0]):02x}"


def label_targets(
    session: Session, outputs: LayerOutputs, *, by_position: bool
) -> tuple[list[str], list[int]]:
    """Returns the names of classes, and the class of each example or position; -1: none."""
    targets, dataset = outputs.targets, session.dataset
    if targets is None:
        return [], [-1] * outputs.count
    if dataset.vocabulary and not dataset.classes:
        tokens = outputs.raw if by_position else targets
        names = get_token_names(session, torch.arange(len(dataset.vocabulary)))
        return names, tokens.flatten().tolist()
    if targets.is_floating_point():
        numbers = targets.flatten()[: len(targets)]
        lower, upper = numbers.quantile(1 / 3), numbers.quantile(2 / 3)
        return TERCILES, ((numbers > lower).int() + (numbers > upper).int()).tolist()
    classes = [-1 if number == IGNORE_INDEX else number for number in targets.flatten().tolist()]
    return list(dataset.classes) or number_names(max(classes, default=0) + 1), classes
