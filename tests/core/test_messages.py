"""Commands and events on the wire and on paper."""

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiments import EXPERIMENTS, WORDS
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand, SetKnob
from tuilab.core.protocol.events import AnyEvent, Finished, Progressed, Started
from tuilab.core.protocol.message import Event

NUMBERS = st.floats(allow_nan=False)
COUNTS = st.integers(0, 2**53)


def _any(kind: Any) -> Any:
    """A strategy for whatever type a message's field declares."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Experiment:
        return EXPERIMENTS
    if kind is Any:
        return st.one_of(st.booleans(), COUNTS, NUMBERS, WORDS, st.lists(WORDS, max_size=3))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(_any(arguments[0]), max_size=3)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(_any(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(_any, arguments))
    if origin is dict:
        return st.dictionaries(WORDS, _any(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*map(_any, arguments))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: _any(hints[name]) for name in kind.__struct_fields__})
    plain = {int: COUNTS, float: NUMBERS, str: WORDS, bool: st.booleans(), bytes: st.binary()}
    return plain.get(kind, st.none())


@given(_any(AnyCommand))
def test_a_command_survives_the_wire(command: Any) -> None:
    frame = msgspec.msgpack.encode(command)

    assert msgspec.msgpack.decode(frame, type=AnyCommand) == command


@given(_any(AnyEvent))
def test_an_event_survives_the_wire_and_the_log(event: Any) -> None:
    frame, line = msgspec.msgpack.encode(event), msgspec.json.encode(event)

    assert msgspec.msgpack.decode(frame, type=AnyEvent) == event
    if b"null" not in line:  # JSON has no word for infinity
        assert msgspec.json.decode(line, type=AnyEvent) == event
    assert b"\n" not in line


def test_not_a_number_survives_the_wire() -> None:
    frame = msgspec.msgpack.encode(SetKnob("optimizer.lr", float("nan")))

    value = msgspec.msgpack.decode(frame, type=AnyCommand).value
    assert value != value


@pytest.mark.parametrize("kind", typing.get_args(AnyEvent))
def test_an_event_is_tagged_by_its_name_in_small_letters(kind: type[Event]) -> None:
    tag = str(kind.__struct_config__.tag)

    assert tag.replace("_", "") == kind.__name__.lower()
    assert tag == tag.lower()


def test_events_read_as_the_design_says() -> None:
    finished = Finished("spiral-1", "done", 10, 1, 0.5, {"test": {"loss": 0.25}})

    assert msgspec.json.decode(msgspec.json.encode(finished)) == {
        "event": "finished",
        "run": "spiral-1",
        "reason": "done",
        "step": 10,
        "epoch": 1,
        "seconds": 0.5,
        "results": {"test": {"loss": 0.25}},
    }


def test_every_event_of_a_run_names_it() -> None:
    without_run = {"loading", "ready", "logged", "cross_validated"}

    for kind in typing.get_args(AnyEvent):
        assert ("run" in kind.__struct_fields__) == (kind.__struct_config__.tag not in without_run)


def test_messages_are_frozen() -> None:
    with pytest.raises(AttributeError):
        SetKnob("seed", 1).key = "lr"  # type: ignore[misc]
    assert Started.__struct_config__.frozen and Progressed.__struct_config__.frozen
