"""Faults that only some networks can have: a generator without ideas, a state that grows."""

from collections.abc import Iterator

from tuilab.core.diagnosis.evidence import Curve, Evidence, late, part, points
from tuilab.core.diagnosis.finding import Diagnosis, Fix

LARGE = 30.0
"""A recurrent state of which most numbers are larger than this is no memory any more."""


def mode_collapse(seen: Evidence) -> Iterator[Diagnosis]:
    """The generator draws only some kinds of example, or always the same one."""
    spread, modes = seen.curve("diversity/validation"), seen.curve("modes/validation")
    if seen.task != "gan" or len(spread) < 4 or seen.done < 0.4:
        return
    diversity, count = late(spread), len(seen.experiment.data.classes)
    drawn, good = late(modes) if modes else 0.0, seen.curve("good/validation")
    is_narrow = diversity < 0.3
    most = max((y for _, y in part(modes, 0.5, 1.0)), default=0.0)
    has_none = seen.done > 0.6 and most <= count / 3
    leaves_out = bool(modes) and (has_none or (drawn <= count / 2 and late(good) > 0.5))
    if not (is_narrow or leaves_out):
        return
    said = [f"What it draws is spread {diversity:.0%} as far as the examples are."]
    if modes:
        said.insert(0, f"Of {count} clouds it draws {drawn:.0f}.")
    shown: tuple[Curve, str] = (modes, "clouds drawn") if leaves_out else (spread, "diversity")
    yield Diagnosis(
        "mode_collapse",
        "The generator draws too few kinds of example",
        said,
        "It has found what the discriminator takes for real and draws nothing else: the loss of "
        "either side does not show it.",
        0.9,
        _stronger_judge(seen) + seen.rate(0.3),
        points(shown[0]),
        shown[1],
    )


def _stronger_judge(seen: Evidence) -> list[Fix]:
    factor = getattr(seen.experiment.task, "discriminator_lr", 1.0)
    after = max(1.0, 2 * factor) if factor < 1 else 2 * factor
    return seen.fix(
        f"a discriminator that learns {after:g} times as fast", "task.discriminator_lr", after
    )


def exploding_state(seen: Evidence) -> Iterator[Diagnosis]:
    """The state of a recurrent net grows from position to position."""
    states = {name: late(c) for name, c in seen.family("state").items() if len(c) >= 4}
    if not states:
        return
    name, size = max(states.items(), key=lambda item: item[1])
    growth = late(seen.curve(f"growth/{name}"))
    if size < LARGE or growth < 3:
        return
    bent = {row.path: _tanh(row.text) for row in seen.rows if "nonlinearity=relu" in row.text}
    yield Diagnosis(
        "exploding_state",
        f"The {name[:1].lower()}{name[1:]} explodes along the sequence",
        [f"At the end of a sequence its numbers are {size:.3g} large, {growth:.3g} times as large "
         "as after the first position; about 1 is usual."],
        "Each position multiplies the state again: what was read drowns in it, and the gradient "
        "grows as fast on its way back.",
        0.95,
        (seen.lines("tanh for relu: it holds the state below 1", dict(bent)) if bent else [])
        + seen.fix("orthogonal weights", "initialization.weights", "orthogonal")
        + seen.fix("limit gradients to 1", "training.clip_grad_norm", 1.0),
        points(seen.curve(f"state/{name}")),
        f"{name[:1].lower()}{name[1:]}",
    )  # fmt: skip


def _tanh(text: str) -> str:
    return text.replace(" nonlinearity=relu", "")
