"""Lines that are being typed, and the network that each makes at every keystroke."""

from collections.abc import Callable
from dataclasses import dataclass

from tuilab.core.experiment.knobs import summarize
from tuilab.core.network.auto_size import AutoSizes
from tuilab.core.network.complete import Completion, Suggestion, complete
from tuilab.core.network.edit import Network, get_line, insert_line, parse_typed_line, replace_line
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import LinePath, plan
from tuilab.core.network.registry import BLOCKS, LAYERS


@dataclass(frozen=True, slots=True)
class Draft:
    """One line that is being typed."""

    text: str
    "What the input begins with."
    path: LinePath
    "Where the line is in the network that it makes."
    build_network: Callable[[str], Network]
    complete: Callable[[str, Shape | None], Completion] = complete

    def completer(self, shape: Shape | None, sizes: AutoSizes) -> Callable[[str], Completion]:
        """Returns what completes the line in a network with this input shape."""
        rows = plan(self.build_network(""), shape, sizes).rows
        line_input = next((row.input for row in rows if row.path == self.path), None)
        return lambda text: self.complete(text, line_input)


def draft_edit(network: Network, path: LinePath) -> Draft:
    """Returns a draft of another text for a line, or for the first line of a block."""
    before = get_line(network, path)
    head = before[0] if isinstance(before, tuple) and before else before

    def build_network(text: str) -> Network:
        if not text.strip():
            return network
        return replace_line(network, path, parse_typed_line(text, before))

    return Draft(head if isinstance(head, str) else "", path, build_network)


def draft_insertion(network: Network, path: LinePath) -> Draft:
    """Returns a draft of a new line at a path."""

    def build_network(text: str) -> Network:
        # While nothing is typed, the shapes below stay.
        line = parse_typed_line(text) if text.strip() else "Identity"
        return insert_line(network, path, line)

    return Draft("", path, build_network)


def draft_wrapping(network: Network, path: LinePath) -> Draft:
    """Returns a draft of a block around the line at a path."""
    inside = get_line(network, path)

    def build_network(text: str) -> Network:
        block = parse_typed_line(text.strip() or "Residual", ("", inside))
        return replace_line(network, path, block)

    return Draft("Residual", path, build_network, _complete_block)


def _complete_block(text: str, shape: Shape | None) -> Completion:
    """Completes the name of a block, then its arguments."""
    if " " in text:
        return complete(text, shape)
    texts = {"Repeat": "Repeat 2"}
    return Completion(
        0, [Suggestion(texts.get(name, name), name, summarize(LAYERS[name])) for name in BLOCKS]
    )
