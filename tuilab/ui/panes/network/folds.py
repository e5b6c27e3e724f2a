"""Which blocks of a network are folded, whatever is edited around them."""

from collections import Counter

from tuilab.core.network.edit import Network, blocks, line_at
from tuilab.core.network.plan import Line, Path


class Folds:
    """Folded blocks by what is in them, so that they stay folded where they move."""

    def __init__(self) -> None:
        self._folded: set[tuple[Line, int]] = set()
        "The block, and which of several equal ones."

    def paths(self, network: Network) -> frozenset[Path]:
        """The places of folded blocks."""
        seen: Counter[Line] = Counter()
        folded = []
        for path, block in blocks(network):
            if (block, seen[block]) in self._folded:
                folded.append(path)
            seen[block] += 1
        return frozenset(folded)

    def toggle(self, network: Network, path: Path) -> None:
        """Fold an open block, open a folded one."""
        block = line_at(network, path)
        equal = [place for place, other in blocks(network) if other == block]
        self._folded ^= {(block, equal.index(path))}

    def carry(self, network: Network, path: Path, edited: Network) -> None:
        """Keep a folded block folded when its own first line was edited."""
        if path in self.paths(network) and path not in self.paths(edited):
            self.toggle(edited, path)
