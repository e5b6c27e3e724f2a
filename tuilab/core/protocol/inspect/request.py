"""What a view of the inside of a network asks for, and what it is answered."""

from msgspec import Struct

from tuilab.core.protocol.message import Event, snake


class InspectRequest(Struct, frozen=True, tag_field="view", tag=snake):
    """What a view asks of the worker, of the network as it is between two batches."""


class TimedResponse(Event, frozen=True, kw_only=True):
    """An answer that has taken the worker some time."""

    cost: float = 0.0
    "Seconds in which nothing was trained."


class InspectResponse(TimedResponse, frozen=True, tag=snake):
    """The answer of a view; it may be a part of one that comes bit by bit."""

    run: str
    step: int
