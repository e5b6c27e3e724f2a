"""The confusion matrix and the scores that follow from it."""

from dataclasses import dataclass

from msgspec import Struct, field

from tuilab.core.protocol.message import snake_case


@dataclass(frozen=True, slots=True)
class ClassScore:
    """Precision, recall and F1 of one class."""

    precision: float
    "Correct predictions of the class / its predictions; 0 if there are none."
    recall: float
    "Correct predictions of the class / its examples; 0 if there are none."
    support: int
    "Number of its examples."

    @property
    def f1(self) -> float:
        """Returns the harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


class ConfusionMatrix(Struct, frozen=True, tag_field="picture", tag=snake_case):
    """Counts of examples by target and predicted class."""

    counts: list[list[int]] = field(default_factory=list)
    "counts[target][predicted]"
    classes: list[str] = field(default_factory=list)
    "Names of the classes."

    @property
    def total(self) -> int:
        """Returns the number of counted examples."""
        return sum(map(sum, self.counts))

    @property
    def accuracy(self) -> float:
        """Returns the fraction of correct predictions."""
        correct = sum(row[number] for number, row in enumerate(self.counts))
        return correct / self.total if self.total else 0.0

    @property
    def majority_share(self) -> float:
        """Returns the accuracy of always predicting the most frequent class, the baseline."""
        return max(map(sum, self.counts)) / self.total if self.total else 0.0

    def class_scores(self) -> list[ClassScore]:
        """Returns the score of every class."""
        scores = []
        for number, row in enumerate(self.counts):
            correct, support = row[number], sum(row)
            predicted = sum(other[number] for other in self.counts)
            precision = correct / predicted if predicted else 0.0
            scores.append(ClassScore(precision, correct / support if support else 0.0, support))
        return scores


def macro_average(scores: list[ClassScore]) -> tuple[float, float, float]:
    """Returns mean precision, recall and F1 over the classes with examples.

    Of two classes: those of the second, the positive class.
    """
    if len(scores) == 2:
        return scores[1].precision, scores[1].recall, scores[1].f1
    present = [score for score in scores if score.support] or scores
    count = len(present)
    return (
        sum(score.precision for score in present) / count,
        sum(score.recall for score in present) / count,
        sum(score.f1 for score in present) / count,
    )
