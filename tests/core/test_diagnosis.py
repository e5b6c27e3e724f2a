"""Each rule of the diagnosis on histories made by hand: it tells, and it keeps silent."""

from collections.abc import Callable, Iterable
from math import exp, nan
from typing import Any

import pytest

from tuilab.core.diagnosis.diagnosis import EXPLAINS, RULES, diagnose
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.experiment.experiment import Experiment, from_plain, live_changes, with_value
from tuilab.core.experiment.validation import problems
from tuilab.core.protocol.events import Finished, Started
from tuilab.core.run.run import Run
from tuilab.core.run.series import Series

STEPS = 400

MLP = ["Linear 16", "ReLU", "Linear 16", "ReLU", "Linear 2"]
DEEP = [*["Linear 8", "Sigmoid"] * 4, "Linear 2"]
NORMED = ["Linear 16", "BatchNorm1d", "ReLU", "Linear 2"]
DROPPED = ["Linear 16", "ReLU", "Dropout 0.8", "Linear 2"]

Values = Callable[[float], float] | float
"""A value for each part of the run, from 0 to 1, or always the same."""


def falling(part: float) -> float:
    """A loss as it should be."""
    return 0.7 * exp(-4 * part) + 0.02


def v_shaped(part: float) -> float:
    """A validation loss that turns up halfway."""
    return 0.7 - 0.8 * part if part < 0.5 else 0.3 + (part - 0.5)


def experiment(network: Iterable[str] = MLP, **tables: Any) -> Experiment:
    data = {"name": "moons", **tables.pop("data", {})}
    training = {"epochs": 40, **tables.pop("training", {})}
    return from_plain({"network": list(network), "data": data, "training": training, **tables})


def lived(of: Experiment, curves: dict[str, Values], done: float = 1.0) -> Run:
    """A run with a sound history, but for the curves that are given."""
    run, curves = Run(), dict(curves)
    repeated = curves.pop("repeated", 0.0)
    assert isinstance(repeated, float)
    counts = {"train": 320, "validation": 80, "test": 100}
    run.apply(Started("a", of, "cpu", 100, STEPS // of.training.epochs, counts, repeated=repeated))
    learning = [row for row in of.plan.rows if row.parameters]
    sound: dict[str, Values] = {
        "loss/train": falling,
        "loss/validation": lambda part: falling(part) + 0.02,
        "accuracy/train": 0.97,
        "accuracy/validation": 0.96,
        "majority/validation": 0.5,
        "worst_class/validation": 0.9,
        "lr": of.optimizer.lr,
    }
    for number, row in enumerate(learning, 1):
        name = f"{number} {type(row.layer).__name__}"
        sound |= {f"gradient/{name}": 0.5, f"update/{name}": 0.005, f"weight/{name}": 3.0}
    run.step = round(done * STEPS)
    for name, values in {**sound, **curves}.items():
        run.series[name] = Series()
        for step in range(10, run.step + 1, 10):
            y = values(step / STEPS) if callable(values) else values
            run.series[name].append(step, y)
    return run


def names(of: Experiment, curves: dict[str, Values], done: float = 1.0) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(lived(of, curves, done))]


def every(family: str, value: Values, layers: int = 3) -> dict[str, Values]:
    return {f"{family}/{number} Linear": value for number in range(1, layers + 1)}


RISING: dict[str, Values] = {"loss/train": lambda part: 0.7 + 9 * part}
STILL: dict[str, Values] = {
    "loss/train": 0.69, "loss/validation": 0.69, "accuracy/train": 0.5, "accuracy/validation": 0.5,
}  # fmt: skip
BY_HEART: dict[str, Values] = {"accuracy/validation": 0.5, "loss/validation": 1.2}
DEAD = "dead/ReLU after 1 Linear"
FLAT = "saturated/Tanh after 1 Linear"
TANH = ["Linear 16", "Tanh", "Linear 2"]
STRONG = {"name": "adamw", "lr": 0.01, "weight_decay": 10.0}
WEAK = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}
FRONT: dict[str, Values] = {**every("gradient", 1e-5, 2), **STILL}
GAN = experiment(
    [["G", "Linear 8", "ReLU", "Linear 2"], ["D", "Linear 8", "ReLU", "Linear 1"]],  # type: ignore[list-item]
    task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"},
)  # fmt: skip
RECURRENT = experiment(["RNN 8 nonlinearity=relu", "Linear 3"], data={"name": "waves"})
STATE, GROWTH = "state/State of 1 RNN", "growth/State of 1 RNN"
HELD = experiment(regularization={"l1": 0.5})
RARE: dict[str, Values] = {
    "majority/validation": 0.95, "accuracy/validation": 0.95, "worst_class/validation": 0.0,
}  # fmt: skip

