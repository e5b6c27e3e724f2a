"""Which features of a changed network stand for which features of the network before."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

from tuilab.core.network.layer import Shape

LOST = -1
"""Stands for a feature that no feature of the changed network takes over."""


@dataclass(frozen=True, slots=True)
class FeatureMap:
    """How the features along one axis of an example's shape come from those before.

    Where features are the same as before there is no map.
    """

    axis: int
    "Of the shape of an example, counted from its first dimension."
    sources: tuple[int, ...]
    "For each feature, the one before that it is a copy of."
    targets: tuple[int, ...]
    "For each feature before, a feature that has its value; `LOST` where there is none."

    @property
    def copies(self) -> tuple[int, ...]:
        """For each feature, how many there are of the same source, itself included."""
        counts = Counter(self.sources)
        return tuple(counts[source] for source in self.sources)

    @property
    def merged(self) -> tuple[tuple[int, int], ...]:
        """Features before that are dropped, each with the equal one that takes its place."""
        own_features = set(self.sources)
        return tuple(
            (before, target)
            for before, target in enumerate(self.targets)
            if target != LOST and before not in own_features
        )

    @property
    def is_lossless(self) -> bool:
        """Whether each feature before has a feature of its value."""
        return LOST not in self.targets

    @property
    def is_even(self) -> bool:
        """Whether each feature before is there equally often, so that means stay the same."""
        counts = Counter(self.sources)
        is_complete = len(counts) == len(self.targets)
        return is_complete and len(set(counts.values())) == 1

    def at_axis(self, axis: int) -> "FeatureMap":
        """Returns the same map along another axis."""
        return replace(self, axis=axis)

    def flatten(self, before: Shape, after: Shape, start: int, end: int) -> "FeatureMap":
        """Returns the map after the axes from start to end became one: [16, 7, 7] to [784].

        Args:
            before: the shape of an example before the change, not flattened.
            after: the same after the change.
        """
        outer, inner = prod(after[start : self.axis]), prod(after[self.axis + 1 : end + 1])

        def expand(numbers: Sequence[int], size: int) -> tuple[int, ...]:
            return tuple(
                LOST if number == LOST else (block * size + number) * inner + position
                for block in range(outer)
                for number in numbers
                for position in range(inner)
            )

        sources = expand(self.sources, before[self.axis])
        return FeatureMap(start, sources, expand(self.targets, after[self.axis]))


def resize(
    before: int, after: int, axis: int, twins: Sequence[int] | None = None
) -> FeatureMap | None:
    """Returns the map for another number of features; None if it is the same number.

    New features copy the old ones in turn. Of fewer features the first ones stay, and one that is
    dropped is merged with one that stays if both are equal.

    Args:
        twins: for each feature, the first one that always has the same value.

    >>> resize(2, 5, axis=0).sources
    (0, 1, 0, 1, 0)
    """
    if before == after:
        return None
    if after > before:
        sources = tuple(number % before for number in range(after))
        return FeatureMap(axis, sources, tuple(range(before)))
    first = range(before) if twins is None else twins
    targets = tuple(number if number < after else LOST for number in first)
    return FeatureMap(axis, tuple(range(after)), (*range(after), *targets[after:]))


def select(features: FeatureMap | None, before: int, after: int, axis: int) -> FeatureMap | None:
    """Returns the map after an inserted layer that passes features on, in turn if it has more.

    Args:
        features: the map of its input.
        before: how many features there are before the layer.
        after: how many it has.
    """
    own = resize(before, after, axis)
    if own is None or features is None:
        return own or features
    targets = tuple(LOST if number == LOST else own.targets[number] for number in features.targets)
    sources = tuple(features.sources[number] for number in own.sources)
    if sources == tuple(range(len(targets))):
        return None
    return FeatureMap(axis, sources, targets)


def concatenate(
    maps: Sequence[FeatureMap | None], sizes: Sequence[tuple[int, int]], axis: int
) -> FeatureMap | None:
    """Returns the map of branches side by side; None if all features are as before.

    Args:
        maps: those of the branches, all along this axis.
        sizes: the number of features of each branch, before and after.
    """
    if not any(maps):
        return None
    sources: list[int] = []
    targets: list[int] = []
    for branch, (before, after) in zip(maps, sizes, strict=True):
        own_sources = branch.sources if branch else range(after)
        own_targets = branch.targets if branch else range(before)
        start_before, start_after = len(targets), len(sources)
        sources += [start_before + number for number in own_sources]
        targets += [LOST if number == LOST else start_after + number for number in own_targets]
    return FeatureMap(axis, tuple(sources), tuple(targets))
