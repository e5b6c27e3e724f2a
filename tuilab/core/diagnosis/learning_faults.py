"""Faults of the steps: too long, too short, limited, or none at all."""

from collections.abc import Iterator
from math import log
from statistics import median

from tuilab.core.catalogue.layers.activation import Sigmoid, Step, Tanh
from tuilab.core.diagnosis.evidence import Evidence, early, late, middle, points
from tuilab.core.diagnosis.finding import Diagnosis


def not_finite(seen: Evidence) -> Iterator[Diagnosis]:
    """The loss is no number any more."""
    series = seen.run.series.get("loss/train")
    if series is None or series.is_finite:
        return
    lr, failure = seen.experiment.optimizer.lr, seen.run.failure
    yield Diagnosis(
        "loss_not_finite",
        "The loss is no number any more",
        [
            f"By step {seen.steps} the training loss was not finite; the learning rate was {lr:g}.",
            *([failure.detail + "."] if failure is not None and failure.detail else []),
        ],
        "From here every weight becomes nan as well: nothing that follows can be learned.",
        0.99,
        seen.rate(0.1, 0.01) + seen.fix("limit gradients to 1", "training.clip_grad_norm", 1.0),
        points(seen.loss),
        "training loss",
    )


def too_high(seen: Evidence) -> Iterator[Diagnosis]:
    """The loss grows, or jumps about where it began, with steps long against the weights."""
    if len(seen.loss) < 8 or seen.experiment.optimizer.lr == 0:
        return
    first, now, least = early(seen.loss), late(seen.loss), min(y for _, y in seen.loss)
    series = seen.run.series["loss/train"]
    peak = seen.highest("loss/train", 1)
    diverged = not series.is_finite or now > 3 * max(first, 1e-9)
    step = _step(seen)
    jumps = peak > 4 * first and now > 0.7 * first
    wild = step > 0.05 and now > 0.7 * first and now > 1.05 * least
    thrown = _is_thrown(seen, now)
    if not (diverged or jumps or wild or thrown):
        return
    yield Diagnosis(
        "learning_rate_too_high",
        "The learning rate is too high",
        [
            f"The training loss began at {seen.loss[0][1]:.3g}, went up to {peak:.3g} and is "
            f"{now:.3g} now.",
            f"A step moves the weights by {100 * step:.2g}% of their length, at most by "
            f"{max(_longest(seen), default=0.0):.0%}; 0.1% to 3% is usual.",
        ],
        "Each step goes past the place that it was to reach, and lands where it is no better.",
        0.97 if diverged or thrown else 0.9,
        seen.rate(0.1, 0.01) + seen.fix("limit gradients to 1", "training.clip_grad_norm", 1.0),
        points(seen.loss),
        "training loss",
    )


def too_low(seen: Evidence) -> Iterator[Diagnosis]:
    """The weights will hardly have moved by the end of the run."""
    moves = [middle(curve) for curve in seen.family("update").values() if len(curve) >= 4]
    if not moves or seen.done < 0.3 or seen.drop > 0.3 or not seen.loss:
        return
    whole = seen.steps / seen.done
    way = max(moves) * whole
    if way > 0.3 or max(moves) == 0 or _is_vanishing(seen):
        return
    yield Diagnosis(
        "learning_rate_too_low",
        "The learning rate is too low",
        [
            f"A step moves the weights by {max(moves):.1e} of their length, at most "
            f"{way:.1%} by the end of the run.",
            f"The training loss has come down by {max(seen.drop, 0):.1%} of where it began.",
        ],
        "At this pace the run ends close to where it began.",
        0.9,
        seen.rate(10, 100, 1000),
        points(seen.loss),
        "training loss",
    )


def exploding(seen: Evidence) -> Iterator[Diagnosis]:
    """Gradients are so long that no usual learning rate goes with them."""
    curves = seen.family("gradient")
    begun = {name: max(y for _, y in c[:3]) for name, c in curves.items() if c}
    if not begun:
        return
    name, size = max(begun.items(), key=lambda item: item[1])
    if size < 50:
        return
    yield Diagnosis(
        "exploding_gradients",
        f"The gradients explode, most of all in layer {name}",
        [f"The gradient of layer {name} was {size:.3g} long at first; 0.01 to 10 is usual."],
        "A step follows the gradient: one that long throws the weights far away.",
        0.95,
        seen.fix("weights by Kaiming's rule", "initialization.weights", "kaiming_normal")
        + seen.fix("limit gradients to 1", "training.clip_grad_norm", 1.0)
        + seen.rate(0.1),
        points(curves[name]),
        f"gradient of {name}",
    )


def vanishing(seen: Evidence) -> Iterator[Diagnosis]:
    """Hardly any gradient is left in the front layers."""
    if not _is_vanishing(seen) or seen.gain > 0.3:
        return
    name, front, behind = _ends(seen)
    bent = {row.path: "ReLU" for row in seen.layers(Sigmoid, Tanh)[:]}
    yield Diagnosis(
        "vanishing_gradients",
        f"The gradient vanishes on the way to layer {name}",
        [f"Layer {name} gets a gradient of {front:.1e}, the last layer one of {behind:.1e}: "
         f"{behind / max(front, 1e-30):.0f} times as much."],
        "Layers in front learn so slowly that those behind work on noise.",
        0.9,
        seen.lines("ReLU in the place of Sigmoid and Tanh", dict(bent))
        + seen.fix("weights by Kaiming's rule", "initialization.weights", "kaiming_normal"),
        points(seen.curve(f"gradient/{name}")),
        f"gradient of {name}",
    )  # fmt: skip


