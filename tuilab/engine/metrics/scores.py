"""Scores of a task's examples: accumulated chunk by chunk on the device, and computed once."""

from math import exp, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.losses import Loss
from tuilab.core.catalogue.metrics import GROUP_PREFIX, MIN_TOP_5_CLASSES
from tuilab.core.run.confusion import ConfusionMatrix, macro_average
from tuilab.engine.metrics.losses import (
    class_scores,
    flatten_positions,
    predict_classes,
    probabilities,
)

CALIBRATION_BINS = 15
"""Bins of confidence for the calibration error (Guo et al. 2017)."""

MAX_MATRIX_CLASSES = 20
"""Classes up to which every evaluation reports the confusion matrix."""

MAX_RANKED_VALUES = 200_000
"""Scores of classes that are kept for the AUROC; larger evaluations have none."""

MAX_GROUPS = 12
"""Groups that are reported one by one."""


class Scores:
    """The base of all scores; each kind of task has its own."""

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: output [n, *shape] and its targets."""
        raise NotImplementedError(type(self).__name__)

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        raise NotImplementedError(type(self).__name__)

    def matrix(self) -> list[list[int]]:
        """Returns the confusion matrix as counts[target][predicted]; empty where there is none."""
        return []


class ClassScores(Scores):
    """Accuracy with its baseline, precision, recall, F1, AUROC and calibration."""

    def __init__(self, loss: Loss, top_k: int = 0) -> None:
        self.loss, self.top_k = loss, top_k
        self._counts: Tensor | None = None
        self._bins: Tensor | None = None
        self._top_hits: Tensor | None = None
        self._outputs: list[tuple[Tensor, Tensor]] | None = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: output [n, *positions, outputs] and targets int64 [n, *positions]."""
        output, targets = flatten_positions(output, targets)
        if not len(targets):
            return
        probs = probabilities(self.loss, output)
        counts = count_confusions(targets, predict_classes(output), probs.shape[1])
        self._counts = counts if self._counts is None else self._counts + counts
        self._calibrate(probs, targets)
        if self.top_k < probs.shape[1] and (self.top_k or probs.shape[1] >= MIN_TOP_5_CLASSES):
            ranked = class_scores(self.loss, output)  # not `probs`: many round to 0
            top = ranked.topk(self.top_k or 5, dim=1).indices
            hits = (top == targets[:, None]).any(dim=1).sum()
            self._top_hits = hits if self._top_hits is None else self._top_hits + hits
        self._keep(output, targets)

    def matrix(self) -> list[list[int]]:
        """Returns the confusion matrix as counts[target][predicted]; empty for many classes."""
        if self._counts is None or len(self._counts) > MAX_MATRIX_CLASSES:
            return []
        counts: list[list[int]] = self._counts.tolist()
        return counts

    def _calibrate(self, probs: Tensor, targets: Tensor) -> None:
        """Adds count, sum of confidence and number of hits to each bin of confidence."""
        confidence, predicted = probs.max(dim=1)
        bin_index = (confidence * CALIBRATION_BINS).long().clamp(0, CALIBRATION_BINS - 1)
        hits = (predicted == targets).to(confidence.dtype)
        rows = torch.stack([torch.ones_like(confidence), confidence, hits])
        bins = rows.new_zeros(3, CALIBRATION_BINS).index_add_(1, bin_index, rows)
        self._bins = bins if self._bins is None else self._bins + bins

    def _keep(self, output: Tensor, targets: Tensor) -> None:
        if self._outputs is not None:
            self._outputs.append((output, targets))
            if sum(output.numel() for output, _ in self._outputs) > MAX_RANKED_VALUES:
                self._outputs = None

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        if self._counts is None or self._bins is None:
            return {}
        areas: tuple[float | None, float] = (None, 0.0)
        if self._outputs:
            output, targets = (torch.cat(parts).cpu() for parts in zip(*self._outputs, strict=True))
            # Rounded from double precision, so that equal scores stay equal in any order of sums.
            ranked = class_scores(self.loss, output.double()).float()
            areas = auroc(ranked, targets), average_precision(ranked, targets)
        _, confidence, hits = self._bins
        error = float((confidence - hits).abs().sum())
        top_hits = None if self._top_hits is None else float(self._top_hits)
        return class_metrics(self._counts.tolist(), error, self.top_k, top_hits, areas)


