"""Faults of the layers: dead or saturated units, and layers that do not fit together."""

from collections.abc import Iterator

from tuilab.core.catalogue.initializations import Constant, Zeros
from tuilab.core.catalogue.layers.activation import ReLU, Sigmoid, Softmax, Tanh
from tuilab.core.catalogue.losses import BCE, KL, CrossEntropy, Focal, equivalent_loss
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import Evidence, chart, second_half_median
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.experiment.experiment import name_of
from tuilab.core.experiment.warnings import find_adjacent_linear
from tuilab.core.format import format_percent


def detect_dead_relus(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects ReLU layers in which most units are zero for every example."""
    curves = evidence.get_layer_curves("dead", min_points=4)
    shares = {name: second_half_median(curve) for name, curve in curves.items()}
    batch_size = getattr(evidence.experiment.data, "batch_size", 0)
    if not shares or 0 < batch_size < 16 or evidence.is_short:
        return
    name, share = max(shares.items(), key=lambda item: item[1])
    learned = evidence.loss_drop if evidence.skill is None else evidence.skill
    if share < 0.6 or learned > 0.5:
        return
    yield make_diagnosis(
        "dead_relus",
        f"Most units of {name} are dead",
        [
            f"{format_percent(share)} of them were 0 for every example of the batch during the "
            "second half of the run."
        ],
        "A unit that is 0 for all examples gets no gradient and cannot recover.",
        evidence.propose_layer("LeakyReLU instead of ReLU", evidence.find_layers(ReLU), "LeakyReLU")
        + evidence.propose_rates(0.1),
        *chart(evidence.get_curve(f"dead/{name}"), f"dead units of {name}"),
    )


def detect_saturation(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects Tanh or Sigmoid layers that have been saturated from the start."""
    curves = evidence.get_layer_curves("saturated", min_points=4)
    shares = {name: min(c[0][1], second_half_median(c)) for name, c in curves.items()}
    if not shares or evidence.is_good:
        return
    name, share = max(shares.items(), key=lambda item: item[1])
    if share < 0.7:
        return
    yield make_diagnosis(
        "saturation",
        f"{name} is saturated",
        [f"{format_percent(share)} of its values are near the limits, as from the start."],
        "There its derivative is almost 0, so the layers before it get no gradient.",
        evidence.propose("Xavier initialization", "initialization.weights", "xavier_uniform")
        + evidence.propose_layer("ReLU instead", evidence.find_layers(Sigmoid, Tanh), "ReLU"),
        *chart(curves[name], f"saturated share of {name}"),
    )


def detect_symmetry(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects layers whose units started with the same weights."""
    trained = [row for row in evidence.layer_rows if row.parameters]
    if len(trained) < 2 or not isinstance(evidence.experiment.initialization, (Zeros, Constant)):
        return
    name = name_of(evidence.experiment.initialization)
    yield make_diagnosis(
        "symmetric_initialization",
        "All units of a layer started with the same weights",
        [f"{len(trained)} layers were initialized with {name}: all of their units are equal."],
        "Equal units get equal gradients and stay equal, so each layer acts as a single unit.",
        evidence.propose("PyTorch's default initialization", "initialization.weights", "default")
        + evidence.propose_kaiming(),
    )


def detect_adjacent_linear(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects two Linear layers without an activation between them."""
    pairs = list(find_adjacent_linear(evidence.layer_rows))
    if not pairs:
        return
    row = pairs[0]
    yield make_diagnosis(
        "no_nonlinearity",
        f"There is no activation before {row.key}",
        [f"{row.key} ({row.text}) follows another Linear directly."],
        "Two linear maps in a row are one linear map, so the layer adds nothing.",
        evidence.propose_insertion("ReLU before it", row.path, "ReLU")
        + evidence.propose_layer("without this line", [row], None),
    )


def detect_double_softmax(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a final softmax or sigmoid that the loss applies as well."""
    last = evidence.layer_rows[-1] if evidence.layer_rows else None
    loss = equivalent_loss(evidence.experiment.loss)
    if last is None:
        return
    is_twice = isinstance(last.layer, Softmax) and isinstance(loss, (CrossEntropy, KL, Focal))
    is_twice = is_twice or (isinstance(last.layer, Sigmoid) and isinstance(loss, BCE))
    if not is_twice:
        return
    name = type(last.layer).__name__
    yield make_diagnosis(
        "softmax_before_cross_entropy",
        f"{name} is applied twice",
        [f"{last.key} is {name}, and {name_of(evidence.experiment.loss)} applies it itself."],
        "The second one makes the gradients small and keeps the loss above 0.",
        evidence.propose_layer(f"without {name}", [last], None),
    )


def detect_wrong_output(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a last layer that cannot output every value that the loss needs."""
    last = evidence.layer_rows[-1] if evidence.layer_rows else None
    if last is None or not isinstance(last.layer, (ReLU, Sigmoid, Tanh)):
        return
    is_number = evidence.task == "regression"
    is_score = evidence.task == "classification" and isinstance(
        equivalent_loss(evidence.experiment.loss), (CrossEntropy, Focal)
    )
    if not (is_number or is_score):
        return
    name, loss = type(last.layer).__name__, name_of(evidence.experiment.loss)
    ranges = {"ReLU": "values ≥ 0", "Sigmoid": "values from 0 to 1", "Tanh": "values from −1 to 1"}
    yield make_diagnosis(
        "output_does_not_fit",
        f"The network ends in {name}, which the loss does not expect",
        [f"{last.key} outputs only {ranges[name]}, but {loss} needs all numbers."],
        "Other values cannot be predicted.",
        evidence.propose_layer(f"without {name}", [last], None),
    )
