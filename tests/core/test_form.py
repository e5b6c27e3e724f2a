"""The form: dropout as one knob, and what typed texts stand for."""

from typing import Any

import pytest
from hypothesis import given

from tests.support.experiments import EXPERIMENTS
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.experiment.form import (
    DROPOUT,
    form,
    helps,
    nudged,
    read,
    turned,
    value_of,
    written,
)
from tuilab.core.experiment.knobs import Knob

DROPPING = Experiment(network=("Linear 8", "Dropout 0.2", ("Residual", "Dropout"), "Linear 2"))


def knob(experiment: Experiment, key: str) -> Knob:
    return next(knob for knob in form(experiment) if knob.key == key)


def test_a_network_with_dropout_has_one_knob_for_it() -> None:
    dropout = knob(DROPPING, DROPOUT)

    assert (dropout.value, dropout.range, dropout.live) == (0.2, "0 ≤ … < 1", True)
    assert dropout.help == "Chance of a value to be dropped, in all 2 Dropout lines of the network"
    assert DROPOUT not in [one.key for one in form(Experiment(network=("Linear 2",)))]


def test_a_nudge_is_one_round_step_of_one_knob() -> None:
    twice = nudged(nudged(DROPPING, "optimizer.lr", 1), "optimizer.lr", 1)

    assert twice.optimizer.lr == 5e-3
    assert nudged(nudged(twice, "optimizer.lr", -1), "optimizer.lr", -1) == DROPPING


def test_turning_dropout_changes_every_dropout_line() -> None:
    assert turned(DROPPING, DROPOUT, 0.4).network == (
        "Linear 8", "Dropout 0.4", ("Residual", "Dropout 0.4"), "Linear 2",
    )  # fmt: skip


@pytest.mark.parametrize("value", [1, -0.1, "much", float("nan"), "0.1 0.2"])
def test_a_chance_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(InputError):
        turned(DROPPING, DROPOUT, value)


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("optimizer.lr", " 3e-4 ", 3e-4),
        ("optimizer.lr", ".5", 0.5),
        ("training.epochs", "1e3", 1000),
        ("training.epochs", "10 000", 10_000),
        ("training.epochs", "10\u2009000", 10_000),
        ("optimizer.betas", "0.8, 0.9", [0.8, 0.9]),
        ("optimizer.betas", "[0.8, 0.9]", [0.8, 0.9]),
        ("data.normalize", "false", False),
        ("training.device", "cuda:1", "cuda:1"),
        ("training.device", "12", "12"),
    ],
)
def test_values_are_read_as_people_write_them(key: str, text: str, value: Any) -> None:
    assert read(knob(Experiment(), key), text) == value
    turned(Experiment(), key, value)


@pytest.mark.parametrize(
    ("key", "text", "complaint"),
    [
        ("optimizer.lr", "fast", "expected a number, got text"),
        ("optimizer.lr", "-1", "expected a number ≥ 0"),
        ("optimizer.lr", "nan", "expected a number ≥ 0"),
        ("data.batch_size", "1.5", "expected a whole number, got a fraction"),
        ("optimizer.betas", "0.9", "expected a list of length 2, got 1"),
        ("optimizer.betas", "0.9 0.8", "expected a list, got text"),
    ],
)
def test_what_cannot_be_is_told_as_a_sentence(key: str, text: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        turned(Experiment(), key, read(knob(Experiment(), key), text))

    assert error.value.problem == complaint


@given(EXPERIMENTS)
def test_what_is_written_into_a_field_reads_back_as_the_value(experiment: Experiment) -> None:
    for one in form(experiment):
        if one.kind in ("int", "float", "bool", "list"):
            assert turned(experiment, one.key, read(one, written(one))) == experiment, one.key


@given(EXPERIMENTS)
def test_every_choice_has_a_line_of_help(experiment: Experiment) -> None:
    for one in form(experiment):
        for choice in one.choices:
            assert helps(one)[choice], (one.key, choice)


def test_a_knob_that_another_experiment_lacks_has_no_value_there() -> None:
    assert value_of(Experiment(), "optimizer.momentum") is None
    assert value_of(Experiment(), DROPOUT) is None
    assert value_of(DROPPING, DROPOUT) == 0.2
