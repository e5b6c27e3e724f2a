"""Each rule of the diagnosis, on histories in which it applies and in which it does not."""

from collections.abc import Callable, Iterable
from math import exp, inf, nan
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuilab.core.diagnosis.confidence import CONFIDENCES
from tuilab.core.diagnosis.diagnosis import EXPLAINS, RULES, diagnose
from tuilab.core.diagnosis.finding import Diagnosis
from tuilab.core.experiment.experiment import (
    Experiment,
    experiment_from_dict,
    get_live_changes,
    with_value,
)
from tuilab.core.experiment.validation import find_errors
from tuilab.core.lessons.quantities import read_quantity
from tuilab.core.protocol.events import Failed, Finished, Started
from tuilab.core.protocol.records import TargetStats
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
    """A loss that decreases as usual."""
    return 0.7 * exp(-4 * part) + 0.02


def v_shaped(part: float) -> float:
    """A validation loss that rises in the second half."""
    return 0.7 - 0.8 * part if part < 0.5 else 0.3 + (part - 0.5)


def experiment(network: Iterable[str] = MLP, **tables: Any) -> Experiment:
    data = {"name": "moons", **tables.pop("data", {})}
    training = {"epochs": 40, **tables.pop("training", {})}
    return experiment_from_dict(
        {"network": list(network), "data": data, "training": training, **tables}
    )


def make_run(of: Experiment, curves: dict[str, Values], done: float = 1.0) -> Run:
    """Builds a run with a healthy history, except for the given curves."""
    run, curves = Run(), dict(curves)
    leakage, agreement = curves.pop("leakage", 0.0), curves.pop("agreement", 0.95)
    assert isinstance(leakage, float) and isinstance(agreement, float)
    targets = TargetStats(320, agreement, 0.5)
    if of.task.__struct_config__.tag == "regression":
        size = curves.pop("size", 1.0)
        assert isinstance(size, float)
        targets = TargetStats(320, agreement, 0.0, 0.0, size)
    counts = {"train": 320, "validation": 80, "test": 100}
    batches = STEPS // of.training.epochs
    run.apply(Started("a", of, "cpu", 100, batches, counts, leakage=leakage, targets=targets))
    trained = [row for row in of.plan.rows if row.parameters]
    healthy: dict[str, Values] = {
        "loss/train": falling,
        "loss/validation": lambda part: falling(part) + 0.02,
        "accuracy/train": 0.97,
        "accuracy/validation": 0.96,
        "majority/validation": 0.5,
        "worst_class/validation": 0.9,
        "lr": of.optimizer.lr,
    }
    for number, row in enumerate(trained, 1):
        name = f"{number} {type(row.layer).__name__}"
        healthy |= {f"gradient/{name}": 0.5, f"update/{name}": 0.005, f"weight/{name}": 3.0}
    run.step = round(done * STEPS)
    for name, values in {**healthy, **curves}.items():
        run.series[name] = Series()
        for step in [1, *range(10, run.step + 1, 10)]:
            y = values(step / STEPS) if callable(values) else values
            run.series[name].append(step, y)
    return run


def sgd(**options: Any) -> dict[str, Any]:
    return {"name": "sgd", **options}


def language_model(lines: Iterable[str]) -> Experiment:
    """A language model of Python's library."""
    data = {"name": "python_source", "size": 20, "length": 8}
    return experiment(["Embedding 8", *lines, "Linear 95"], task={"name": "language_model"},
                      data=data)  # fmt: skip


def names(of: Experiment, curves: dict[str, Values], done: float = 1.0) -> list[str]:
    return [diagnosis.name for diagnosis in diagnose(make_run(of, curves, done))]


def every(family: str, value: Values, layers: int = 3) -> dict[str, Values]:
    return {f"{family}/{number} Linear": value for number in range(1, layers + 1)}


POOR: dict[str, Values] = {
    "accuracy/train": 0.7, "accuracy/validation": 0.68, "loss/validation": 0.5,
    "loss/train": lambda part: max(0.4, 0.7 - part),
}  # fmt: skip
"""A network that has learned something, but not well."""

