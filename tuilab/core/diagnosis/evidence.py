"""The evidence for a diagnosis: curves, statistics and the progress of a run."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise
from math import ceil, inf, isfinite, log, sqrt
from operator import itemgetter
from statistics import median
from typing import Any

from tuilab.core.catalogue.layers.convolution import Conv1d, Conv2d
from tuilab.core.catalogue.layers.linear import Linear
from tuilab.core.catalogue.layers.sequence import GRU, LSTM, RNN
from tuilab.core.catalogue.losses import MSE, CrossEntropy, Focal, equivalent_loss
from tuilab.core.diagnosis.finding import Fix
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    get_live_changes,
    name_of,
    value_at,
    with_value,
)
from tuilab.core.experiment.validation import find_errors
from tuilab.core.format import format_number
from tuilab.core.network.layer import Layer
from tuilab.core.network.line import Line
from tuilab.core.network.plan import LinePath, PlanRow
from tuilab.core.protocol.records import TargetStats
from tuilab.core.run.run import Run

Curve = list[tuple[float, float]]
"""Steps and values; only finite ones."""

NewLines = Mapping[LinePath, str | None]
"""Lines of a network by their paths; None removes one."""

FIRST_POINTS, MAX_POINTS = 8, 240
"""Points of a curve that are used: the first ones, then evenly spaced ones."""


MIN_PROGRESS = 0.3
"""The part of a run that must be over before it can be late for anything but a slow start."""

FAR_RATE = 9.99
"""A learning rate this many times its default, or smaller by this factor, is far from it."""

MIN_RATE_CHANGE = 2.0
"""A rate that is found differs by more than this factor, or it would change nothing."""

WEIGHTED = (Linear, Conv1d, Conv2d, RNN, LSTM, GRU)
"""Layers that multiply their inputs by a matrix of weights."""

GOOD_SKILL, GOOD_LOSS = 0.85, 0.35
"""Skill of the validation set, and part of the first loss, with which a network does well."""

MIN_COMPARED = 30
"""Examples from which on the agreement of their labels says something."""

GOOD_EXPLAINED = 0.6
"""The variance that an autoencoder that does well explains: its bottleneck limits it."""

SHORT_STEPS, SHORT_EPOCHS, BRIEF_STEPS = 100, 4, 150
"""A run of fewer steps is short, and one of fewer epochs unless it has many steps."""

MAX_CHART_POINTS = 60
"""Points of the small chart beside a diagnosis."""


class Evidence:
    """The measurements of a run that the rules use."""

    def __init__(self, run: Run, experiment: Experiment) -> None:
        self.run, self.experiment = run, experiment
        self.task = name_of(experiment.task)
        self._curves: dict[str, Curve] = {}
        self._maxima: dict[str, float] = {}

    # --- curves -----------------------------------------------------------------------------

    def get_curve(self, name: str) -> Curve:
        """Returns the curve of a series; empty if the run does not have it."""
        if name not in self._curves:
            series = self.run.series.get(name)
            points = series.points() if series else []
            stride = max(1, (len(points) - FIRST_POINTS) // MAX_POINTS)
            if stride > 1:
                points = points[:FIRST_POINTS] + points[FIRST_POINTS:-1:stride] + points[-1:]
            self._curves[name] = [(x, y) for x, y, *_ in points if isfinite(y)]
        return self._curves[name]

    def get_maximum(self, name: str, after: int = 0) -> float:
        """Returns the maximum of a series from a point on; 0 if the run does not have it."""
        key = f"{name} from {after}"
        if key not in self._maxima and (series := self.run.series.get(name)) is not None:
            values = map(itemgetter(1), series.points()[after:])
            finite = values if series.is_finite else filter(isfinite, values)
            self._maxima[key] = max(finite, default=0.0)
        return self._maxima.get(key, 0.0)

    def get_layer_curves(self, name: str, min_points: int = 0) -> dict[str, Curve]:
        """Returns the curves of all layers for a quantity such as `gradient`, in order."""
        start = f"{name}/"
        return {
            key.removeprefix(start): self.get_curve(key)
            for key in self.run.series
            if key.startswith(start) and len(self.get_curve(key)) >= min_points
        }

    @cached_property
    def train_loss(self) -> Curve:
        """The training loss."""
        return self.get_curve("loss/train")

    @cached_property
    def validation_loss(self) -> Curve:
        """The validation loss."""
        return self.get_curve("loss/validation")

    # --- progress ---------------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Number of steps so far."""
        return self.run.step

    @property
    def has_overflowed(self) -> bool:
        """Whether the training loss has become NaN or infinite."""
        series = self.run.series.get("loss/train")
        return series is not None and not series.is_finite

    @property
    def epochs(self) -> int:
        """Number of whole epochs so far."""
        started = self.run.started
        return self.steps // max(1, started.batches) if started else 0

    @cached_property
    def progress(self) -> float:
        """The completed fraction of the run, from 0 to 1."""
        started = self.run.started
        total = started.batches * self.experiment.training.epochs if started else 0
        return min(1.0, self.run.step / total) if total else 0.0

    @cached_property
    def loss_drop(self) -> float:
        """The relative decrease of the training loss; negative if it has grown."""
        if len(self.train_loss) < 2:
            return 0.0
        first, now = early_median(self.train_loss), late_median(self.train_loss)
        return (first - now) / abs(first) if first else 0.0

    @cached_property
    def learned_share(self) -> float:
        """The decrease of the training loss; for a regression the skill, if it is known."""
        if self.task == "regression" and self.skill is not None:
            return self.skill
        return self.loss_drop

    @cached_property
    def is_flat(self) -> bool:
        """Whether the training loss has hardly changed over the last two fifths."""
        if len(self.train_loss) < 10:
            return False
        tail = slice_curve(self.train_loss, 0.6, 1.0)
        half = len(tail) // 2
        before, after = (median(y for _, y in piece) for piece in (tail[:half], tail[half:]))
        return abs(before - after) <= 0.04 * max(abs(before), 1e-9)

    @cached_property
    def is_settled(self) -> bool:
        """Whether the validation loss, else the training loss, has stopped falling."""
        curve = self.validation_loss if len(self.validation_loss) >= 8 else self.train_loss
        if len(curve) < 8:
            return False
        before, now = (
            median(y for _, y in slice_curve(curve, *at)) for at in ((0.5, 0.75), (0.75, 1))
        )
        return now > 0.93 * before

    # --- the experiment ---------------------------------------------------------------------

    @cached_property
    def layer_rows(self) -> list[PlanRow]:
        """The layers of the network, without blocks."""
        return [r for r in self.experiment.plan.rows if r.layer is not None and not r.is_block]

    def find_layers(self, *kinds: type[Layer]) -> list[PlanRow]:
        """Returns the layers of these types."""
        return [row for row in self.layer_rows if isinstance(row.layer, kinds)]

    @cached_property
    def min_width(self) -> int:
        """The width of the narrowest hidden layer with weights; 0 if there is none."""
        hidden = [row for row in self.trained_rows if row.output][:-1]
        return min(map(count_units, hidden), default=0)

    @cached_property
    def is_linear(self) -> bool:
        """Whether the network has no nonlinearity."""
        return not any(type(row.layer).__name__ not in ("Linear", "Flatten", "Identity", "Dropout")
                       for row in self.layer_rows)  # fmt: skip

    @cached_property
    def classes(self) -> int:
        """The number of classes; 0 for a regression."""
        return len(self.experiment.data.classes) if self.task == "classification" else 0

    def get_accuracy(self, split: str) -> float | None:
        """Returns the recent accuracy on `train` or `validation`; None if it is not known."""
        curve = self.get_curve(f"accuracy/{split}")
        return late_median(curve) if len(curve) >= 3 else None

    @cached_property
    def majority_share(self) -> float | None:
        """Accuracy of always predicting the most common class of the validation set."""
        curve = self.get_curve("majority/validation")
        return curve[-1][1] if curve else None

    @property
    def results(self) -> dict[str, dict[str, float]]:
        """The final metrics of the splits; empty before the end."""
        return self.run.finished.results if self.run.finished else {}

    @cached_property
    def best_accuracy(self) -> float | None:
        """The best validation accuracy so far."""
        return max((y for _, y in self.get_curve("accuracy/validation")), default=None)

    @cached_property
    def skill(self) -> float | None:
        """Skill score on the training set: 0 for a constant prediction, 1 for a perfect one."""
        return self._get_skill("train")

    @cached_property
    def validation_skill(self) -> float | None:
        """The same on the validation set."""
        return self._get_skill("validation")

    def _get_skill(self, split: str) -> float | None:
        if self.task == "autoencoder":  # is only measured there
            curve = self.get_curve("explained_variance/validation")
            return curve[-1][1] if curve else None
        if self.task == "regression":
            curve = self.get_curve(f"r2/{split}")
            return late_median(curve) if curve else None
        curve, majority = self.get_curve(f"accuracy/{split}"), self.majority_share
        if not curve or majority is None or majority > 0.97:
            return None
        return (late_median(curve) - majority) / (1 - majority)

    @cached_property
    def is_good(self) -> bool:
        """Whether the network predicts well, so that whatever else is seen does no harm."""
        skill = self.skill if self.validation_skill is None else self.validation_skill
        curve = self.validation_loss or self.train_loss
        loss = late_median(curve) if curve else inf
        if skill is None or (self.chance_loss is not None and loss >= self.chance_loss):
            return False
        # Where neighbors share labels no more often than that, no network gets much further.
        if self.classes and len(self.experiment.input_shape) == 1:
            possible = 1.0 if self.label_agreement is None else self.label_agreement + 0.05
            if skill > max(0.3, possible):
                return True
        if skill < (GOOD_EXPLAINED if self.task == "autoencoder" else GOOD_SKILL):
            return False
        return self.chance_loss is None or loss < GOOD_LOSS * self.first_loss

    @cached_property
    def targets(self) -> TargetStats | None:
        """The statistics of the training targets; None if they are not known."""
        return self.run.started.targets if self.run.started else None

    @cached_property
    def label_agreement(self) -> float | None:
        """How far similar inputs share a class: 0 as by chance, 1 always; None if unknown."""
        targets = self.targets
        if targets is None or targets.count < MIN_COMPARED or targets.chance >= 0.9:
            return None
        if self.classes < 2:
            return None
        return (targets.agreement - targets.chance) / (1 - targets.chance)

    @cached_property
    def neighbor_skill(self) -> float | None:
        """The skill of predicting the target of the most similar example; None if unknown."""
        if self.task != "regression":
            return self.label_agreement
        has_many = self.targets is not None and self.targets.count >= MIN_COMPARED
        return self.targets.agreement if self.targets is not None and has_many else None

    @cached_property
    def is_short(self) -> bool:
        """Whether the run has hardly begun: what it has not learned may still come."""
        is_brief = self.epochs < SHORT_EPOCHS and self.steps < BRIEF_STEPS
        return self.steps < SHORT_STEPS or is_brief

    @cached_property
    def chance_loss(self) -> float | None:
        """The loss of the best constant prediction; None if it is not known."""
        loss, targets = equivalent_loss(self.experiment.loss), self.targets
        if self.classes > 1 and isinstance(loss, (CrossEntropy, Focal)):
            return log(self.classes)
        if self.task == "regression" and targets is not None and isinstance(loss, MSE):
            return targets.std**2
        return None

    @cached_property
    def first_loss(self) -> float:
        """The loss of the first step, or of the best constant prediction where that is larger."""
        first = self.train_loss[0][1] if self.train_loss else 0.0
        return max(first, self.chance_loss or 0.0, 1e-9)

    @cached_property
    def initial_gains(self) -> dict[str, float]:
        """The initial size of the weights of each layer: 1 keeps the size of what goes through.

        It is their root mean square times the square root of the number of inputs.
        """
        curves, rows = self.get_layer_curves("weight"), self.trained_rows
        if len(curves) != len(rows):
            return {}
        return {
            name: curve[0][1] / sqrt(count_units(row))
            for (name, curve), row in zip(curves.items(), rows, strict=True)
            if curve and isinstance(row.layer, WEIGHTED) and row.output
        }

    @cached_property
    def trained_rows(self) -> list[PlanRow]:
        """The layers with parameters."""
        return [row for row in self.layer_rows if row.parameters]

    # --- fixes --------------------------------------------------------------------------------

    def propose(self, label: str, key: str, value: Any) -> list[Fix]:
        """Returns a fix, or none if the experiment already has the value or does not allow it."""
        try:
            if value_at(self.experiment, key) == value:
                return []
            after = with_value(self.experiment, key, value)
        except (InputError, AttributeError):
            return []
        if set(find_errors(after)) - set(find_errors(self.experiment)):
            return []
        is_live = get_live_changes(self.experiment, after) is not None
        return [Fix(label, key, value, is_live)]

    @cached_property
    def rate_ratio(self) -> float:
        """The learning rate divided by the default of the optimizer."""
        optimizer = self.experiment.optimizer
        return optimizer.lr / type(optimizer)().lr

    @property
    def is_fast(self) -> bool:
        """Whether the learning rate is far above the default of the optimizer."""
        return self.rate_ratio > FAR_RATE

    def propose_rates(self, *factors: float, of: float | None = None) -> list[Fix]:
        """Returns fixes with other learning rates, each once: the one to take comes first.

        That is the rate of the learning-rate finder, once it has searched; multiples of the current
        one are guesses and then left out. Before, it is the optimizer's default where the current
        one is ten times off: one change instead of one for every power of ten. Both only count on
        the side that the factors leave.

        Args:
            of: a rate to multiply in the place of the current one.
        """
        of = self.experiment.optimizer.lr if of is None else of
        is_lower, default = factors[0] < 1, type(self.experiment.optimizer)().lr
        rates = {}
        if (suggestion := self.suggested_rate) and _is_far(
            of, suggestion, MIN_RATE_CHANGE, is_lower=is_lower
        ):
            rates[suggestion] = ", from the learning-rate finder"
        if _is_far(of, default, FAR_RATE, is_lower=is_lower):
            rates.setdefault(default, ", the optimizer's default")
        if suggestion not in rates:
            for factor in factors:
                rates.setdefault(float(f"{of * factor:.3g}"), "")
        return [
            fix
            for rate, source in rates.items()
            for fix in self.propose(
                f"learning rate {format_number(rate)}{source}", "optimizer.lr", rate
            )
        ]

    @property
    def suggested_rate(self) -> float | None:
        """The rate that the learning-rate finder suggests; None if it has none yet."""
        checks = self.run.checks
        search = checks.rate_search if checks is not None else None
        return search.lr if search is not None else None

    def propose_clipping(self) -> list[Fix]:
        """Returns a fix that clips gradients."""
        return self.propose("clip gradients to 1", "training.clip_grad_norm", 1.0)

    def propose_kaiming(self) -> list[Fix]:
        """Returns a fix with Kaiming initialization."""
        return self.propose("Kaiming initialization", "initialization.weights", "kaiming_normal")

    def propose_lines(self, label: str, new_lines: NewLines) -> list[Fix]:
        """Returns a fix that replaces lines of the network, or removes those with None."""
        network = tuple(_replace_lines(self.experiment.network, new_lines, ()))
        return self.propose(label, "network", network)

    def propose_layer(self, label: str, rows: Iterable[PlanRow], line: str | None) -> list[Fix]:
        """Returns a fix that replaces layers by a line, or removes them with None."""
        return self.propose_lines(label, {row.path: line for row in rows})

    def propose_insertion(self, label: str, path: LinePath, line: str) -> list[Fix]:
        """Returns a fix that inserts a line before the one at `path`."""
        if len(path) != 1:
            return []
        network = self.experiment.network
        return self.propose(label, "network", (*network[: path[0]], line, *network[path[0] :]))


