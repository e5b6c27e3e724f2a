"""Commands and events, encoded for the socket and for the log."""

import typing
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.experiment_strategies import EXPERIMENTS, WORDS
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.protocol.commands import AnyCommand, SetKnob
from tuilab.core.protocol.events import AnyEvent, Finished, Progressed, Started
from tuilab.core.protocol.message import Event

NUMBERS = st.floats(allow_nan=False)
COUNTS = st.integers(0, 2**53)


def any_of(kind: Any) -> Any:
    """Returns a strategy for the type that a field of a message declares."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Experiment:
        return EXPERIMENTS
    if kind is Any:
        return st.one_of(st.booleans(), COUNTS, NUMBERS, WORDS, st.lists(WORDS, max_size=3))
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if origin is list:
        return st.lists(any_of(arguments[0]), max_size=3)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(any_of, arguments))
    if origin is dict:
        return st.dictionaries(WORDS, any_of(arguments[1]), max_size=3)
    if arguments:
        return st.one_of(*map(any_of, arguments))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = typing.get_type_hints(kind)
        return st.builds(kind, **{name: any_of(hints[name]) for name in kind.__struct_fields__})
    plain = {int: COUNTS, float: NUMBERS, str: WORDS, bool: st.booleans(), bytes: st.binary()}
    return plain.get(kind, st.none())


@given(any_of(AnyCommand))
def test_a_command_is_decoded_as_it_was_encoded(command: AnyCommand) -> None:
    frame = msgspec.msgpack.encode(command)

    assert msgspec.msgpack.decode(frame, type=AnyCommand) == command


@given(any_of(AnyEvent))
def test_an_event_is_decoded_as_it_was_encoded(event: AnyEvent) -> None:
    frame, line = msgspec.msgpack.encode(event), msgspec.json.encode(event)

    assert msgspec.msgpack.decode(frame, type=AnyEvent) == event
    if b"null" not in line:  # JSON has no word for infinity
        assert msgspec.json.decode(line, type=AnyEvent) == event
    assert b"\n" not in line


def test_nan_is_decoded_as_nan() -> None:
    frame = msgspec.msgpack.encode(SetKnob("optimizer.lr", float("nan")))

    value = msgspec.msgpack.decode(frame, type=AnyCommand).value
    assert value != value


@pytest.mark.parametrize("kind", typing.get_args(AnyEvent))
def test_an_event_is_tagged_by_its_name_in_lower_case(kind: type[Event]) -> None:
    tag = str(kind.__struct_config__.tag)

    assert tag.replace("_", "") == kind.__name__.lower()
    assert tag == tag.lower()


def test_an_event_in_the_log_has_its_name_and_its_fields() -> None:
    finished = Finished("spiral-1", "done", 10, 1, 0.5, {"test": {"loss": 0.25}})

    assert msgspec.json.decode(msgspec.json.encode(finished)) == {
        "event": "finished",
        "run": "spiral-1",
        "reason": "done",
        "step": 10,
        "epoch": 1,
        "seconds": 0.5,
        "results": {"test": {"loss": 0.25}},
        "lost": "",
    }


def test_every_event_of_a_run_names_it() -> None:
    without_run = {"loading", "ready", "logged", "cross_validated", "seeds_reported",
                   "alerts_changed"}  # fmt: skip

    for kind in typing.get_args(AnyEvent):
        assert ("run" in kind.__struct_fields__) == (kind.__struct_config__.tag not in without_run)


def test_messages_are_frozen() -> None:
    with pytest.raises(AttributeError):
        SetKnob("seed", 1).key = "lr"  # type: ignore[misc]
    assert Started.__struct_config__.frozen and Progressed.__struct_config__.frozen