Told = tuple[str, Experiment, dict[str, Values]]

TELLS: list[Told] = [
    ("loss_not_finite", experiment(), {"loss/train": lambda part: 0.7 if part < 0.5 else nan}),
    ("learning_rate_too_high", experiment(), RISING),
    ("learning_rate_too_high", experiment(), {**STILL, **every("update", 0.5)}),
    ("learning_rate_too_low", experiment(), {**STILL, **every("update", 1e-5)}),
    ("exploding_gradients", experiment(), {"gradient/2 Linear": 400.0}),
    ("vanishing_gradients", experiment(DEEP), FRONT),
    ("no_gradient", experiment(), {"gradient/1 Linear": 0.0}),
    ("clipping_every_step", experiment(training={"clip_grad_norm": 0.01}), {}),
    ("plateau", experiment(), {**STILL, **every("gradient", 0.01)}),
    ("dead_relus", experiment(), {DEAD: 0.7}),
    ("saturation", experiment(TANH), {FLAT: 0.9}),
    ("symmetric_initialization", experiment(initialization={"weights": "zeros"}), {}),
    ("no_nonlinearity", experiment(["Linear 8", "Linear 2"]), {}),
    ("softmax_before_cross_entropy", experiment([*MLP, "Softmax"]), {}),
    ("output_does_not_fit", experiment([*MLP, "ReLU"]), {}),
    ("overfitting", experiment(), {"loss/validation": v_shaped, "accuracy/validation": 0.88}),
    ("underfitting", experiment(["Linear 2"]), STILL),
    ("class_imbalance", experiment(), RARE),
    ("labels_shuffled", experiment(data={"label_noise": 0.5}), BY_HEART),
    ("inputs_not_normalised", experiment(data={"normalize": False}),
     {"input/mean": 1.0, "input/most": 300.0}),
    ("dropout_too_strong", experiment(DROPPED), {"loss/train": 0.6, "loss/validation": 0.4}),
    ("weight_decay_too_strong", experiment(optimizer=STRONG), STILL),
    ("weight_decay_too_strong", experiment(regularization={"l2": 0.5}), STILL),
    ("batch_too_small_for_batch_norm", experiment(NORMED, data={"batch_size": 3}), {}),
    ("batch_norm_gap", experiment(NORMED), {"loss/validation": 2.0}),
    ("validation_leaks", experiment(), {"repeated": 0.4}),
    ("mode_collapse", GAN, {"diversity/validation": 0.1}),
    ("mode_collapse", GAN, {"diversity/validation": 0.8, "modes/validation": 3.0,
                            "good/validation": 0.9}),
    ("exploding_state", RECURRENT, {STATE: 500.0, GROWTH: 40.0}),
    ("underfitting_by_regularization", HELD, {**STILL, **every("gradient", 3.0)}),
    ("underfitting_by_regularization", experiment(regularization={"max_norm": 0.05}),
     {**STILL, **every("weight", 0.3)}),
]  # fmt: skip
"""What is told of which experiment with which history."""

SILENT: list[Told] = [
    ("learning_rate_too_high", experiment(), {"loss/train": lambda part: 0.7 + part}),
    ("learning_rate_too_low", experiment(), {**STILL, **every("update", 1e-3)}),
    ("exploding_gradients", experiment(), {"gradient/2 Linear": 45.0}),
    ("vanishing_gradients", experiment(DEEP), {**STILL, **every("gradient", 2e-3, 2)}),
    ("no_gradient", experiment(), {"gradient/1 Linear": 1e-9}),
    ("no_gradient", experiment(["Linear 16 frozen=true", "ReLU", "Linear 2"]),
     {"gradient/1 Linear": 0.0}),
    ("clipping_every_step", experiment(training={"clip_grad_norm": 0.5}), {}),
    ("plateau", experiment(), {**STILL, **every("gradient", 0.1)}),
    ("dead_relus", experiment(), {DEAD: 0.5}),
    ("dead_relus", experiment(data={"batch_size": 8}), {DEAD: 0.9}),
    ("saturation", experiment(TANH), {FLAT: lambda part: part}),
    ("symmetric_initialization", experiment(["Linear 2"], initialization={"weights": "zeros"}), {}),
    ("no_nonlinearity", experiment(), {}),
    ("softmax_before_cross_entropy", experiment([*MLP, "LogSoftmax"]), {}),
    ("output_does_not_fit", experiment([*MLP, "Identity"]), {}),
    ("overfitting", experiment(), {"loss/validation": lambda part: max(0.3, 0.7 - part),
                                   "loss/train": lambda part: max(0.2, 0.6 - part)}),
    ("overfitting", experiment(), {"loss/validation": v_shaped}),
    ("underfitting", experiment(), STILL),
    ("class_imbalance", experiment(), {**RARE, "worst_class/validation": 0.5}),
    ("labels_shuffled", experiment(), {**BY_HEART, "accuracy/validation": 0.7}),
    ("inputs_not_normalised", experiment(data={"normalize": False}),
     {"input/mean": 1.0, "input/most": 3.0}),
    ("dropout_too_strong", experiment(DROPPED), {}),
    ("weight_decay_too_strong", experiment(optimizer=WEAK), STILL),
    ("batch_too_small_for_batch_norm", experiment(NORMED, data={"batch_size": 16}), {}),
    ("batch_norm_gap", experiment(NORMED), {}),
    ("validation_leaks", experiment(), {"repeated": 0.02}),
    ("mode_collapse", GAN, {"diversity/validation": 0.8, "modes/validation": 6.0,
                            "good/validation": 0.9}),
    ("exploding_state", RECURRENT, {STATE: 5.0, GROWTH: 40.0}),
    ("underfitting_by_regularization", HELD, {**STILL, **every("gradient", 30.0)}),
    ("underfitting_by_regularization", experiment(regularization={"max_norm": 3.0}),
     {**STILL, **every("weight", 0.3)}),
]  # fmt: skip
"""What is not told where it is just not so."""