class SoftLabelScores(ClassScores):
    """The scores of classes, where the class of an example is its most likely one."""

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: output [n, classes] and targets float [n, classes]."""
        super().add(output, targets.argmax(dim=1))


class MultiLabelScores(Scores):
    """Accuracy, precision, recall and F1 of all labels together; AUROC and precision of each."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None
        self._ranked: list[tuple[Tensor, Tensor]] | None = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: logits [n, labels] and targets float [n, labels]."""
        is_right = (output > 0) == (targets > 0.5)
        counts = count_present(output, targets).flatten()
        matches = torch.stack([is_right.all(dim=1).sum(), counts.new_tensor(len(targets))])
        sums = torch.cat([counts, matches])
        self._sums = sums if self._sums is None else self._sums + sums
        if self._ranked is not None:
            self._ranked.append((output, targets > 0.5))
            if sum(ranked.numel() for ranked, _ in self._ranked) > MAX_RANKED_VALUES:
                self._ranked = None

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        if self._sums is None:
            return {}
        correct_absent, false_present, missed, hits, matches, examples = self._sums.tolist()
        values = {
            "label_accuracy": (correct_absent + hits) / sum(self._sums[:4].tolist()),
            "exact_match": matches / examples,
            "precision": hits / (hits + false_present) if hits else 0.0,
            "recall": hits / (hits + missed) if hits else 0.0,
            "f1": 2 * hits / (2 * hits + false_present + missed) if hits else 0.0,
        }
        if not self._ranked:
            return values
        ranked, targets = (torch.cat(parts).cpu() for parts in zip(*self._ranked, strict=True))
        pairs = list(zip(ranked.T, targets.T, strict=True))
        areas = [area for score, is_class in pairs if (area := _area(score, is_class)) is not None]
        present = [_precision_area(score, is_class) for score, is_class in pairs if is_class.any()]
        if areas:
            values["auroc"] = sum(areas) / len(areas)
        if present:
            values["average_precision"] = sum(present) / len(present)
        return values


class GroupScores:
    """The accuracy, or the mean absolute error, of each group of examples."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._sums: Tensor | None = None
        self._is_error = False

    def add(self, output: Tensor, targets: Tensor, groups: Tensor) -> None:
        """Adds a chunk: output and targets as for the task, and group numbers int64 [n]."""
        self._is_error = targets.is_floating_point()
        if self._is_error:
            values = (output - targets).abs().flatten(1).mean(1)
        else:
            values = (predict_classes(output) == targets).float()
        rows = torch.stack([values, torch.ones_like(values)])
        sums = rows.new_zeros(2, len(self.names)).index_add_(1, groups, rows)
        self._sums = sums if self._sums is None else self._sums + sums

    def read(self) -> dict[str, float]:
        """Returns the worst of the groups that have examples, then each of the first few."""
        if self._sums is None:
            return {}
        sums, counts = self._sums.tolist()
        means = {n: s / c for n, s, c in zip(self.names, sums, counts, strict=True) if c}
        worst = max if self._is_error else min
        first = list(means.items())[:MAX_GROUPS]
        return {"worst_group": worst(means.values())} | {
            f"{GROUP_PREFIX}{name}": mean for name, mean in first
        }


class TokenScores(Scores):
    """Perplexity and accuracy of next-token prediction."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: output [n, length, vocabulary] and targets int64 [n, length]."""
        sums = sum_nll_and_hits(output, targets)
        self._sums = sums if self._sums is None else self._sums + sums

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        if self._sums is None:
            return {}
        return token_metrics(self._sums)


class RegressionScores(Scores):
    """R², mean absolute and root mean squared error."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: both [n, outputs]."""
        self._pairs.append((output, targets))

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        if not sum(len(targets) for _, targets in self._pairs):
            return {}
        output, targets = (torch.cat(tensors) for tensors in zip(*self._pairs, strict=True))
        error = output - targets
        squared = float(error.square().mean())
        return {
            "r2": r2(output, targets), "mae": float(error.abs().mean()), "rmse": sqrt(squared),
        }  # fmt: skip


