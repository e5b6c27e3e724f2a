"""Frames on a socket: four bytes of length, then one MessagePack message."""

from typing import Any, Generic, TypeVar

import msgspec

from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Snapshot

T = TypeVar("T")

News = AnyEvent | Snapshot
"""What a host says."""

MOST_COMMAND = 8 * 2**20
"""Bytes of a command at most; an experiment with a very long network has some thousands."""

MOST_NEWS = 512 * 2**20
"""Bytes of an event or a snapshot at most."""


class BadFrame(Exception):
    """What came over a socket is not what tuilab writes."""


def frame(message: AnyCommand | News) -> bytes:
    """A message as it goes over the wire."""
    body = msgspec.msgpack.encode(message)
    return len(body).to_bytes(4, "big") + body


class Frames(Generic[T]):
    """Bytes as they come, however they are cut, turned into messages."""

    def __init__(self, kind: Any, most: int) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._most = most
        self._buffer = bytearray()

    def feed(self, piece: bytes) -> list[T]:
        """The messages that are complete with this piece; BadFrame if it is none of ours."""
        buffer, messages, start = self._buffer, [], 0
        buffer += piece
        while len(buffer) - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > self._most:
                raise BadFrame(f"a frame of {length:,} bytes")
            if len(buffer) - start - 4 < length:
                break
            messages.append(self._decode(bytes(buffer[start + 4 : start + 4 + length])))
            start += 4 + length
        del buffer[:start]
        return messages

    def _decode(self, body: bytes) -> T:
        try:
            return self._decoder.decode(body)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise BadFrame(str(error)) from None


def commands() -> Frames[AnyCommand]:
    """The host's end."""
    return Frames(AnyCommand, MOST_COMMAND)


def news() -> Frames[News]:
    """A viewer's end."""
    return Frames(News, MOST_NEWS)
