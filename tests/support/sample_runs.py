"""Runs made of events, for the tests of charts and pictures."""

from math import cos, exp, pi, sin
from typing import Any

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.events import EpochEnded, KnobChanged, LayerStatsReported, Progressed
from tuilab.core.protocol.inspect.result_messages import (
    Curve,
    DecisionSurface,
    Picture,
    ResultResponse,
)
from tuilab.core.protocol.records import LayerStats, Sample
from tuilab.core.run.confusion import ConfusionMatrix
from tuilab.core.run.run import Run


def trained_run(
    steps: int = 300, layers: int = 3, losses: dict[int, float] | None = None, **experiment: Any
) -> Run:
    """Returns a run whose loss falls from 1; `losses` replaces it at some steps."""
    run = Run()
    run.begin("a", Experiment(**experiment))
    run.state = "training"
    for step in range(1, steps + 1):
        loss = (losses or {}).get(step, exp(-step / 100))
        run.apply(progressed_event(step, loss))
        if step % 50 == 0:
            values = {"loss": exp(-step / 100) + 0.1, "accuracy": 0.9}
            run.apply(EpochEnded("a", step, step // 50, {}, values))
        if step % 10 == 0:
            run.apply(LayerStatsReported("a", step, [layer_stats(n) for n in range(1, layers + 1)]))
    return run


def progressed_event(step: int, loss: float) -> Progressed:
    return Progressed("a", step, step / 50, loss, loss, loss, {"accuracy": 0.5}, 1e-3, 9, 9, 9, 9)


def layer_stats(number: int, gradient: float = 0.5, update: float = 2e-3) -> LayerStats:
    return LayerStats(f"{number} Linear", gradient / number, update / number, 1.0)


def knob_changed(step: int, key: str, value: Any) -> KnobChanged:
    return KnobChanged("a", step, key, value)


def two_class_surface(width: int, height: int) -> DecisionSurface:
    """Returns class 0 to the left and 1 to the right, more certain far from the middle."""
    values = []
    for _ in range(height):
        for x in range(width):
            blue = (x + 0.5) / width
            values.append(1 + min(blue, 0.999) if blue >= 0.5 else 1 - blue)
    points, validation = [(-3.0, 3.0, 0.0), (3.0, 3.0, 1.0)], [(-3.0, -3.0, 0.0)]
    return DecisionSurface((-6, 6, -6, 6), width, height, values, points, validation)


def regression_surface(width: int, height: int) -> DecisionSurface:
    """Returns a regression from -2 at the left to 2 at the right."""
    values = [4 * (x + 0.5) / width - 2 for _ in range(height) for x in range(width)]
    return DecisionSurface((-6, 6, -6, 6), width, height, values, [(-3, 3, -1.0)])


def fitted_curve() -> Curve:
    x = [n / 10 for n in range(-30, 31)]
    examples = [(2 * cos(n), sin(2 * cos(n))) for n in range(20)]
    return Curve(x, [sin(value * pi / 3) for value in x], examples)


def make_confusion_matrix(classes: tuple[str, ...]) -> ConfusionMatrix:
    """Returns nine of ten correct; the tenth is predicted as the next class."""
    counts = [[0] * len(classes) for _ in classes]
    for number in range(len(classes)):
        counts[number][number] = 9
        counts[number][(number + 1) % len(classes)] += 1
    return ConfusionMatrix(counts, list(classes))


def sample_images(classes: int, count: int = 6) -> list[Sample]:
    """Returns images, every second one predicted as the next class."""
    pixels = bytes(range(196)) * 4
    return [
        Sample(pixels, (1, 28, 28), n % classes, (n + n % 2) % classes, 0.93) for n in range(count)
    ]


def result_response(picture: Picture | None, run: str = "a", step: int = 120) -> ResultResponse:
    """Returns the response with a picture, and with samples beside a confusion matrix."""
    if isinstance(picture, ConfusionMatrix):
        return ResultResponse(run, step, picture, sample_images(len(picture.classes)))
    return ResultResponse(run, step, picture)