@pytest.mark.parametrize(("name", "of", "curves"), TELLS, ids=[told[0] for told in TELLS])
def test_a_fault_is_told_with_its_evidence(
    name: str, of: Experiment, curves: dict[str, Values]
) -> None:
    found = {diagnosis.name: diagnosis for diagnosis in diagnose(lived(of, curves))}

    assert name in found
    told = found[name]
    assert 0 < told.confidence <= 1
    assert any(character.isdigit() for character in " ".join(told.evidence))
    assert len(told.points) <= 60


@pytest.mark.parametrize(("name", "of", "curves"), SILENT, ids=[told[0] for told in SILENT])
def test_just_below_nothing_is_told(name: str, of: Experiment, curves: dict[str, Values]) -> None:
    assert name not in names(of, curves)


@pytest.mark.parametrize(("name", "of", "curves"), TELLS, ids=[told[0] for told in TELLS])
def test_every_fix_can_be_made_and_undone(
    name: str, of: Experiment, curves: dict[str, Values]
) -> None:
    fixes = [fix for told in diagnose(lived(of, curves)) for fix in told.fixes]

    assert fixes or name == "validation_leaks"
    for fix in fixes:
        after = with_value(of, fix.key, fix.value)
        assert after != of
        assert not set(problems(after)) - set(problems(of))
        assert fix.live == (live_changes(of, after) is not None)


def test_a_sound_run_is_told_nothing() -> None:
    for done in (0.1, 0.5, 1.0):
        assert names(experiment(), {}, done) == []


def test_little_history_is_told_nothing() -> None:
    assert diagnose(Run()) == []
    assert names(experiment(), {**STILL, **every("update", 1e-5)}, done=0.05) == []


def test_every_rule_has_a_history_that_it_tells_and_one_it_does_not() -> None:
    told = {name for name, *_ in TELLS}

    assert len(told) == len(RULES)
    assert {name for name, *_ in SILENT} == told - {"loss_not_finite"}
    assert set(EXPLAINS) | {name for symptoms in EXPLAINS.values() for name in symptoms} <= told


def test_the_surest_comes_first() -> None:
    found = diagnose(lived(experiment([*MLP, "Softmax"]), {DEAD: 0.7, "loss/validation": v_shaped}))

    assert len(found) >= 2
    sure = [diagnosis.confidence for diagnosis in found]
    assert sure == sorted(sure, reverse=True)


def test_a_consequence_is_not_told_beside_its_cause() -> None:
    of = experiment(DEEP, initialization={"weights": "zeros"})

    assert names(of, FRONT) == ["symmetric_initialization"]


def test_the_gap_of_batch_norm_is_measured_where_the_run_has_ended() -> None:
    run = lived(experiment(NORMED), {})
    run.apply(Finished("a", "done", STEPS, 40, 1.0, {"train": {"loss": 2.0}}))

    (told,) = diagnose(run)
    assert (told.name, "on its training examples" in told.evidence[0]) == ("batch_norm_gap", True)


def test_a_rewound_or_failed_run_is_diagnosed_by_what_is_left() -> None:
    run = lived(experiment(), {**RISING})
    run._rewind(30)

    assert all(isinstance(told, Diagnosis) for told in diagnose(run))
