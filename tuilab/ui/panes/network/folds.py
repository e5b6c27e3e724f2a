"""Which blocks of a network are folded, whatever is edited around them."""

from collections import Counter

from tuilab.core.network.edit import Network, get_line, iter_blocks
from tuilab.core.network.line import Line
from tuilab.core.network.plan import LinePath


class Folds:
    """Folded blocks by their content, so that they stay folded when they move."""

    def __init__(self) -> None:
        self._folded: set[tuple[Line, int]] = set()
        "The block, and which of several equal ones."

    def folded_paths(self, network: Network) -> frozenset[LinePath]:
        """Returns the paths of folded blocks."""
        counts: Counter[Line] = Counter()
        paths = []
        for path, block in iter_blocks(network):
            if (block, counts[block]) in self._folded:
                paths.append(path)
            counts[block] += 1
        return frozenset(paths)

    def toggle(self, network: Network, path: LinePath) -> None:
        """Folds an open block, opens a folded one."""
        block = get_line(network, path)
        equal = [other_path for other_path, other in iter_blocks(network) if other == block]
        self._folded ^= {(block, equal.index(path))}

    def keep_folded(self, network: Network, path: LinePath, edited: Network) -> None:
        """Keeps a folded block folded when its own first line was edited."""
        if path in self.folded_paths(network) and path not in self.folded_paths(edited):
            self.toggle(edited, path)
