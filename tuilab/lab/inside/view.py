"""What a view of the inside of a network asks for, and what it is answered."""

from msgspec import Struct

from tuilab.lab.event import Event, snake


class Wanted(Struct, frozen=True, tag_field="view", tag=snake):
    """What a view asks of the worker, of the network as it is between two batches."""


class Seen(Event, frozen=True, tag=snake):
    """The answer of a view; it may be a part of one that comes bit by bit."""

    run: str
    step: int