def _replace_lines(lines: tuple[Line, ...], new_lines: NewLines, path: LinePath) -> Iterator[Line]:
    for index, line in enumerate(lines):
        here = (*path, index)
        if here in new_lines:
            if (new := new_lines[here]) is not None:
                yield new
        elif isinstance(line, tuple):
            yield tuple(_replace_lines(line, new_lines, here))
        else:
            yield line


def _is_far(rate: float, other: float, factor: float, *, is_lower: bool) -> bool:
    """Returns whether another rate is lower, or else higher, by more than a factor."""
    return rate > factor * other if is_lower else other > factor * rate


def count_units(row: PlanRow) -> int:
    """Returns the units of a layer: features, or channels of a picture."""
    output = row.output or (0,)
    return output[0] if len(output) == 3 else output[-1]


def slice_curve(curve: Curve, start: float, stop: float) -> Curve:
    """Returns a part of a curve, by fractions of its length in steps."""
    if not curve:
        return []
    first, length = curve[0][0], curve[-1][0] - curve[0][0]
    points = [p for p in curve if first + start * length <= p[0] <= first + stop * length]
    return points or curve[-1:]


def late_median(curve: Curve) -> float:
    """Returns the median over the last fifth."""
    return median(y for _, y in slice_curve(curve, 0.8, 1.0))


def early_median(curve: Curve) -> float:
    """Returns the median over the first twentieth, at least the first value."""
    return median(y for _, y in slice_curve(curve, 0.0, 0.05))


def mean_over_steps(curve: Curve) -> float:
    """Returns the mean, with each value counted for the steps since the one before it."""
    if len(curve) < 2:
        return curve[0][1] if curve else 0.0
    area = sum((x - before) * y for (before, _), (x, y) in pairwise(curve))
    return area / (curve[-1][0] - curve[0][0])


def second_half_median(curve: Curve) -> float:
    """Returns the median over the second half."""
    return median(y for _, y in slice_curve(curve, 0.5, 1.0))


def chart(curve: Curve, name: str) -> tuple[Curve, str]:
    """Returns the last two fields of a diagnosis: a curve with few points, and its name."""
    stride = ceil(len(curve) / MAX_CHART_POINTS) or 1
    return curve[::stride], name