RISING: dict[str, Values] = {**POOR, "loss/train": lambda part: 0.7 + 9 * part}
NOT_LEARNING: dict[str, Values] = {
    "loss/train": 0.69, "loss/validation": 0.69, "accuracy/train": 0.5, "accuracy/validation": 0.5,
}  # fmt: skip
MEMORIZED: dict[str, Values] = {"accuracy/validation": 0.5, "loss/validation": 1.2}
DEAD = "dead/ReLU after 1 Linear"
SATURATED = "saturated/Tanh after 1 Linear"
TANH = ["Linear 16", "Tanh", "Linear 2"]
STRONG = {"name": "adamw", "lr": 0.01, "weight_decay": 10.0}
WEAK = {"name": "adamw", "lr": 0.01, "weight_decay": 0.1}
VANISHING: dict[str, Values] = {**every("gradient", 1e-5, 2), **NOT_LEARNING}
GAN = experiment(
    [["G", "Linear 8", "ReLU", "Linear 2"], ["D", "Linear 8", "ReLU", "Linear 1"]],  # type: ignore[list-item]
    task={"name": "gan"}, loss={"name": "bce"}, data={"name": "gaussians_ring"},
)  # fmt: skip
RECURRENT = experiment(["RNN 8 nonlinearity=relu", "Linear 3"], data={"name": "waves"})
STATE, GROWTH = "state/State of 1 RNN", "growth/State of 1 RNN"
ATTENTION = ["TransformerEncoderLayer 2"]
ADDING: dict[str, Any] = {"data": {"name": "adding", "length": 40}, "task": "regression",
                          "loss": {"name": "mse"}}  # fmt: skip
REGRESSION = experiment(["Linear 8", "ReLU", "Linear 1"], task="regression",
                        loss={"name": "mse"}, data={"name": "plane"})  # fmt: skip
UNEXPLAINED: dict[str, Values] = {
    "r2/train": 0.1,
    "r2/validation": 0.1,
    "loss/train": 1.0,
    "loss/validation": 1.0,
}
HALVES: Any = [
    ["Encoder", "Flatten", "Linear 8", "Reparameterization"],
    ["Decoder", "Linear 784", "Unflatten (1,28,28)"],
]
VARIATIONAL = experiment(
    HALVES,
    task={"name": "autoencoder", "beta": 50.0}, loss={"name": "mse"}, data={"name": "glyphs"},
)  # fmt: skip
PENALIZED = experiment(regularization={"l1": 0.5})
IMBALANCED: dict[str, Values] = {
    "majority/validation": 0.95, "accuracy/validation": 0.95, "worst_class/validation": 0.0,
}  # fmt: skip

LINEAR_FIT = experiment(
    ["Linear 1"],
    task={"name": "regression"}, loss={"name": "mse"}, data={"name": "plane"},
    optimizer=sgd(lr=0.5),
)  # fmt: skip
FITTED_AT_ONCE: dict[str, Values] = {
    "loss/train": lambda part: 0.49 if part > 0.01 else 1.9,
    "loss/validation": 0.49,
    "r2/train": 0.51,
    "r2/validation": 0.5,
    **every("update", lambda part: 1e-6 if part > 0.01 else 1.7, 1),
    **every("gradient", lambda part: 1e-6 if part > 0.01 else 1.0, 1),
}
"""A linear fit of noisy targets, whose first step lands on the minimum."""

SOLVED_AT_ONCE: dict[str, Values] = {
    **FITTED_AT_ONCE,
    "loss/train": lambda part: 1e-15 if part > 0.01 else 0.5,
    "loss/validation": 1e-15,
    "r2/train": 1.0,
    "r2/validation": 1.0,
}

Case = tuple[str, Experiment, dict[str, Values]]

