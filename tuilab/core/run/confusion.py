"""What can be read off a confusion matrix, class by class."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well one class is told from the others."""

    precision: float
    "Of all that were taken for it, the share that is it; 0 if none was."
    recall: float
    "Of all that are it, the share that was taken for it; 0 if there are none."
    support: int
    "How many are it."

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def per_class(counts: Sequence[Sequence[int]]) -> list[ClassScore]:
    """The score of every class; `counts[target][predicted]`."""
    taken = [sum(row[number] for row in counts) for number in range(len(counts))]
    found = []
    for number, row in enumerate(counts):
        hits, support = row[number], sum(row)
        precision = hits / taken[number] if taken[number] else 0.0
        found.append(ClassScore(precision, hits / support if support else 0.0, support))
    return found


def macro(scores: Sequence[ClassScore]) -> tuple[float, float, float]:
    """Mean precision, recall and F1 over the classes that occur; of the second class of two."""
    if len(scores) == 2:
        return scores[1].precision, scores[1].recall, scores[1].f1
    there = [score for score in scores if score.support] or list(scores)
    count = len(there)
    return (
        sum(score.precision for score in there) / count,
        sum(score.recall for score in there) / count,
        sum(score.f1 for score in there) / count,
    )


def accuracy(counts: Sequence[Sequence[int]]) -> float:
    """The share that was taken for what it is."""
    total = sum(map(sum, counts))
    return sum(row[number] for number, row in enumerate(counts)) / total if total else 0.0


def majority(counts: Sequence[Sequence[int]]) -> float:
    """What always naming the most frequent class would reach: the baseline of every accuracy."""
    total = sum(map(sum, counts))
    return max(map(sum, counts)) / total if total else 0.0
