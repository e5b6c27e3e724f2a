"""Tasks whose targets are one number for each class: several labels, or probabilities."""

from torch import Tensor

from tuilab.core.catalogue import tasks as catalogue
from tuilab.engine.metrics.scores import MultiLabelScores, Scores, SoftLabelScores
from tuilab.engine.tasks.task import Task, task


@task(catalogue.MultiLabel)
class MultiLabel(Task):
    """Predicts each label by itself."""

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns the fraction of labels that are right.

        output: logits [batch, labels], targets: float [batch, labels].
        """
        return {"label_accuracy": float(((output > 0) == (targets > 0.5)).float().mean())}

    def build_scores(self) -> Scores:
        """Returns new scores for an evaluation."""
        return MultiLabelScores()


@task(catalogue.SoftLabels)
class SoftLabels(Task):
    """Predicts a distribution over classes."""

    def measure(self, output: Tensor, targets: Tensor) -> dict[str, float]:
        """Returns how often the most likely class is that of the target.

        output: logits [batch, classes], targets: float [batch, classes].
        """
        return {"accuracy": float((output.argmax(1) == targets.argmax(1)).float().mean())}

    def build_scores(self) -> Scores:
        """Returns new scores for an evaluation."""
        assert isinstance(self.experiment.task, catalogue.SoftLabels)
        return SoftLabelScores(self.experiment.loss, self.experiment.task.top_k)
