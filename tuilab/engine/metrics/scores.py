"""Scores that are gathered chunk by chunk and read once: what is told of a task's examples."""

from math import exp, sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

from tuilab.core.catalogue.losses import Loss
from tuilab.core.run import confusion
from tuilab.engine.metrics.losses import flat, predicted, probabilities

BINS = 15
"""Bins of certainty for the calibration error (Guo and others 2017)."""

MATRIX = 20
"""Classes up to which the whole confusion matrix is told with every evaluation."""

KEPT = 200_000
"""Numbers that are kept to rank examples by; larger evaluations have no AUROC."""

MOST_GROUPS = 12
"""Groups that are told one by one."""


class Scores:
    """What is gathered; each kind of task has its own."""

    def add(self, output: Tensor, wanted: Tensor) -> None:
        """Take note of a chunk."""
        raise NotImplementedError(type(self).__name__)

    def read(self) -> dict[str, float]:
        """The scores, the most important first."""
        raise NotImplementedError(type(self).__name__)

    def matrix(self) -> list[list[int]]:
        """How often each class was taken for which; empty where that is not counted."""
        return []


class ClassScores(Scores):
    """Accuracy with its baseline, precision, recall, F1, AUROC and calibration."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self._counts: Tensor | None = None
        self._bins: Tensor | None = None
        self._top: Tensor | None = None
        self._kept: list[tuple[Tensor, Tensor]] | None = []

    def add(self, output: Tensor, wanted: Tensor) -> None:
        """Take note of a chunk: [n, *positions, C] and [n, *positions]."""
        output, wanted = flat(output, wanted)
        if not len(wanted):
            return
        chances = probabilities(self.loss, output)
        self._confuse(chances.shape[1], wanted, predicted(output))
        self._calibrate(chances, wanted)
        if chances.shape[1] >= 10:
            best = chances.topk(5, dim=1).indices
            hits = (best == wanted[:, None]).any(dim=1).sum()
            self._top = hits if self._top is None else self._top + hits
        self._keep(chances, wanted)

    def _confuse(self, classes: int, wanted: Tensor, guesses: Tensor) -> None:
        counts = torch.bincount(wanted * classes + guesses, minlength=classes**2)
        counts = counts.view(classes, classes)
        self._counts = counts if self._counts is None else self._counts + counts

    def matrix(self) -> list[list[int]]:
        """How often each class was taken for which; empty where they are many."""
        if self._counts is None or len(self._counts) > MATRIX:
            return []
        found: list[list[int]] = self._counts.tolist()
        return found

    def _calibrate(self, chances: Tensor, wanted: Tensor) -> None:
        """Count, sum of certainty and hits in each bin of certainty."""
        certainty, guess = chances.max(dim=1)
        number = (certainty * BINS).long().clamp(0, BINS - 1)
        hit = (guess == wanted).to(certainty.dtype)
        rows = torch.stack([torch.ones_like(certainty), certainty, hit])
        bins = rows.new_zeros(3, BINS).index_add_(1, number, rows)
        self._bins = bins if self._bins is None else self._bins + bins

    def _keep(self, chances: Tensor, wanted: Tensor) -> None:
        if self._kept is not None:
            self._kept.append((chances, wanted))
            if sum(chances.numel() for chances, _ in self._kept) > KEPT:
                self._kept = None

    def read(self) -> dict[str, float]:
        """The scores, the most important first."""
        if self._counts is None or self._bins is None:
            return {}
        counts = self._counts.tolist()
        total = int(self._counts.sum())
        found = {"accuracy": confusion.accuracy(counts), "majority": confusion.majority(counts)}
        if self._top is not None:
            found["top_5"] = float(self._top) / total
        scores = confusion.per_class(counts)
        macro = confusion.macro(scores)
        found |= dict(zip(("precision", "recall", "f1"), macro, strict=True))
        if self._kept:
            chances, targets = (torch.cat(kept).cpu() for kept in zip(*self._kept, strict=True))
            if (area := auroc(chances, targets)) is not None:
                found["auroc"] = area
        _, certainty, hits = self._bins
        found["ece"] = float((certainty - hits).abs().sum()) / total
        found["worst_class"] = min(score.recall for score in scores if score.support)
        return found


class GroupScores:
    """How each group of the examples fares: its accuracy, or its mean absolute error."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self._sums: Tensor | None = None
        self._is_error = False

    def add(self, output: Tensor, wanted: Tensor, groups: Tensor) -> None:
        """Take note of a chunk; `groups` are the numbers of its examples' groups, [n]."""
        self._is_error = wanted.is_floating_point()
        each = (output - wanted).abs().flatten(1).mean(1) if self._is_error else (
            (predicted(output) == wanted).float()
        )  # fmt: skip
        rows = torch.stack([each, torch.ones_like(each)])
        sums = rows.new_zeros(2, len(self.names)).index_add_(1, groups, rows)
        self._sums = sums if self._sums is None else self._sums + sums

    def read(self) -> dict[str, float]:
        """The worst of the groups that have examples, then each of the first few."""
        if self._sums is None:
            return {}
        values, counts = self._sums.tolist()
        found = {n: v / c for n, v, c in zip(self.names, values, counts, strict=True) if c}
        worst = max if self._is_error else min
        shown = list(found.items())[:MOST_GROUPS]
        return {"worst_group": worst(found.values())} | {f"group {n}": v for n, v in shown}