class ReconstructionScores(Scores):
    """The error of reconstructions, and the fraction of the inputs' variance that they explain.

    That fraction is 0 for a network that always returns the mean of all inputs, as a collapsed one
    does, and 1 for one that returns every input exactly.
    """

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._totals: list[Tensor] = []
        "Of each chunk, the sum over its examples: [*shape]."
        self._examples = 0

    def add(self, output: Tensor, targets: Tensor) -> None:
        """Adds a chunk: both [n, *shape]."""
        error = output - targets
        kinds = (error.square(), error.abs(), targets.square())
        self._sums.append(torch.stack([kind.sum() for kind in kinds]))
        self._totals.append(targets.sum(0))
        self._examples += len(targets)

    def read(self) -> dict[str, float]:
        """Returns the scores, the most important first."""
        if not self._sums:
            return {}
        squared, absolute, energy = torch.stack(self._sums).cpu().double().sum(0).tolist()
        total = torch.stack(self._totals).cpu().double().sum(0)
        variance = energy - float(total.square().sum()) / self._examples
        values = total.numel() * self._examples
        return {
            "reconstruction_error": squared / values,
            "explained_variance": 1 - squared / variance if variance > 1e-6 * energy else 0.0,
            "mae": absolute / values,
        }


# --- single scores ------------------------------------------------------------------------------


def class_metrics(
    counts: list[list[int]], calibration_error: float, top_k: int, top_hits: float | None,
    areas: tuple[float | None, float],
) -> dict[str, float]:  # fmt: skip
    """Returns the scores of classes, the most important first.

    Args:
        counts: counts[target][predicted].
        calibration_error: summed difference of confidence and hits over the bins.
        top_k: of how many predictions `top_hits` counts the hits; 0: of five.
        areas: under the ROC curve, None if there is none, and the average precision.
    """
    confusion = ConfusionMatrix(counts)
    total = confusion.total
    values = {"accuracy": confusion.accuracy, "majority": confusion.majority_share}
    if top_hits is not None:
        values[f"top_{top_k or 5}"] = top_hits / total
    scores = confusion.class_scores()
    recalls = [score.recall for score in scores if score.support]
    values["balanced_accuracy"] = sum(recalls) / len(recalls)
    values |= dict(zip(("precision", "recall", "f1"), macro_average(scores), strict=True))
    if areas[0] is not None:
        values["auroc"], values["average_precision"] = areas[0], areas[1]
    values["ece"] = calibration_error / total
    values["worst_class"] = min(recalls)
    return values


def count_confusions(targets: Tensor, predictions: Tensor, classes: int) -> Tensor:
    """Returns counts[target, predicted] of examples: int64 [classes, classes].

    Args:
        targets: int64 [n].
        predictions: int64 [n].
    """
    counts = torch.bincount(targets * classes + predictions, minlength=classes**2)
    return counts[: classes**2].view(classes, classes)


def count_present(output: Tensor, targets: Tensor) -> Tensor:
    """Returns counts[is present, is predicted] of all labels of all examples: int64 [2, 2].

    Args:
        output: logits [n, labels].
        targets: float [n, labels], 1 where a label applies.
    """
    pairs = ((targets > 0.5).long().flatten(), (output > 0).long().flatten())
    return count_confusions(*pairs, 2)


def r2(output: Tensor, targets: Tensor) -> float:
    """Returns the coefficient of determination of output and targets [n, *shape].

    0 where the targets do not vary, as in sklearn.metrics.r2_score for all outputs together.
    """
    residual = (output - targets).square().sum()
    # From the first target: equal numbers differ from their rounded mean, but not from each other.
    centered = targets - targets[:1]
    total = (centered - centered.mean(0)).square().sum()
    return float(1 - residual / total) if total else 0.0


