"""Faults of some tasks only: mode collapse of a GAN, an exploding recurrent state."""

from collections.abc import Iterator

from tuilab.core.catalogue.layers.dropout import Reparameterization
from tuilab.core.diagnosis.confidence import make_diagnosis
from tuilab.core.diagnosis.evidence import Evidence, chart, late_median, slice_curve
from tuilab.core.diagnosis.finding import Diagnosis, Fix
from tuilab.core.format import format_count, format_number, format_percent

MIN_KL, MIN_BETA = 2.0, 2.0
"""Nats for an example with which a code says little, and the weight from which on it is why."""

MAX_STATE = 30.0
"""A recurrent state with a larger root mean square is not useful any more."""


def detect_mode_collapse(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a generator that produces only some kinds of examples."""
    diversities = evidence.get_curve("diversity/validation")
    modes = evidence.get_curve("modes/validation")
    if evidence.task != "gan" or len(diversities) < 4 or evidence.progress < 0.4:
        return
    diversity, count = late_median(diversities), len(evidence.experiment.data.classes)
    generated = late_median(modes) if modes else 0.0
    quality = evidence.get_curve("high_quality/validation")
    is_narrow = diversity < 0.3
    max_modes = max((y for _, y in slice_curve(modes, 0.5, 1.0)), default=0.0)
    has_few = evidence.progress > 0.6 and max_modes <= count / 3
    misses = bool(modes) and (has_few or (generated <= count / 2 and late_median(quality) > 0.5))
    if not (is_narrow or misses):
        return
    sentences = [
        f"The standard deviation of its samples is {format_percent(diversity)} of that of the "
        "examples."
    ]
    if modes:
        sentences.insert(0, f"It generates {format_count(round(generated))} of {count} clouds.")
    yield make_diagnosis(
        "mode_collapse",
        "The generator produces too few kinds of examples",
        sentences,
        "It produces only what the discriminator takes for real; the losses do not show it.",
        _propose_stronger_discriminator(evidence) + evidence.propose_rates(0.3),
        *chart(modes if misses else diversities, "generated clouds" if misses else "diversity"),
    )


def _propose_stronger_discriminator(evidence: Evidence) -> list[Fix]:
    factor = getattr(evidence.experiment.task, "discriminator_lr", 1.0)
    new = max(1.0, 2 * factor) if factor < 1 else 2 * factor
    label = f"{format_number(new)} times the learning rate for the discriminator"
    return evidence.propose(label, "task.discriminator_lr", new)


def detect_posterior_collapse(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a variational autoencoder whose codes say nothing about their inputs."""
    rows, terms = evidence.find_layers(Reparameterization), evidence.get_curve("kl/train")
    skill = evidence.skill
    if not rows or len(terms) < 4 or skill is None or evidence.is_short:
        return
    kl, beta = late_median(terms), getattr(evidence.experiment.task, "beta", 1.0)
    if kl > MIN_KL or skill > 0.4 or beta < MIN_BETA:
        return
    yield make_diagnosis(
        "posterior_collapse",
        "The codes say next to nothing about the inputs",
        [
            f"The KL term is {format_number(kl, 2)} nats for an example: nearly all codes "
            "have the same distribution.",
            f"{format_percent(max(skill, 0))} of the variance of the inputs is explained; beta is "
            f"{format_number(beta)}.",
        ],
        "The decoder then gives the same output for every input (posterior collapse).",
        evidence.propose(f"beta {format_number(beta / 100)}", "task.beta", beta / 100),
        *chart(terms, "KL term"),
    )


def detect_exploding_state(evidence: Evidence) -> Iterator[Diagnosis]:
    """Detects a recurrent state that grows from position to position."""
    curves = evidence.get_layer_curves("state", min_points=4)
    states = {name: late_median(curve) for name, curve in curves.items()}
    if not states:
        return
    name, size = max(states.items(), key=lambda item: item[1])
    growth = late_median(evidence.get_curve(f"growth/{name}"))
    if size < MAX_STATE or growth < 3:
        return
    relu = " nonlinearity=relu"
    tanh = {r.path: r.text.replace(relu, "") for r in evidence.layer_rows if relu in r.text}
    label = f"{name[:1].lower()}{name[1:]}"
    yield make_diagnosis(
        "exploding_state",
        f"The {label} explodes along the sequence",
        [
            f"At the end of a sequence its root mean square is {format_number(size, 3)}, "
            f"{format_number(growth, 3)} times as large as after the first position; about 1 is "
            "usual."
        ],
        "Each position multiplies the state again, and the gradient in the backward pass as well.",
        evidence.propose_lines("tanh instead of relu", tanh)
        + evidence.propose("orthogonal initialization", "initialization.weights", "orthogonal")
        + evidence.propose_clipping(),
        *chart(evidence.get_curve(f"state/{name}"), label),
    )