class TokenScores(Scores):
    """Perplexity, and how often the likeliest token was right."""

    def __init__(self) -> None:
        self._sums: Tensor | None = None

    def add(self, output: Tensor, wanted: Tensor) -> None:
        """Take note of a chunk: [n, length, vocabulary] and [n, length]."""
        sums = surprise_and_hits(output, wanted)
        self._sums = sums if self._sums is None else self._sums + sums

    def read(self) -> dict[str, float]:
        """The scores, the most important first."""
        if self._sums is None:
            return {}
        surprise, hits, count = self._sums.tolist()
        return {"perplexity": exp(min(surprise / count, 700)), "accuracy": hits / count}


class NumberScores(Scores):
    """R², mean absolute and root mean squared error."""

    def __init__(self) -> None:
        self._pairs: list[tuple[Tensor, Tensor]] = []

    def add(self, output: Tensor, wanted: Tensor) -> None:
        """Take note of a chunk: both [n, outputs]."""
        self._pairs.append((output, wanted))

    def read(self) -> dict[str, float]:
        """The scores, the most important first."""
        output, wanted = (torch.cat(tensors) for tensors in zip(*self._pairs, strict=True))
        error = output - wanted
        squared = float(error.square().mean())
        return {
            "r2": r2(output, wanted), "mae": float(error.abs().mean()), "rmse": sqrt(squared),
        }  # fmt: skip


class ReconstructionScores(Scores):
    """How far reconstructions are from their inputs, and what they tell beyond the mean input.

    The share that is explained is 0 for a network that always gives the mean of all inputs, as a
    collapsed one does, and 1 for one that gives back every input as it is.
    """

    def __init__(self) -> None:
        self._sums: list[Tensor] = []
        self._totals: list[Tensor] = []
        "Of each chunk, the sum over its examples: [*shape]."
        self._examples = 0

    def add(self, output: Tensor, wanted: Tensor) -> None:
        """Take note of a chunk: both [n, *shape]."""
        error = output - wanted
        kinds = (error.square(), error.abs(), wanted.square())
        self._sums.append(torch.stack([kind.sum() for kind in kinds]))
        self._totals.append(wanted.sum(0))
        self._examples += len(wanted)

    def read(self) -> dict[str, float]:
        """The scores, the most important first."""
        if not self._sums:
            return {}
        squared, absolute, energy = torch.stack(self._sums).cpu().double().sum(0).tolist()
        total = torch.stack(self._totals).cpu().double().sum(0)
        spread = energy - float(total.square().sum()) / self._examples
        values = total.numel() * self._examples
        return {
            "reconstruction_error": squared / values,
            "explained": 1 - squared / spread if spread > 1e-6 * energy else 0.0,
            "mae": absolute / values,
        }


# --- single scores ------------------------------------------------------------------------------


def r2(output: Tensor, wanted: Tensor) -> float:
    """The share of the targets' variance that is explained; 0 where they do not vary."""
    residual = (output - wanted).square().sum()
    spread = (wanted - wanted.mean(0)).square().sum()
    return float(1 - residual / spread) if spread else 0.0


def surprise_and_hits(output: Tensor, wanted: Tensor) -> Tensor:
    """Sum of −log p(token), number of right guesses, number of tokens."""
    output, wanted = flat(output, wanted)
    surprise = F.cross_entropy(output, wanted, reduction="sum")
    hits = (output.argmax(dim=1) == wanted).sum()
    return torch.stack([surprise, hits.to(surprise), surprise.new_tensor(float(len(wanted)))])


def auroc(chances: Tensor, targets: Tensor) -> float | None:
    """Area under the ROC curve: of the second class of two, else the mean over classes.

    The chance that a random example of the class is ranked above one of another, ties counting
    half (Mann, Whitney). None where a class has no examples to compare.
    """
    classes = [1] if chances.shape[1] == 2 else range(chances.shape[1])
    areas = [area for k in classes if (area := _area(chances[:, k], targets == k)) is not None]
    return sum(areas) / len(areas) if areas else None


def _area(score: Tensor, is_class: Tensor) -> float | None:
    inside = int(is_class.sum())
    outside = len(is_class) - inside
    if not inside or not outside:
        return None
    _, place, count = torch.unique(score, return_inverse=True, return_counts=True)
    last = count.cumsum(0).double()
    ranks = (last - (count - 1) / 2)[place]  # ties share their mean rank, from 1
    above = ranks[is_class].sum() - inside * (inside + 1) / 2
    return float(above) / (inside * outside)


def modes_covered(points: Tensor, modes: Tensor, spread: float) -> dict[str, float]:
    """How many modes are drawn, and the share of points that lie at one.

    A point lies at the nearest mode if it is within three standard deviations of it; a mode is
    covered if a tenth of its fair share of the points lies at it.
    """
    distance, nearest = torch.cdist(points, modes).min(dim=1)
    is_at = distance <= 3 * spread
    counts = torch.bincount(nearest[is_at], minlength=len(modes))
    covered = int((counts >= max(1, len(points) / len(modes) / 10)).sum())
    return {"modes": float(covered), "good": float(is_at.float().mean())}


def diversity(drawn: Tensor, real: Tensor) -> float:
    """How far draws are spread, as a part of how far examples are; 0: always the same draw."""
    spreads = [examples.flatten(1).float().var(0, correction=0).sum() for examples in (drawn, real)]
    return float((spreads[0] / spreads[1]).sqrt()) if spreads[1] else 0.0
