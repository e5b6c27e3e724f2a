"""Frames: messages arrive complete however the stream is cut; invalid data is refused."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.link_watcher import make_long_experiment
from tuilab.core.protocol.commands import AnyCommand, Find, Resume, Rewind, SetKnob, Start, Step
from tuilab.core.protocol.events import (
    AnyEvent,
    EpochEnded,
    Failed,
    Logged,
    Offer,
    Paused,
    Progressed,
)
from tuilab.core.protocol.records import Sample
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import framing

NUMBERS = st.floats(allow_nan=False)
WORDS = st.text(max_size=30)
COUNTS = st.integers(0, 2**53)
METRICS = st.dictionaries(WORDS, NUMBERS, max_size=3)

COMMANDS = st.one_of(
    st.builds(Step, st.integers(0, 10**12), st.integers(0, 10**6)),
    st.builds(
        SetKnob, WORDS, st.one_of(NUMBERS, st.booleans(), WORDS, st.lists(st.integers(0, 9)))
    ),
    st.builds(
        Start, WORDS, st.just(make_long_experiment("Linear 4", ["Residual", "ReLU"], "Linear 3"))
    ),
    st.builds(Find, st.sampled_from(["lr", "batch_size"])),
)
EVENTS = st.one_of(
    st.builds(EpochEnded, WORDS, COUNTS, COUNTS, METRICS, METRICS),
    st.builds(Failed, WORDS, WORDS, offers=st.just([Offer("back", [Rewind(), Resume()])])),
    st.builds(Logged, WORDS),
)


def progressed_event(step: int = 1, loss: float = 0.5) -> Progressed:
    return Progressed(
        "run", step, 0.1, loss, loss, loss, {"accuracy": 0.5}, 1e-3, 9.0, 90.0, 1.0, None
    )


@given(st.lists(COMMANDS, max_size=5), st.integers(1, 50))
def test_commands_arrive_in_any_pieces(commands: list[AnyCommand], size: int) -> None:
    stream = b"".join(framing.encode_frame(command) for command in commands)
    decoder = framing.command_decoder()

    pieces = [stream[start : start + size] for start in range(0, len(stream), size)]
    received = [command for piece in pieces for command in decoder.feed(piece)]

    assert received == commands


@given(EVENTS)
def test_an_event_split_at_every_byte_arrives_once(event: AnyEvent) -> None:
    stream = framing.encode_frame(event)

    for cut in range(len(stream) + 1):
        decoder = framing.message_decoder()
        assert decoder.feed(stream[:cut]) + decoder.feed(stream[cut:]) == [event]


def test_a_snapshot_contains_the_whole_run() -> None:
    run = Run()
    run.begin("run", make_long_experiment())
    for step in range(1, 5000):
        run.apply(progressed_event(step, float("nan") if step == 7 else 1.0))

    (received,) = framing.message_decoder().feed(framing.encode_frame(Snapshot(run, "0.1", 12)))

    assert isinstance(received, Snapshot)
    before, after = run.series["loss/train"], received.run.series["loss/train"]
    assert (received.run.id, received.run.step) == ("run", 4999)
    assert received.run.experiment == run.experiment
    assert str(after.points()).replace(".0", "") == str(before.points()).replace(".0", "")
    assert "nan" in str(after.points())


def test_pixels_arrive_unchanged() -> None:
    sample = Sample(bytes(range(256)), (1, 16, 16), 3, 3, 0.5)

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(sample), type=Sample) == sample


@given(st.binary(min_size=1, max_size=200))
def test_random_bytes_are_refused_or_a_valid_command(garbage: bytes) -> None:
    framed = len(garbage).to_bytes(4, "big") + garbage

    try:
        commands = framing.command_decoder().feed(framed)
    except framing.FrameError:
        return
    assert framing.encode_frame(commands[0])[4:] == garbage


def test_a_frame_that_is_too_long_is_refused_by_its_length() -> None:
    with pytest.raises(framing.FrameError, match=r"4,294,967,295 bytes"):
        framing.command_decoder().feed(b"\xff\xff\xff\xff")


def test_an_event_is_not_a_command() -> None:
    with pytest.raises(framing.FrameError):
        framing.command_decoder().feed(framing.encode_frame(Paused("run", 3)))
