"""The runs of the experiments that were drawn, and which of them count.

A sound experiment counts if its validation score is good and its validation loss is not far above
its best; a short one if the same experiment is sound when it runs to its end. A broken one counts
if its sound original does, and the fault does harm: the score falls, the loss rises, or the run
fails. Only repeated rows do harm that no score shows, so they always count. The diagnosis is never
asked.
"""

from collections.abc import Collection, Iterator
from math import isfinite

from tests.bench.generated_experiments import Drawn, Half, draw
from tests.bench.train_to_end import Trained, train_all
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.run.run import Run

MIN_SKILL = 0.6
"""Of a sound experiment; 0 is a constant prediction, 1 a perfect one."""

MIN_SKILLS = {"autoencoder": 0.3, "copy": 0.4, "source code": 0.15, "sentences": 0.15}
"""The same for kinds whose best score is lower."""

MAX_RISE = 1.3
"""Of the validation loss of a sound experiment above its best."""

HARM = 0.1
"""How much a fault lowers the skill at least."""

UNSEEN_BY_SCORES = ("short", "repeated rows", "visible answer")
"""What makes no validation score worse, and two of these far better."""

LOSS_HARM = 0.2
"""Or which part of the decrease of the loss is lost."""


def measure_skill(run: Run) -> float:
    """Returns the validation score: 0 for a constant prediction, 1 for a perfect one."""
    if run.failure is not None or run.finished is None:
        return -1.0
    scores = run.finished.results.get("validation", {})
    if "perplexity" in scores:
        best = max(y for _, y, *_ in run.series["perplexity/train"].points()[:3])
        return 1 - scores["perplexity"] / best if isfinite(scores["perplexity"]) else -1.0
    if "modes" in scores and run.experiment is not None:
        count = len(run.experiment.data.classes)
        return min(scores["modes"] / count, scores["high_quality"] + 0.2)
    if "accuracy" in scores:
        share = scores.get("majority", 0.0)
        return (scores["accuracy"] - share) / max(1 - share, 0.02)
    return scores.get("r2", scores.get("explained_variance", 0.0))


def is_sound(case: Drawn, run: Run) -> bool:
    """Returns whether a run without a fault has learned well."""
    if measure_skill(run) < MIN_SKILLS.get(case.kind, MIN_SKILL) or run.finished is None:
        return False
    losses = [y for _, y, *_ in run.series["loss/validation"].points()]
    now = run.finished.results["validation"]["loss"]
    return "modes/validation" in run.series or now <= MAX_RISE * min(losses) + 0.02


def does_harm(sound: Run, broken: Run) -> bool:
    """Returns whether a fault makes the result of an experiment clearly worse."""
    if broken.failure is not None or broken.finished is None or sound.finished is None:
        return True
    if measure_skill(broken) < measure_skill(sound) - HARM:
        return True
    if "modes/validation" in sound.series:  # the losses of a GAN say nothing
        return False
    best, now = (run.finished.results["validation"]["loss"] for run in (sound, broken)
                 if run.finished)  # fmt: skip
    first = sound.series["loss/train"].points()[0][1]
    return now - best > LOSS_HARM * abs(first - best)


def judge(half: Half, kinds: Collection[str] = ()) -> Iterator[tuple[Drawn, Trained]]:
    """Yields the runs of a half that count, of some kinds or of all."""
    for group in draw(half):
        if not kinds or group[0].kind in kinds:
            yield from _judge_group(group)


def _judge_group(group: list[Drawn]) -> Iterator[tuple[Drawn, Trained]]:
    """Yields the runs that count of a sound experiment and those made from it."""
    original, *others = group
    ((_, sound),) = train_all([(original, experiment_from_dict(original.tables))])
    if not is_sound(original, sound.run):
        return
    yield original, sound
    for case in others:
        try:
            ((_, broken),) = train_all([(case, experiment_from_dict(case.tables))])
        except InputError:
            continue
        if case.fault in UNSEEN_BY_SCORES or does_harm(sound.run, broken.run):
            yield case, broken
