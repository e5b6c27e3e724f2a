"""`Linear auto`: a layer with as many outputs as the data, the task and the loss need."""

from typing import NamedTuple

from tuilab.core.network.line import Line
from tuilab.core.network.parse import WORD_PATTERN

AUTO_WORDS = ("auto", "out_features=auto")
"""How a line says that the data decides the number of its outputs."""


class AutoSizes(NamedTuple):
    """The outputs that `auto` stands for; None where nothing says how many are needed."""

    outputs: int | None = None
    generator: int | None = None
    "In the generator of a GAN: the numbers of one example."


NO_SIZES = AutoSizes()


def fill_auto(network: tuple[Line, ...], sizes: AutoSizes) -> tuple[Line, ...]:
    """Returns the network with the number of outputs in each `Linear auto`."""
    return tuple(_fill_line(line, sizes) for line in network)


def _fill_line(line: Line, sizes: AutoSizes) -> Line:
    if isinstance(line, tuple):
        is_generator = bool(line) and isinstance(line[0], str) and line[0].startswith("Generator")
        return fill_auto(line, AutoSizes(sizes.generator) if is_generator else sizes)
    if sizes.outputs is None or not is_auto(line):
        return line
    words = [
        word.replace("auto", str(sizes.outputs)) if word in AUTO_WORDS else word
        for word in WORD_PATTERN.findall(line)
    ]
    return " ".join(words)


def has_auto(network: tuple[Line, ...]) -> bool:
    """Returns whether the data decides the number of outputs of any line."""
    return any(has_auto(line) if isinstance(line, tuple) else is_auto(line) for line in network)


def is_auto(line: str) -> bool:
    """Returns whether the data decides the number of outputs of a line."""
    words = WORD_PATTERN.findall(line)
    return words[:1] == ["Linear"] and any(word in AUTO_WORDS for word in words[1:])