FAULTY: list[Case] = [
    ("loss_not_finite", experiment(), {"loss/train": lambda part: 0.7 if part < 0.5 else nan}),
    ("learning_rate_too_high", experiment(), RISING),
    ("learning_rate_too_high", experiment(), {**NOT_LEARNING, **every("update", 0.5)}),
    ("learning_rate_too_low", experiment(), {**NOT_LEARNING, **every("update", 1e-5)}),
    ("learning_rate_too_low", experiment(optimizer={"name": "adam", "lr": 1e-12}),
     {**NOT_LEARNING, **every("update", 0.0)}),
    ("learning_rate_too_low", experiment(optimizer=sgd(lr=0.0)),
     {**NOT_LEARNING, **every("update", 0.0)}),
    ("exploding_gradients", experiment(), {**POOR, "gradient/2 Linear": 400.0}),
    ("exploding_gradients", experiment(), {**POOR, "weight/2 Linear": 80.0}),
    ("vanishing_gradients", experiment(DEEP), VANISHING),
    ("no_gradient", experiment(), {"gradient/1 Linear": 0.0}),
    ("clipping_every_step", experiment(training={"clip_grad_norm": 0.01}), {}),
    ("plateau", experiment(), {**NOT_LEARNING, **every("gradient", 0.01)}),
    ("dead_relus", experiment(), {**POOR, DEAD: 0.7}),
    ("saturation", experiment(TANH), {**POOR, SATURATED: 0.9}),
    ("symmetric_initialization", experiment(initialization={"weights": "zeros"}), {}),
    ("no_nonlinearity", experiment(["Linear 8", "Linear 2"]), {}),
    ("softmax_before_cross_entropy", experiment([*MLP, "Softmax"]), {}),
    ("output_does_not_fit", experiment([*MLP, "ReLU"]), {}),
    ("overfitting", experiment(), {"loss/validation": v_shaped, "accuracy/validation": 0.88}),
    ("underfitting", experiment(["Linear 2"]), NOT_LEARNING),
    ("class_imbalance", experiment(), IMBALANCED),
    ("labels_shuffled", experiment(data={"label_noise": 0.5}), {**MEMORIZED, "agreement": 0.52}),
    ("inputs_not_normalized", experiment(data={"normalize": False}),
     {**POOR, "input/max_abs_mean": 1.0, "input/max_std": 300.0}),
    ("dropout_too_strong", experiment(DROPPED), {"loss/train": 0.6, "loss/validation": 0.4}),
    ("weight_decay_too_strong", experiment(optimizer=STRONG), NOT_LEARNING),
    ("weight_decay_too_strong", experiment(regularization={"l2": 0.5}), NOT_LEARNING),
    ("batch_too_small_for_batch_norm", experiment(NORMED, data={"batch_size": 3}), {}),
    ("batch_norm_gap", experiment(NORMED), {"loss/validation": 2.0}),
    ("validation_leaks", experiment(), {"leakage": 0.4}),
    ("mode_collapse", GAN, {"diversity/validation": 0.1}),
    ("mode_collapse", GAN, {"diversity/validation": 0.8, "modes/validation": 3.0,
                            "high_quality/validation": 0.9}),
    ("exploding_state", RECURRENT, {STATE: 500.0, GROWTH: 40.0}),
    ("underfitting_by_regularization", PENALIZED, {**NOT_LEARNING, **every("gradient", 3.0)}),
    ("underfitting_by_regularization", experiment(regularization={"max_norm": 0.05}),
     {**NOT_LEARNING, **every("weight", 0.3)}),
    ("posterior_collapse", VARIATIONAL, {"kl/train": 0.01, "explained_variance/validation": 0.02}),
    ("targets_not_normalized", REGRESSION, {**UNEXPLAINED, "size": 900.0}),
    ("momentum_too_high", experiment(optimizer=sgd(momentum=0.995)), POOR),
    ("batch_too_small", experiment(data={"batch_size": 1}), {**POOR, **every("update", 0.05)}),
    ("schedule_ends_early", experiment(), {**POOR, "lr": lambda part: 0.1 if part < 0.2 else 1e-5}),
    ("answer_is_visible", language_model(ATTENTION), {"perplexity/validation": 1.1}),
    ("no_positions", experiment(["PatchEmbedding 7 8", *ATTENTION, "MeanOverPositions",
                                 "Linear 10"], data={"name": "glyphs"}), POOR),
    ("over_smoothing", experiment(["GraphConvolution 8"] * 5 + ["GraphConvolution 2"],
                                  data={"name": "karate"}), POOR),
    ("memory_too_short", experiment(["RNN 8", "Linear 1"], **ADDING), UNEXPLAINED),
    ("frozen_layers", experiment(["Linear 16 frozen=true", "ReLU", "Linear 2"]), POOR),
]  # fmt: skip
"""Experiments and histories with the name of their problem."""

