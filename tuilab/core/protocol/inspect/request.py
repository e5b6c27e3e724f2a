"""The base classes of what a view asks for and of the answers."""

from msgspec import Struct

from tuilab.core.protocol.message import Event, snake_case


class InspectRequest(Struct, frozen=True, tag_field="view", tag=snake_case):
    """A question of a view about the network between two batches."""


class TimedResponse(Event, frozen=True, kw_only=True):
    """An answer that has taken the worker some time."""

    cost: float = 0.0
    "Seconds without training."


class InspectResponse(TimedResponse, frozen=True):
    """The answer to a view; some answers come bit by bit."""

    run: str
    step: int
