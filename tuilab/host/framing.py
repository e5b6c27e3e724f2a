"""Frames on a socket: a length of four bytes, then one message in MessagePack."""

from typing import Any, Generic, TypeVar

import msgspec

from tuilab.core.format import format_count
from tuilab.core.printable import encode_msgpack
from tuilab.core.protocol.commands import AnyCommand
from tuilab.core.protocol.events import AnyEvent
from tuilab.core.run.run import Snapshot

T = TypeVar("T")

HostMessage = AnyEvent | Snapshot
"""What a host sends."""

MAX_COMMAND_BYTES = 8 * 2**20
"""Maximum of a command; an experiment with a very long network has a few thousand bytes."""

MAX_MESSAGE_BYTES = 512 * 2**20
"""Maximum of an event or a snapshot."""


class FrameError(Exception):
    """Invalid data on a socket.

    Args:
        body: the message that could not be decoded.
    """

    def __init__(self, problem: str, body: bytes = b"") -> None:
        super().__init__(problem)
        self.body = body


def encode_frame(message: AnyCommand | HostMessage) -> bytes:
    """Returns a message as a frame."""
    body = encode_msgpack(message)
    return len(body).to_bytes(4, "big") + body


class FrameDecoder(Generic[T]):
    """Turns the bytes of a stream, received in any pieces, into messages."""

    def __init__(self, kind: Any, max_bytes: int) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._max_bytes = max_bytes
        self._buffer = bytearray()

    @property
    def unfinished_bytes(self) -> int:
        """The number of bytes of a message that has not arrived completely."""
        return len(self._buffer)

    def feed(self, piece: bytes) -> list[T]:
        """Returns the messages that this piece completes; FrameError if they are invalid."""
        buffer, messages, start = self._buffer, [], 0
        buffer += piece
        while len(buffer) - start >= 4:
            length = int.from_bytes(buffer[start : start + 4], "big")
            if length > self._max_bytes:
                raise FrameError(f"a frame of {format_count(length)} bytes")
            if len(buffer) - start - 4 < length:
                break
            messages.append(self._decode(bytes(buffer[start + 4 : start + 4 + length])))
            start += 4 + length
        del buffer[:start]
        return messages

    def _decode(self, body: bytes) -> T:
        try:
            return self._decoder.decode(body)
        except Exception as error:  # not only msgspec's: structs check what they are built from
            raise FrameError(str(error) or type(error).__name__, body) from None


class SnapshotSummary(msgspec.Struct, frozen=True):
    """What can be read of a snapshot by any version of tuilab."""

    version: str = ""
    pid: int = 0
    run: dict[str, Any] = msgspec.field(default_factory=dict)

    @property
    def run_id(self) -> str:
        """The run's id; empty if there is none."""
        run = self.run.get("id", "")
        return run if isinstance(run, str) else ""


def summarize_snapshot(body: bytes) -> SnapshotSummary:
    """Reads what every version has in its snapshots; empty where even that cannot be read."""
    try:
        return msgspec.msgpack.decode(body, type=SnapshotSummary)
    except Exception:
        return SnapshotSummary()


def command_decoder() -> FrameDecoder[AnyCommand]:
    """Creates the decoder of a host."""
    return FrameDecoder(AnyCommand, MAX_COMMAND_BYTES)


def message_decoder() -> FrameDecoder[HostMessage]:
    """Creates the decoder of a client."""
    return FrameDecoder(HostMessage, MAX_MESSAGE_BYTES)
