"""Setting a weight by hand: which numbers can be typed, and its mark on the charts."""

import msgspec
import pytest

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.inspect.set_weight import SetWeight, WeightSet, parse_finite_number
from tuilab.core.run.run import Run


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), (" −2 ", -2.0), ("1e-3", 0.001), ("+4", 4.0)]
)
def test_numbers_can_be_typed_in_several_ways(text: str, value: float) -> None:
    assert parse_finite_number(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "type a number"), ("  ", "type a number"), ("0,5", "decimal point"),
        ("nan", "finite"), ("-inf", "finite"), ("1e999", "finite"), ("abc", "not a number"),
        ("1_000", "not a number"), ("0.5.5", "not a number"),
    ],
)  # fmt: skip
def test_invalid_numbers_are_refused_with_a_reason(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_finite_number(text)


def test_a_command_is_decoded_as_it_was_encoded() -> None:
    command = SetWeight("2 Linear", "weight", [3, 1], -0.25)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=AnyCommand) == command


def test_a_weight_that_was_set_is_marked_on_the_charts() -> None:
    run = Run()
    run.begin("a", Experiment())

    run.apply(WeightSet("a", 120, "2 Linear", "weight", [3, 1], 0.5, -0.25))

    assert [(mark.step, mark.text) for mark in run.marks] == [(120, "2 Linear weight[4,2] -0.25")]
    assert run.weight_edits == 1
