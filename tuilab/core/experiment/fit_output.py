"""The fix for an output that does not fit the data: a last layer that takes its size from it."""

from collections.abc import Iterator

from msgspec.structs import replace

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.validation import find_errors
from tuilab.core.network.auto_size import AUTO_WORDS
from tuilab.core.network.line import Line
from tuilab.core.network.parse import WORD_PATTERN

Network = tuple[Line, ...]

OUTPUT_FUNCTIONS = frozenset({"Softmax", "LogSoftmax", "Sigmoid", "Step", "Unflatten", "Identity"})
"""Layers that may follow the last Linear; after any other it is a hidden layer."""


def fit_output(experiment: Experiment) -> Network | None:
    """Returns a network whose output fits the data; None if another layer does not help.

    The last Linear gets as many outputs as are needed; if that is not enough, one is added.
    """
    for network in _iter_candidates(experiment.network):
        errors = find_errors(replace(experiment, network=network))
        if not any(error.startswith("network") for error in errors):
            return network
    return None


def _iter_candidates(network: Network) -> Iterator[Network]:
    names = [line.split()[0] if isinstance(line, str) and line.strip() else "" for line in network]
    last = max((index for index, name in enumerate(names) if name == "Linear"), default=-1)
    if last >= 0 and set(names[last + 1 :]) <= OUTPUT_FUNCTIONS:
        line = _make_auto(str(network[last]))
        before, after = network[:last], network[last + 1 :]
        yield (*before, line, *after)
        yield (*before, "Flatten", line, *after)
        yield (*before, line, "Step")
    yield (*network, "Linear auto")
    yield (*network, "Flatten", "Linear auto")


def _make_auto(line: str) -> str:
    """Returns a Linear with its other arguments and a number of outputs from the data."""
    others = [
        word
        for word in WORD_PATTERN.findall(line)[1:]
        if "=" in word and not word.startswith("out_features=") and word not in AUTO_WORDS
    ]
    return " ".join(["Linear", "auto", *others])