HEALTHY: list[Case] = [
    ("learning_rate_too_high", experiment(), {"loss/train": lambda part: 0.7 + part}),
    ("learning_rate_too_high", experiment(), {"loss/train": lambda part: 0.7 + 9 * part}),
    ("learning_rate_too_low", experiment(), {**NOT_LEARNING, **every("update", 1e-3)}),
    ("learning_rate_too_low", experiment(),
     {**NOT_LEARNING, **every("update", 0.0), **every("gradient", 0.0)}),
    ("exploding_gradients", experiment(), {**POOR, "gradient/2 Linear": 45.0}),
    ("exploding_gradients", experiment(), {"gradient/2 Linear": 400.0}),
    ("exploding_gradients", REGRESSION,
     {**UNEXPLAINED, "size": 15.0, "gradient/2 Linear": 9000.0}),
    ("exploding_gradients", experiment(),
     {**POOR, "gradient/2 Linear": lambda part: 400.0 if part > 0.02 else 1.0}),
    ("vanishing_gradients", experiment(DEEP), {**NOT_LEARNING, **every("gradient", 2e-3, 2)}),
    ("no_gradient", experiment(), {"gradient/1 Linear": 1e-9}),
    ("no_gradient", experiment(["Linear 16 frozen=true", "ReLU", "Linear 2"]),
     {"gradient/1 Linear": 0.0}),
    ("clipping_every_step", experiment(training={"clip_grad_norm": 0.5}), {}),
    ("plateau", experiment(), {**NOT_LEARNING, **every("gradient", 0.1)}),
    ("plateau", LINEAR_FIT, FITTED_AT_ONCE),
    ("plateau", LINEAR_FIT, SOLVED_AT_ONCE),
    ("learning_rate_too_high", LINEAR_FIT, FITTED_AT_ONCE),
    ("learning_rate_too_high", LINEAR_FIT, SOLVED_AT_ONCE),
    ("dead_relus", experiment(), {**POOR, DEAD: 0.5}),
    ("dead_relus", experiment(), {DEAD: 0.9}),
    ("dead_relus", experiment(), {**RISING, DEAD: 0.9}),
    ("dead_relus", experiment(data={"batch_size": 8}), {DEAD: 0.9}),
    ("saturation", experiment(TANH), {SATURATED: lambda part: part}),
    ("symmetric_initialization", experiment(["Linear 2"], initialization={"weights": "zeros"}), {}),
    ("no_nonlinearity", experiment(), {}),
    ("softmax_before_cross_entropy", experiment([*MLP, "LogSoftmax"]), {}),
    ("output_does_not_fit", experiment([*MLP, "Identity"]), {}),
    ("overfitting", experiment(), {"loss/validation": lambda part: max(0.3, 0.7 - part),
                                   "loss/train": lambda part: max(0.2, 0.6 - part)}),
    ("overfitting", experiment(), {"loss/validation": v_shaped}),
    ("underfitting", experiment(), NOT_LEARNING),
    ("class_imbalance", experiment(), {**IMBALANCED, "worst_class/validation": 0.5}),
    ("labels_shuffled", experiment(), MEMORIZED),
    ("inputs_not_normalized", experiment(data={"normalize": False}),
     {"input/max_abs_mean": 1.0, "input/max_std": 3.0}),
    ("dropout_too_strong", experiment(DROPPED), {}),
    ("weight_decay_too_strong", experiment(optimizer=WEAK), NOT_LEARNING),
    ("batch_too_small_for_batch_norm", experiment(NORMED, data={"batch_size": 16}), {}),
    ("batch_norm_gap", experiment(NORMED), {}),
    ("validation_leaks", experiment(), {"leakage": 0.02}),
    ("mode_collapse", GAN, {"diversity/validation": 0.8, "modes/validation": 6.0,
                            "high_quality/validation": 0.9}),
    ("exploding_state", RECURRENT, {STATE: 5.0, GROWTH: 40.0}),
    ("underfitting_by_regularization", PENALIZED, {**NOT_LEARNING, **every("gradient", 30.0)}),
    ("underfitting_by_regularization", experiment(regularization={"max_norm": 3.0}),
     {**NOT_LEARNING, **every("weight", 0.3)}),
    ("posterior_collapse", VARIATIONAL, {"kl/train": 9.0, "explained_variance/validation": 0.02}),
    ("targets_not_normalized", REGRESSION, {**UNEXPLAINED, "size": 9.0}),
    ("momentum_too_high", experiment(optimizer=sgd(momentum=0.9)), POOR),
    ("batch_too_small", experiment(data={"batch_size": 1}), {**every("update", 0.05)}),
    ("schedule_ends_early", experiment(), {**POOR, "lr": lambda part: 0.1 if part < 0.8 else 1e-5}),
    ("answer_is_visible", language_model(["DecoderBlock 4"]), {"perplexity/validation": 1.1}),
    ("no_positions", experiment(["PatchEmbedding 7 8", "PositionalEncoding", *ATTENTION,
                                 "MeanOverPositions", "Linear 10"], data={"name": "glyphs"}), POOR),
    ("over_smoothing", experiment(["GraphConvolution 8", "GraphConvolution 2"],
                                  data={"name": "karate"}), POOR),
    ("memory_too_short", experiment(["LSTM 8", "Linear 1"], **ADDING), UNEXPLAINED),
    ("frozen_layers", experiment(["Linear 16 frozen=true", "ReLU", "Linear 2"]), {}),
]  # fmt: skip
"""Experiments and histories in which a problem is just not present."""


