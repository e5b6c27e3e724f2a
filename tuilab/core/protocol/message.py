"""What every command and every event is."""

from msgspec import Struct


def snake(name: str) -> str:
    """`EpochEnded` as `epoch_ended`: the tag of an event in a file and on the wire."""
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


class Command(Struct, frozen=True, tag_field="command", tag=str.lower):
    """What the lab asks of the worker."""


class Event(Struct, frozen=True, tag_field="event", tag=snake):
    """What the worker reports."""
