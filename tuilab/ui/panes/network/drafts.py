"""Lines that are being typed: what network each makes, at every keystroke."""

from collections.abc import Callable
from dataclasses import dataclass

from tuilab.core.experiment.knobs import summary
from tuilab.core.network.complete import Completion, Suggestion, complete
from tuilab.core.network.edit import Network, inserted, line_at, replaced, typed
from tuilab.core.network.layer import Shape
from tuilab.core.network.plan import Path, plan
from tuilab.core.network.registry import BLOCKS, LAYERS


@dataclass(frozen=True, slots=True)
class Draft:
    """One line that is being typed."""

    text: str
    "What stands there at first."
    path: Path
    "Where the line stands in the network that it makes."
    make: Callable[[str], Network]
    complete: Callable[[str, Shape | None], Completion] = complete

    def completer(self, shape: Shape | None) -> Callable[[str], Completion]:
        """What may stand next on the line, in a network into which such a shape goes."""
        rows = plan(self.make(""), shape).rows
        incoming = next((row.input for row in rows if row.path == self.path), None)
        return lambda text: self.complete(text, incoming)


def editing(network: Network, path: Path) -> Draft:
    """Another text for a line, or for the first line of a block."""
    before = line_at(network, path)
    head = before[0] if isinstance(before, tuple) and before else before

    def make(text: str) -> Network:
        return replaced(network, path, typed(text, before)) if text.strip() else network

    return Draft(head if isinstance(head, str) else "", path, make)


def adding(network: Network, path: Path) -> Draft:
    """A new line at a path."""

    def make(text: str) -> Network:
        # Nothing typed yet: the shapes below stay as they are.
        return inserted(network, path, typed(text) if text.strip() else "Identity")

    return Draft("", path, make)


def wrapping(network: Network, path: Path) -> Draft:
    """A block around the line at a path."""
    inside = line_at(network, path)

    def make(text: str) -> Network:
        return replaced(network, path, typed(text.strip() or "Residual", ("", inside)))

    return Draft("Residual", path, make, _complete_block)


def _complete_block(text: str, shape: Shape | None) -> Completion:
    """The blocks there are, then their arguments."""
    if " " in text:
        return complete(text, shape)
    first = {"Repeat": "Repeat 2"}
    return Completion(
        0, [Suggestion(first.get(name, name), name, summary(LAYERS[name])) for name in BLOCKS]
    )