@pytest.mark.parametrize(("name", "of", "curves"), FAULTY, ids=[case[0] for case in FAULTY])
def test_a_problem_is_found_with_its_evidence(
    name: str, of: Experiment, curves: dict[str, Values]
) -> None:
    diagnoses = {diagnosis.name: diagnosis for diagnosis in diagnose(make_run(of, curves))}

    assert name in diagnoses
    diagnosis = diagnoses[name]
    assert 0 < diagnosis.confidence <= 1
    assert any(character.isdigit() for character in " ".join(diagnosis.evidence))
    assert len(diagnosis.curve_points) <= 60


@pytest.mark.parametrize(("name", "of", "curves"), HEALTHY, ids=[case[0] for case in HEALTHY])
def test_nothing_is_found_just_below_a_threshold(
    name: str, of: Experiment, curves: dict[str, Values]
) -> None:
    assert name not in names(of, curves)


@pytest.mark.parametrize(("curves", "course"), [
    (RISING, " rose to "),
    ({**NOT_LEARNING, **every("update", 0.5)}, " never rose above that;"),
])  # fmt: skip
def test_a_loss_is_only_said_to_have_risen_if_it_has(
    curves: dict[str, Values], course: str
) -> None:
    diagnoses = {
        diagnosis.name: diagnosis for diagnosis in diagnose(make_run(experiment(), curves))
    }

    assert course in diagnoses["learning_rate_too_high"].evidence[0]


WITHOUT_FIX = ("validation_leaks", "loss_not_finite")
"""No change of a knob is known to mend them; of the second, unless something had grown before."""


@pytest.mark.parametrize(
    ("before", "has_grown", "is_blamed"),
    [
        (lambda part: 0.7, None, False),
        (lambda part: 0.7, False, False),
        (lambda part: 0.7, True, True),
        (lambda part: 0.7 * 10 ** (8 * part), None, True),
        (lambda part: 0.7 * 10 ** (8 * part), False, False),
    ],
)
def test_the_rate_is_to_blame_for_a_nan_only_after_growth(
    before: Callable[[float], float], has_grown: bool | None, is_blamed: bool
) -> None:
    run = make_run(experiment(), {"loss/train": lambda p: before(p) if p < 0.5 else nan})
    run.apply(Failed(run.id, "The loss became NaN", detail="At step 9", has_grown=has_grown))

    diagnoses = {diagnosis.name: diagnosis for diagnosis in diagnose(run)}

    assert is_blamed or "learning_rate_too_high" not in diagnoses
    keys = {fix.key for fix in diagnoses["loss_not_finite"].fixes}
    assert keys == ({"optimizer.lr", "training.clip_grad_norm"} if is_blamed else set())
    assert (
        any("nothing points" in line for line in diagnoses["loss_not_finite"].evidence) != is_blamed
    )


@pytest.mark.parametrize(("name", "of", "curves"), FAULTY, ids=[case[0] for case in FAULTY])
def test_every_fix_is_a_valid_change(name: str, of: Experiment, curves: dict[str, Values]) -> None:
    fixes = [fix for diagnosis in diagnose(make_run(of, curves)) for fix in diagnosis.fixes]

    assert fixes or name in WITHOUT_FIX
    for fix in fixes:
        after = with_value(of, fix.key, fix.value)
        assert after != of
        assert not set(find_errors(after)) - set(find_errors(of))
        assert fix.is_live == (get_live_changes(of, after) is not None)


@pytest.mark.parametrize(
    ("update", "last_loss", "explanation"),
    [
        (1e-5, 0.69, "ends close to its initial weights"),
        (1e-3, 0.69, "steps are too small to lower the loss"),
        (1e-3, 0.50, "the loss decreases too slowly"),
        (1e-5, 0.50, "the loss decreases too slowly"),
    ],
)
def test_what_is_said_of_a_low_rate_follows_from_how_far_loss_and_weights_have_come(
    update: float, last_loss: float, explanation: str
) -> None:
    of = experiment(optimizer={"name": "adamw", "lr": 1e-5})
    loss: Values = lambda part: 0.69 + part * (last_loss - 0.69)  # noqa: E731
    curves: dict[str, Values] = {**NOT_LEARNING, "loss/train": loss, **every("update", update)}

    (diagnosis,) = diagnose(make_run(of, curves))

    assert diagnosis.name == "learning_rate_too_low"
    assert explanation in diagnosis.explanation


