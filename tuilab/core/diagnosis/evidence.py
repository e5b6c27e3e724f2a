"""What can be read off a run's history: curves without noise, shares, how far it has come."""

from collections.abc import Iterator
from functools import cached_property
from math import isfinite
from operator import itemgetter
from statistics import median
from typing import Any

from tuilab.core.diagnosis.finding import Fix
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import (
    Experiment,
    live_changes,
    name_of,
    value_at,
    with_value,
)
from tuilab.core.experiment.validation import problems
from tuilab.core.network.layer import Layer
from tuilab.core.network.plan import Line, Row
from tuilab.core.run.run import Run

Curve = list[tuple[float, float]]
"""Step and value, only what is finite."""

FIRST, MOST = 8, 240
"""Points of a curve that are looked at: the first ones all, then so many evenly."""


class Evidence:
    """A run as the rules look at it."""

    def __init__(self, run: Run, experiment: Experiment) -> None:
        self.run, self.experiment = run, experiment
        self.task = name_of(experiment.task)
        self._curves: dict[str, Curve] = {}
        self._highest: dict[str, float] = {}

    # --- curves -----------------------------------------------------------------------------

    def curve(self, name: str) -> Curve:
        """A series by name; empty where the run has none."""
        if name not in self._curves:
            series = self.run.series.get(name)
            points = series.points() if series else []
            stride = max(1, (len(points) - FIRST) // MOST)
            if stride > 1:
                points = points[:FIRST] + points[FIRST:-1:stride] + points[-1:]
            self._curves[name] = [(x, y) for x, y, *_ in points if isfinite(y)]
        return self._curves[name]

    def highest(self, name: str, after: int = 0) -> float:
        """The highest value that a series ever had, from a point on; 0 where there is none."""
        key = f"{name} from {after}"
        if key not in self._highest and (series := self.run.series.get(name)) is not None:
            values = map(itemgetter(1), series.points()[after:])
            found = values if series.is_finite else filter(isfinite, values)
            self._highest[key] = max(found, default=0.0)
        return self._highest.get(key, 0.0)

    def family(self, name: str) -> dict[str, Curve]:
        """The curves of a family, such as `gradient`, by layer, in order."""
        start = f"{name}/"
        return {
            key[len(start) :]: self.curve(key) for key in self.run.series if key.startswith(start)
        }

    @cached_property
    def loss(self) -> Curve:
        """The training loss."""
        return self.curve("loss/train")

    @cached_property
    def validation(self) -> Curve:
        """The validation loss."""
        return self.curve("loss/validation")

    # --- how far it is ----------------------------------------------------------------------

    @property
    def steps(self) -> int:
        """Steps so far."""
        return self.run.step

    @cached_property
    def done(self) -> float:
        """The part of its epochs that the run has behind it, from 0 to 1."""
        started = self.run.started
        whole = started.batches * self.experiment.training.epochs if started else 0
        return min(1.0, self.run.step / whole) if whole else 0.0

    @cached_property
    def drop(self) -> float:
        """The part of its first training loss that is gone by now; below 0 where it has grown."""
        if len(self.loss) < 2:
            return 0.0
        first, now = early(self.loss), late(self.loss)
        return (first - now) / abs(first) if first else 0.0

    @cached_property
    def gain(self) -> float:
        """What has been learned, from 0 to 1: in a regression beyond the mean of all targets."""
        if self.task == "regression" and self.told is not None:
            return self.told
        return self.drop

    @cached_property
    def is_flat(self) -> bool:
        """Whether the training loss has hardly moved over the last two fifths."""
        if len(self.loss) < 10:
            return False
        tail = part(self.loss, 0.6, 1.0)
        half = len(tail) // 2
        before, after = (median(y for _, y in piece) for piece in (tail[:half], tail[half:]))
        return abs(before - after) <= 0.04 * max(abs(before), 1e-9)

    @cached_property
    def is_settled(self) -> bool:
        """Whether the validation loss, else the training loss, has stopped to fall."""
        curve = self.validation if len(self.validation) >= 8 else self.loss
        if len(curve) < 8:
            return False
        before, now = (median(y for _, y in part(curve, *at)) for at in ((0.5, 0.75), (0.75, 1)))
        return now > 0.93 * before

    # --- the experiment ---------------------------------------------------------------------

    @cached_property
    def rows(self) -> list[Row]:
        """The lines of the network that are layers, blocks left out."""
        return [r for r in self.experiment.plan.rows if r.layer is not None and not r.is_block]

    def layers(self, *kinds: type[Layer]) -> list[Row]:
        """The layers of these kinds."""
        return [row for row in self.rows if isinstance(row.layer, kinds)]

    @cached_property
    def width(self) -> int:
        """Numbers that the narrowest hidden layer with weights passes on; 0 without one."""
        learning = [row for row in self.rows if row.parameters and row.output][:-1]
        return min((row.output[-1] for row in learning if row.output), default=0)

    @cached_property
    def is_linear(self) -> bool:
        """Whether nothing in the network bends."""
        return not any(type(row.layer).__name__ not in ("Linear", "Flatten", "Identity", "Dropout")
                       for row in self.rows)  # fmt: skip

    @cached_property
    def classes(self) -> int:
        """How many classes there are; 0 in a regression."""
        return len(self.experiment.data.classes) if self.task == "classification" else 0

    def accuracy(self, part_name: str) -> float | None:
        """Accuracy of late, of `train` or `validation`."""
        curve = self.curve(f"accuracy/{part_name}")
        return late(curve) if len(curve) >= 3 else None

    @cached_property
    def majority(self) -> float | None:
        """Accuracy of always telling the most common class of the validation part."""
        curve = self.curve("majority/validation")
        return curve[-1][1] if curve else None

    @property
    def results(self) -> dict[str, dict[str, float]]:
        """What the parts were measured to have in the end; empty before."""
        return self.run.finished.results if self.run.finished else {}

    @cached_property
    def best_accuracy(self) -> float | None:
        """The best accuracy on the validation part so far."""
        return max((y for _, y in self.curve("accuracy/validation")), default=None)

    @cached_property
    def told(self) -> float | None:
        """What of the training part is told beyond the simplest guess, from 0 to 1."""
        if self.task == "regression":
            curve = self.curve("r2/train")
            return late(curve) if len(curve) >= 3 else None
        accuracy, majority = self.accuracy("train"), self.majority
        if accuracy is None or majority is None or majority > 0.97:
            return None
        return (accuracy - majority) / (1 - majority)

    # --- what could be changed ----------------------------------------------------------------

    def fix(self, label: str, key: str, value: Any) -> list[Fix]:
        """One change, unless the experiment cannot have it or has it already."""
        try:
            if value_at(self.experiment, key) == value:
                return []
            after = with_value(self.experiment, key, value)
        except (InputError, AttributeError):
            return []
        if set(problems(after)) - set(problems(self.experiment)):
            return []
        live = live_changes(self.experiment, after) is not None
        return [Fix(label, key, value, live)]

    def rate(self, *factors: float) -> list[Fix]:
        """Other learning rates, as multiples of the present one."""
        lr = self.experiment.optimizer.lr
        return [
            fix
            for factor in factors
            for fix in self.fix(f"learning rate {lr * factor:.3g}", "optimizer.lr",
                                float(f"{lr * factor:.3g}"))
        ]  # fmt: skip

    def lines(self, label: str, changed: dict[tuple[int, ...], str | None]) -> list[Fix]:
        """The network with some lines replaced, or taken away where None stands."""
        network = tuple(_changed(self.experiment.network, changed, ()))
        return self.fix(label, "network", network)

    def insert(self, label: str, path: tuple[int, ...], line: str) -> list[Fix]:
        """The network with a line more, before the one at `path`."""
        if len(path) != 1:
            return []
        network = self.experiment.network
        return self.fix(label, "network", (*network[: path[0]], line, *network[path[0] :]))


def _changed(
    lines: tuple[Line, ...], changed: dict[tuple[int, ...], str | None], path: tuple[int, ...]
) -> Iterator[Line]:
    for index, line in enumerate(lines):
        here = (*path, index)
        if here in changed:
            if (new := changed[here]) is not None:
                yield new
        elif isinstance(line, tuple):
            yield tuple(_changed(line, changed, here))
        else:
            yield line


def part(curve: Curve, start: float, stop: float) -> Curve:
    """A stretch of a curve, by parts of its length in steps."""
    if not curve:
        return []
    first, length = curve[0][0], curve[-1][0] - curve[0][0]
    found = [p for p in curve if first + start * length <= p[0] <= first + stop * length]
    return found or curve[-1:]


def late(curve: Curve) -> float:
    """The median over the last fifth."""
    return median(y for _, y in part(curve, 0.8, 1.0))


def early(curve: Curve) -> float:
    """The first value, or the median of the first twentieth where there are more."""
    return median(y for _, y in part(curve, 0.0, 0.05))


def middle(curve: Curve) -> float:
    """The median of the later half."""
    return median(y for _, y in part(curve, 0.5, 1.0))


def points(curve: Curve, most: int = 60) -> Curve:
    """A curve thinned for a small chart."""
    stride = max(1, -(-len(curve) // most))
    return curve[::stride]
