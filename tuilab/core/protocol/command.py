"""What every command is."""

from msgspec import Struct


class Command(Struct, frozen=True, tag_field="command", tag=str.lower):
    """What the lab asks of the worker."""