def sum_nll_and_hits(output: Tensor, targets: Tensor) -> Tensor:
    """Returns the sum of −log p(token), the number of hits and the number of tokens: float [3].

    Args:
        output: logits [n, length, vocabulary].
        targets: int64 [n, length].
    """
    output, targets = flatten_positions(output, targets)
    nll = F.cross_entropy(output, targets, reduction="sum")
    hits = (output.argmax(dim=1) == targets).sum()
    return torch.stack([nll, hits.to(nll), nll.new_tensor(float(len(targets)))])


def token_metrics(sums: Tensor) -> dict[str, float]:
    """Returns perplexity and accuracy for the sums [3] of `sum_nll_and_hits`, {} for no tokens."""
    nll, hits, count = sums.tolist()
    if not count:
        return {}
    return {"perplexity": exp(min(nll / count, 700)), "accuracy": hits / count}


def auroc(ranked: Tensor, targets: Tensor) -> float | None:
    """Returns the area under the ROC curve: of the second class of two, else the mean over classes.

    It is the probability that a random example of the class is ranked above one of another, where
    ties count half (Mann, Whitney 1947). None where no class can be compared.

    Args:
        ranked: probabilities, or other scores in the same order, [n, classes].
        targets: int64 [n].
    """
    classes = [1] if ranked.shape[1] == 2 else range(ranked.shape[1])
    areas = [area for k in classes if (area := _area(ranked[:, k], targets == k)) is not None]
    return sum(areas) / len(areas) if areas else None


def _area(score: Tensor, is_class: Tensor) -> float | None:
    positives = int(is_class.sum())
    negatives = len(is_class) - positives
    if not positives or not negatives:
        return None
    _, inverse, count = torch.unique(score, return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    ranks = (last - (count - 1) / 2)[inverse]  # ties share their mean rank, from 1
    wins = ranks[is_class].sum() - positives * (positives + 1) / 2
    return float(wins) / (positives * negatives)


def average_precision(ranked: Tensor, targets: Tensor) -> float:
    """Returns the average precision: of the second class of two, else the mean over classes.

    It is Σ (Rₙ − Rₙ₋₁) Pₙ over all thresholds, from the highest score to the lowest, as in
    sklearn.metrics.average_precision_score; 0 where no class has examples.

    Args:
        ranked: probabilities, or other scores in the same order, [n, classes].
        targets: int64 [n].
    """
    classes = [1] if ranked.shape[1] == 2 else range(ranked.shape[1])
    values = [_precision_area(ranked[:, k], targets == k) for k in classes if (targets == k).any()]
    return sum(values) / len(values) if values else 0.0


def _precision_area(score: Tensor, is_positive: Tensor) -> float:
    """Returns the average precision of scores [n] for examples that are positive or not, [n]."""
    _, rank = torch.unique(-score, return_inverse=True)  # equal scores share a threshold
    counts = torch.bincount(rank).double()
    hits = torch.bincount(rank[is_positive], minlength=len(counts)).double()
    precision = hits.cumsum(0) / counts.cumsum(0)
    return float((hits * precision).sum() / hits.sum())


def mode_coverage(points: Tensor, modes: Tensor, std: float) -> dict[str, float]:
    """Returns how many modes are covered, and the fraction of points that lie at one.

    A point lies at the nearest mode if it is within three standard deviations of it; a mode is
    covered if a tenth of its fair share of the points lies at it.

    Args:
        points: [n, dimensions].
        modes: [modes, dimensions].
        std: the standard deviation of every mode.
    """
    distance, nearest = torch.cdist(points, modes).min(dim=1)
    is_at_mode = distance <= 3 * std
    counts = torch.bincount(nearest[is_at_mode], minlength=len(modes))
    covered = int((counts >= max(1, len(points) / len(modes) / 10)).sum())
    return {"modes": float(covered), "high_quality": float(is_at_mode.float().mean())}


def diversity(samples: Tensor, real: Tensor) -> float:
    """Returns the standard deviation of samples [n, *shape] relative to that of real examples.

    0 means that all samples are the same.
    """
    variances = [
        examples.flatten(1).float().var(0, correction=0).sum() for examples in (samples, real)
    ]
    return float((variances[0] / variances[1]).sqrt()) if variances[1] else 0.0
