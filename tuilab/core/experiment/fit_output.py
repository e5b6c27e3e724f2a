"""The fix for an output that does not fit the data: a last layer that takes its size from it."""

from collections.abc import Iterator

from msgspec.structs import replace

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.auto_size import AUTO_WORDS
from tuilab.core.network.line import Line
from tuilab.core.network.parse import WORD_PATTERN, format_argument

Network = tuple[Line, ...]

OUTPUT_FUNCTIONS = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Step", "Unflatten", "Identity"})
"""Layers that may follow the last Linear; after any other it is a hidden layer."""


def fit_output(experiment: Experiment) -> Network | None:
    """Returns a network whose output fits the data; None if another layer does not help.

    The last Linear gets as many outputs as are needed; if that is not enough, one is added.
    """
    for network in _iter_candidates(experiment):
        errors = find_errors(replace(experiment, network=network))
        if not any(error.startswith("network") for error in errors):
            return network
    return None


def _iter_candidates(experiment: Experiment) -> Iterator[Network]:
    network = experiment.network
    yield from _iter_resized(network)
    yield (*network, "Linear auto")
    yield (*network, "Flatten", "Linear auto")
    if len(shape := tuple(experiment.plan.input or ())) > 1:  # an autoencoder of images
        yield (*network, "Flatten", "Linear auto", f"Unflatten {format_argument(shape)}")


def _iter_resized(network: Network) -> Iterator[Network]:
    """Yields networks whose last Linear takes its size from the data, also at a block's end."""
    names = [_name(line) for line in network]
    last = max((i for i, name in enumerate(names) if name not in OUTPUT_FUNCTIONS), default=-1)
    before, after = network[: max(0, last)], network[last + 1 :]
    if last >= 0 and names[last] == "Linear":
        line = _make_auto(str(network[last]))
        yield (*before, line, *after)
        yield (*before, "Flatten", line, *after)
        yield (*before, line, "Step")
    elif last >= 0 and isinstance(block := network[last], tuple) and names[last] == "Sequential":
        head, *lines = block
        for inside in _iter_resized(tuple(lines)):
            yield (*before, (head, *inside), *after)


def _name(line: Line) -> str:
    head = line[0] if isinstance(line, tuple) and line else line
    return head.split()[0] if isinstance(head, str) and head.strip() else ""


def _make_auto(line: str) -> str:
    """Returns a Linear with its other arguments and a number of outputs from the data."""
    others = [
        word
        for word in WORD_PATTERN.findall(line)[1:]
        if "=" in word and not word.startswith("out_features=") and word not in AUTO_WORDS
    ]
    return " ".join(["Linear", "auto", *others])
