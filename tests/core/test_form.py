"""The form: one knob for all dropout, and how typed text is parsed."""

import pytest
from hypothesis import given

from tests.support.experiment_strategies import EXPERIMENTS
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import (
    DROPOUT,
    describe_choices,
    format_knob,
    get_knob_value,
    iter_form_knobs,
    parse_input,
    with_knob,
    with_stepped_knob,
)
from tuilab.core.experiment.knobs import Knob

DROPPING = Experiment(network=("Linear 8", "Dropout 0.2", ("Residual", "Dropout"), "Linear 2"))


def knob(experiment: Experiment, key: str) -> Knob:
    return next(knob for knob in iter_form_knobs(experiment) if knob.key == key)


def test_a_network_with_dropout_has_one_knob_for_it() -> None:
    dropout = knob(DROPPING, DROPOUT)

    assert (dropout.value, dropout.range, dropout.is_live) == (0.2, "0 ≤ … < 1", True)
    assert dropout.help == "Probability to drop a value, in all 2 Dropout lines of the network"
    assert DROPOUT not in [one.key for one in iter_form_knobs(Experiment(network=("Linear 2",)))]


def test_a_step_goes_to_the_next_round_value_of_one_knob() -> None:
    twice = with_stepped_knob(with_stepped_knob(DROPPING, "optimizer.lr", 1), "optimizer.lr", 1)

    assert twice.optimizer.lr == 5e-3
    assert (
        with_stepped_knob(with_stepped_knob(twice, "optimizer.lr", -1), "optimizer.lr", -1)
        == DROPPING
    )


def test_setting_dropout_changes_every_dropout_line() -> None:
    assert with_knob(DROPPING, DROPOUT, 0.4).network == (
        "Linear 8", "Dropout 0.4", ("Residual", "Dropout 0.4"), "Linear 2",
    )  # fmt: skip


@pytest.mark.parametrize("value", [1, -0.1, "much", float("nan"), "0.1 0.2"])
def test_a_value_that_is_not_a_probability_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        with_knob(DROPPING, DROPOUT, value)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("optimizer.lr", " 3e-4 ", 3e-4),
        ("optimizer.lr", ".5", 0.5),
        ("training.epochs", "1e3", 1000),
        ("training.epochs", "10 000", 10_000),
        ("training.epochs", "10,000", 10_000),
        ("optimizer.betas", "0.8, 0.9", [0.8, 0.9]),
        ("optimizer.betas", "[0.8, 0.9]", [0.8, 0.9]),
        ("data.normalize", "false", False),
        ("training.device", "cuda:1", "cuda:1"),
        ("training.device", "12", "12"),
    ],
)
def test_usual_notations_of_values_are_understood(key: str, text: str, value: object) -> None:
    assert parse_input(knob(Experiment(), key), text) == value
    with_knob(Experiment(), key, value)


@pytest.mark.parametrize(
    ("key", "text", "problem"),
    [
        ("optimizer.lr", "fast", "expected a number, got text"),
        ("optimizer.lr", "-1", "expected a number ≥ 0"),
        ("optimizer.lr", "nan", "expected a number ≥ 0"),
        ("data.batch_size", "1.5", "expected a whole number, got a fraction"),
        ("optimizer.betas", "0.9", "expected a list of length 2, got 1"),
        ("optimizer.betas", "0.9 0.8", "expected a list, got text"),
        ("training.epochs", "1,5", "expected a whole number, got text"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused(key: str, text: str, problem: str) -> None:
    with pytest.raises(InputError) as error:
        with_knob(Experiment(), key, parse_input(knob(Experiment(), key), text))

    assert error.value.problem == problem


@given(EXPERIMENTS)
def test_what_is_written_into_a_field_reads_back_as_the_value(experiment: Experiment) -> None:
    for one in iter_form_knobs(experiment):
        if one.kind in ("int", "float", "bool", "list"):
            assert (
                with_knob(experiment, one.key, parse_input(one, format_knob(one))) == experiment
            ), one.key


@given(EXPERIMENTS)
def test_every_choice_has_a_line_of_help(experiment: Experiment) -> None:
    for one in iter_form_knobs(experiment):
        for choice in one.choices:
            assert describe_choices(one)[choice], (one.key, choice)


def test_a_knob_that_another_experiment_lacks_has_no_value_there() -> None:
    assert get_knob_value(Experiment(), "optimizer.momentum") is None
    assert get_knob_value(Experiment(), DROPOUT) is None
    assert get_knob_value(DROPPING, DROPOUT) == 0.2
