"""The base classes of all commands and events."""

from msgspec import Struct


def snake_case(name: str) -> str:
    """Returns `EpochEnded` as `epoch_ended`: the tag of an event in a file and on the wire."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class Command(Struct, frozen=True, tag_field="command", tag=snake_case):
    """A request of a client to the worker."""


class Event(Struct, frozen=True, tag_field="event", tag=snake_case):
    """A report of the worker to all clients."""