def _ends(seen: Evidence) -> tuple[str, float, float]:
    """The layer with the least gradient of those in front, its gradient, and the last layer's."""
    sizes = [(name, middle(c)) for name, c in seen.family("gradient").items() if len(c) >= 4]
    name, front = min(sizes[: len(sizes) // 2], key=lambda item: item[1])
    return name, front, sizes[-1][1]


def _is_vanishing(seen: Evidence) -> bool:
    sizes = [c for c in seen.family("gradient").values() if len(c) >= 4]
    if len(sizes) < 4:
        return False
    _, front, behind = _ends(seen)
    return 0 < front < 2e-3 * behind


def without_gradient(seen: Evidence) -> Iterator[Diagnosis]:
    """Layers that have never got a gradient at all."""
    frozen = [row for row in seen.rows if row.layer is not None and row.layer.frozen]
    curves = {name: c for name, c in seen.family("gradient").items() if len(c) >= 4}
    still = [name for name, c in curves.items() if all(y == 0 for _, y in c)]
    if frozen or not still:
        return
    steps = {row.path: "ReLU" for row in seen.layers(Step)}
    yield Diagnosis(
        "no_gradient",
        f"No gradient has ever reached layer {', '.join(still[:3])}",
        [f"Its gradient was exactly 0 at each of {len(curves[still[0]])} probed steps."],
        "What gets no gradient does not learn: it stays as chance has made it.",
        0.97,
        seen.lines("ReLU in the place of Step", dict(steps))
        + seen.fix("weights by Kaiming's rule", "initialization.weights", "kaiming_normal"),
        points(curves[still[0]]),
        f"gradient of {still[0]}",
    )


def clipping(seen: Evidence) -> Iterator[Diagnosis]:
    """Every step is cut short by the limit on the gradient."""
    limit = seen.experiment.training.clip_grad_norm
    curves = [c for c in seen.family("gradient").values() if len(c) >= 6]
    if not limit or not curves or len({len(c) for c in curves}) > 1:
        return
    norms = [(row[0][0], sum(y * y for _, y in row) ** 0.5) for row in zip(*curves, strict=True)]
    tail = [y for _, y in norms[len(norms) // 3 :]]
    share = sum(y > 2 * limit for y in tail) / len(tail)
    if share < 0.9:
        return
    size = median(tail)
    yield Diagnosis(
        "clipping_every_step",
        "The limit on the gradient cuts every step",
        [f"The gradient is {size:.3g} long and may be {limit:g}: over the limit at "
         f"{share:.0%} of the probed steps."],
        "Then the limit sets the length of every step, however steep it is, and lr means little.",
        0.85,
        seen.fix(f"limit {4 * size:.2g}", "training.clip_grad_norm", float(f"{4 * size:.2g}"))
        + seen.fix("no limit", "training.clip_grad_norm", 0.0),
        points(norms),
        "length of the gradient",
    )  # fmt: skip


def plateau(seen: Evidence) -> Iterator[Diagnosis]:
    """The loss lies still near where it began, though the steps are of a usual length."""
    if seen.done < 0.5 or not seen.is_flat or not -0.1 < seen.drop < 0.05:
        return
    gradients = [middle(c) for c in seen.family("gradient").values() if c]
    if not gradients or max(gradients) > 0.05:
        return
    yield Diagnosis(
        "plateau",
        "The loss lies on a plateau",
        [
            f"It began at {early(seen.loss):.3g} and is {late(seen.loss):.3g} now, and hardly "
            "moved of late.",
            f"The longest gradient of any layer is {max(gradients):.1e}.",
        ],
        "Where it is flat all around, no step knows where to go.",
        0.8,
        seen.rate(10)
        + seen.fix("weights by Kaiming's rule", "initialization.weights", "kaiming_normal")
        + seen.fix("optimizer AdamW", "optimizer.name", "adamw"),
        points(seen.loss),
        "training loss",
    )


def _step(seen: Evidence) -> float:
    """How far a step moves a layer, as a part of its length: the median layer, over the run."""
    moves = [median(y for _, y in c) for c in seen.family("update").values() if len(c) >= 4]
    return median(moves) if moves else 0.0


def _longest(seen: Evidence) -> list[float]:
    """The longest step that was probed of each layer, as a part of its length."""
    curves = seen.family("update").items()
    return [seen.highest(f"update/{name}") for name, c in curves if len(c) >= 4]


def _is_thrown(seen: Evidence, now: float) -> bool:
    """Whether single steps were as long as the weights, and the network never found back."""
    longest, told = _longest(seen), seen.told
    if not longest or told is None or told > 0.9:
        return False
    if median(longest) > 1:
        return True
    is_no_better = now > 0.95 * log(seen.classes) if seen.classes > 1 else told < 0
    is_far_worse = seen.classes > 1 and now > 3 * log(seen.classes)
    return (median(longest) > 0.3 and is_no_better) or (max(longest) > 0.3 and is_far_worse)
