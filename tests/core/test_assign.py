"""Writing a weight by hand: what may be typed, and what the run remembers of it."""

import msgspec
import pytest

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.inspect.set_weight import Assign, Assigned, number
from tuilab.core.run.run import Run


@pytest.mark.parametrize(
    ("text", "value"), [("0.5", 0.5), (" −2 ", -2.0), ("1e-3", 0.001), ("+4", 4.0)]
)
def test_numbers_are_read_as_people_write_them(text: str, value: float) -> None:
    assert number(text) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "type a number"), ("  ", "type a number"), ("0,5", "decimal point"),
        ("nan", "finite"), ("-inf", "finite"), ("1e999", "finite"), ("abc", "no number"),
        ("1_000", "no number"), ("0.5.5", "no number"),
    ],
)  # fmt: skip
def test_what_is_no_number_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        number(text)


def test_a_command_comes_back_from_the_wire_as_it_was() -> None:
    command = Assign("2 Linear", "weight", [3, 1], -0.25)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(command), type=AnyCommand) == command


def test_the_charts_have_a_mark_where_a_weight_was_written() -> None:
    run = Run()
    run.begin("a", Experiment())

    run.apply(Assigned("a", 120, "2 Linear", "weight", [3, 1], 0.5, -0.25))

    assert [(mark.step, mark.text) for mark in run.marks] == [(120, "2 Linear weight[4,2] -0.25")]
    assert run.rewritten == 1