@pytest.mark.parametrize("optimizer", ["adamw", "sgd", "adadelta"])
@pytest.mark.parametrize("rate", [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0])
def test_no_diagnosis_proposes_a_value_twice(optimizer: str, rate: float) -> None:
    of = experiment(optimizer={"name": optimizer, "lr": rate})
    slow, fast = every("update", rate / 1000), every("update", 0.5)

    for curves in ({**NOT_LEARNING, **slow}, {**NOT_LEARNING, **fast}, POOR):
        for diagnosis in diagnose(make_run(of, curves)):
            values = [(fix.key, repr(fix.value)) for fix in diagnosis.fixes]
            assert len(set(values)) == len(values), diagnosis.name


def test_a_healthy_run_has_no_problems() -> None:
    for done in (0.1, 0.5, 1.0):
        assert names(experiment(), {}, done) == []


def test_a_lesson_can_name_a_problem_by_its_old_spelling() -> None:
    raw: dict[str, Values] = {**POOR, "input/max_abs_mean": 1.0, "input/max_std": 300.0}
    run = make_run(experiment(data={"normalize": False}), raw)

    for name in ("inputs_not_normalized", "inputs_not_normalised"):
        assert read_quantity(f"finding {name}", run) == 1.0


def test_a_short_history_has_no_problems() -> None:
    assert diagnose(Run()) == []
    assert names(experiment(), {**NOT_LEARNING, **every("update", 1e-5)}, done=0.05) == []


@settings(max_examples=200)
@given(st.sampled_from(FAULTY + HEALTHY), st.floats(0, 1), st.randoms(use_true_random=False))
def test_a_history_with_holes_can_be_diagnosed(
    case: tuple[str, Experiment, dict[str, Values]], done: float, random: Random
) -> None:
    _, of, curves = case
    run = make_run(of, curves, done)
    for name in list(run.series):
        match random.randrange(5):
            case 0:
                del run.series[name]
            case 1:
                run.series[name] = Series()
            case 2:
                run.series[name].truncate(random.randrange(STEPS))
            case 3:
                run.series[name].append(run.step + 1, random.choice([nan, inf, 0.0, -1.0, 1e30]))
    if random.random() < 0.3:
        run.started = None
    run.experiment = of

    for diagnosis in diagnose(run):
        assert 0 < diagnosis.confidence <= 1


def test_every_rule_has_a_faulty_and_a_healthy_history() -> None:
    known = {name for name, *_ in FAULTY}

    assert len(known) == len(RULES)
    assert set(CONFIDENCES) == known
    assert {name for name, *_ in HEALTHY} == known - {"loss_not_finite"}
    assert set(EXPLAINS) | {name for symptoms in EXPLAINS.values() for name in symptoms} <= known


def test_the_surest_comes_first() -> None:
    diagnoses = diagnose(
        make_run(
            experiment([*MLP, "Softmax"]),
            {**POOR, "loss/validation": v_shaped, "loss/train": falling},
        )
    )

    assert len(diagnoses) >= 2
    confidences = [diagnosis.confidence for diagnosis in diagnoses]
    assert confidences == sorted(confidences, reverse=True)


def test_a_symptom_is_not_reported_with_its_cause() -> None:
    of = experiment(DEEP, initialization={"weights": "zeros"})

    assert names(of, VANISHING) == ["symmetric_initialization"]


def test_the_gap_of_batch_norm_is_measured_at_the_end_of_the_run() -> None:
    run = make_run(experiment(NORMED), {})
    run.apply(Finished("a", "done", STEPS, 40, 1.0, {"train": {"loss": 2.0}}))

    (diagnosis,) = diagnose(run)
    assert diagnosis.name == "batch_norm_gap"
    assert "on the training examples" in diagnosis.evidence[0]


def test_a_rewound_run_is_diagnosed_by_its_remaining_history() -> None:
    run = make_run(experiment(), {**RISING})
    run._rewind(30)

    assert all(isinstance(diagnosis, Diagnosis) for diagnosis in diagnose(run))
