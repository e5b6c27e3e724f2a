"""Faults of the layers: units that do nothing, and lines that do not go together."""

from collections.abc import Iterator

from tuilab.core.catalogue.initializations import Constant, Zeros
from tuilab.core.catalogue.layers.activation import ReLU, Sigmoid, Softmax, Tanh
from tuilab.core.catalogue.losses import BCE, KL, CrossEntropy, Focal, meaning
from tuilab.core.diagnosis.evidence import Evidence, early, middle, points
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.experiment.experiment import name_of
from tuilab.core.experiment.warnings import linear_pairs


def dead_relus(seen: Evidence) -> Iterator[Diagnosis]:
    """Most units of a ReLU are zero for every example, step after step."""
    shares = {name: middle(c) for name, c in seen.family("dead").items() if len(c) >= 4}
    if not shares or _batch(seen) < 16:
        return
    name, share = max(shares.items(), key=lambda item: item[1])
    if share < 0.6:
        return
    yield Diagnosis(
        "dead_relus",
        f"Most units of {name} are dead",
        [f"{share:.0%} of them were 0 for every example of the batch over the later half."],
        "A unit that is 0 for all examples gets no gradient and never comes back.",
        0.95 if share > 0.8 else 0.85,
        seen.lines("LeakyReLU for ReLU", {row.path: "LeakyReLU" for row in seen.layers(ReLU)})
        + seen.rate(0.1),
        points(seen.curve(f"dead/{name}")),
        f"dead units of {name}",
    )  # fmt: skip


def saturation(seen: Evidence) -> Iterator[Diagnosis]:
    """Tanh or Sigmoid lies flat at its ends, and has from the beginning."""
    curves = {name: c for name, c in seen.family("saturated").items() if len(c) >= 4}
    shares = {name: min(early(c), middle(c)) for name, c in curves.items()}
    if not shares:
        return
    name, share = max(shares.items(), key=lambda item: item[1])
    if share < 0.7:
        return
    yield Diagnosis(
        "saturation",
        f"{name} is saturated",
        [f"{share:.0%} of its values lie at an end of its range, and did from the beginning."],
        "There it is flat: next to no gradient passes, and the layers in front cannot learn.",
        0.93,
        seen.fix("weights by Xavier's rule", "initialization.weights", "xavier_uniform")
        + seen.lines("ReLU in its place", {r.path: "ReLU" for r in seen.layers(Sigmoid, Tanh)}),
        points(curves[name]),
        f"saturated share of {name}",
    )


def symmetric(seen: Evidence) -> Iterator[Diagnosis]:
    """All units of a layer began alike."""
    learning = [row for row in seen.rows if row.parameters]
    if len(learning) < 2 or not isinstance(seen.experiment.initialization, (Zeros, Constant)):
        return
    name = name_of(seen.experiment.initialization)
    yield Diagnosis(
        "symmetric_initialization",
        "All units of a layer began alike",
        [f"The weights of {len(learning)} layers began as {name}: all units of one are the same."],
        "Units that are alike get the same gradient and stay alike: a layer is worth one unit.",
        0.99,
        seen.fix("PyTorch's own beginning", "initialization.weights", "default")
        + seen.fix("weights by Kaiming's rule", "initialization.weights", "kaiming_normal"),
    )


def linear(seen: Evidence) -> Iterator[Diagnosis]:
    """Two Linear layers with nothing between them."""
    pairs = list(linear_pairs(seen.rows))
    if not pairs:
        return
    row = pairs[0]
    before = {row.path: None}
    yield Diagnosis(
        "no_nonlinearity",
        f"Nothing bends before {row.key}",
        [f"{row.key} ({row.text}) follows another Linear with no activation between."],
        "Two linear maps in a row are one linear map: the layer adds nothing.",
        0.97,
        seen.insert("ReLU before it", row.path, "ReLU")
        + seen.lines("without this line", dict(before)),
    )


def softmax(seen: Evidence) -> Iterator[Diagnosis]:
    """The network ends in a softmax and the loss has its own."""
    last = seen.rows[-1] if seen.rows else None
    loss = meaning(seen.experiment.loss)
    if last is None:
        return
    is_twice = isinstance(last.layer, Softmax) and isinstance(loss, (CrossEntropy, KL, Focal))
    is_twice = is_twice or (isinstance(last.layer, Sigmoid) and isinstance(loss, BCE))
    if not is_twice:
        return
    name = type(last.layer).__name__
    yield Diagnosis(
        "softmax_before_cross_entropy",
        f"{name} is applied twice",
        [f"{last.key} is {name}, and {name_of(seen.experiment.loss)} applies it itself."],
        "After the second one gradients are small, and the loss cannot come near 0.",
        0.98,
        seen.lines(f"without {name}", {last.path: None}),
    )


def output(seen: Evidence) -> Iterator[Diagnosis]:
    """The last layer cannot give every value that the loss asks for."""
    last = seen.rows[-1] if seen.rows else None
    if last is None or not isinstance(last.layer, (ReLU, Sigmoid, Tanh)):
        return
    is_number = seen.task == "regression"
    is_score = seen.task == "classification" and isinstance(
        meaning(seen.experiment.loss), (CrossEntropy, Focal)
    )
    if not (is_number or is_score):
        return
    name = type(last.layer).__name__
    reach = {"ReLU": "only from 0 up", "Sigmoid": "only from 0 to 1", "Tanh": "only from −1 to 1"}
    yield Diagnosis(
        "output_does_not_fit",
        f"The output ends in {name}, which the loss does not expect",
        [f"{last.key} reaches {reach[name]}; {name_of(seen.experiment.loss)} asks for any number."],
        "What lies outside of its reach can never be answered, and gets no gradient.",
        0.85,
        seen.lines(f"without {name}", {last.path: None}),
    )


def _batch(seen: Evidence) -> int:
    size = getattr(seen.experiment.data, "batch_size", 0)
    return size or 10**9
