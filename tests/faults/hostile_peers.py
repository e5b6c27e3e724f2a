"""Peers that send what no tuilab sends: garbage, half frames, huge lengths, structures gone wrong.

Each case is the bytes that a peer sends. What is refused is the peer's loss: the host, its run and
the other clients go on. With a seed and a count there are as many further ones as are asked for.
"""

import random
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from tests.faults.tally import Tally
from tests.support.link_watcher import LinkWatcher, make_long_experiment
from tests.support.not_none import not_none
from tuilab.core.protocol.commands import SetKnob, Start, Step
from tuilab.core.run.run import Run, Snapshot
from tuilab.host import discovery, framing, link
from tuilab.host.host import Host

NAN, INFINITY = float("nan"), float("inf")


def frame(body: bytes, length: int | None = None) -> bytes:
    """Returns a body as a frame, which may lie about its length."""
    return struct.pack(">I", len(body) if length is None else length) + body


def pack(value: Any) -> bytes:
    """Returns a value as a frame of MessagePack."""
    return frame(msgspec.msgpack.encode(value))


def nested_arrays(depth: int) -> bytes:
    """Returns a frame of arrays that are nested this deeply."""
    return frame(b"\x91" * depth + b"\xc0")


def start_command(**experiment: Any) -> dict[str, Any]:
    """Returns the fields of a command that starts a run of an experiment."""
    return {"command": "start", "run": "hostile-1", "experiment": experiment}


SET_KNOB = {"command": "set_knob", "key": "optimizer.lr"}

REFUSED_FRAMES: dict[str, bytes] = {
    "garbage": b"GET / HTTP/1.1\r\n\r\n",
    "zeros": bytes(4096),
    "an empty frame": frame(b""),
    "a huge length": frame(b"", 0xFFFFFFFF),
    "a length just beyond the limit": frame(b"", framing.MAX_COMMAND_BYTES + 1),
    "deep nesting": nested_arrays(100_000),
    "a deeply nested network": frame(
        msgspec.msgpack.encode({"command": "start", "run": "a"})[:-2]  # then more fields
        + b"\xa1a" + b"\xaaexperiment" + b"\x81" + b"\xa7network" + b"\x91" * 5000 + b"\xc0"
    ),
    "invalid UTF-8": frame(b"\x82\xa7command\xa8set_knob\xa3key\xa2\xff\xfe"),
    "an array that says it is huge": frame(b"\xdd\xff\xff\xff\xff"),
    "a map that says it is huge": frame(b"\xdf\xff\xff\xff\xff"),
    "a string that says it is huge": frame(b"\xdb\xff\xff\xff\xffabc"),
    "bytes after the message": frame(msgspec.msgpack.encode({"command": "pause"}) + b"\xc0"),
    "an unknown command": pack({"command": "destroy"}),
    "no command": pack({"run": "a"}),
    "a number": pack(3),
    "a number as a line of the network": pack(start_command(network=[[5]])),
    "nothing as a line of the network": pack(start_command(network=[None])),
    "a map as a line of the network": pack(start_command(network=[{"a": 1}])),
    "a number as the network": pack(start_command(network=5)),
    "a learning rate that is not a number": pack(
        start_command(optimizer={"name": "adamw", "lr": "fast"})
    ),
    "an unknown table": pack(start_command(evil={})),
    "a wrong type": pack({"command": "step", "steps": "many"}),
    "infinitely many steps": frame(b"\x82\xa7command\xa4step\xa5steps\xcb\x7f\xf0" + bytes(6)),
}  # fmt: skip
"""Frames after which a host disconnects the peer."""

ACCEPTED_FRAMES: dict[str, bytes] = {
    "a knob set to NaN": pack(SET_KNOB | {"value": NAN}),
    "a knob set to infinity": pack(SET_KNOB | {"value": INFINITY}),
    "a knob set to a huge number": pack(SET_KNOB | {"value": 2**63}),
    "a knob set to a map": pack(SET_KNOB | {"value": {"a": [None]}}),
    "a knob set to bytes": pack(SET_KNOB | {"value": b"\xff\x00"}),
    "a knob set to a nested list": frame(
        msgspec.msgpack.encode(SET_KNOB | {"value": None})[:-1] + b"\x91" * 200 + b"\xc0"
    ),
    "a knob set to an extension": frame(
        msgspec.msgpack.encode(SET_KNOB | {"value": None})[:-1] + b"\xd4\x05\x00"
    ),
    "a knob set to a time": frame(
        msgspec.msgpack.encode(SET_KNOB | {"value": None})[:-1] + b"\xd6\xff" + bytes(4)
    ),
    "a knob that does not exist": pack(SET_KNOB | {"key": "optimizer.\x1b[31m", "value": 1}),
    "a knob without a name": pack(SET_KNOB | {"key": "", "value": 1}),
    "a network that is nested": pack(SET_KNOB | {"key": "network", "value": [["Residual", [5]]]}),
    "a weight that does not exist": pack(
        {"command": "set_weight", "parameter": "no", "index": [1 << 40, -5], "value": NAN}
    ),
}
"""Frames that are commands, and that change nothing."""


def random_frames(seed: int, count: int) -> Iterator[bytes]:
    """Yields frames: bytes at random, and commands with bytes changed, removed or repeated."""
    generator = random.Random(seed)
    commands = [
        framing.encode_frame(Step(3)),
        framing.encode_frame(SetKnob("optimizer.lr", 0.1)),
        pack(start_command(network=["Linear 3"], title="Hostile")),
    ]
    for _ in range(count):
        if generator.random() < 0.3:
            yield frame(generator.randbytes(generator.randrange(200)))
            continue
        body = bytearray(generator.choice(commands)[4:])
        for _ in range(generator.randrange(1, 4)):
            position = generator.randrange(len(body))
            match generator.randrange(3):
                case 0:
                    body[position] ^= 1 << generator.randrange(8)
                case 1:
                    del body[position : position + generator.randrange(1, 4)]
                case 2:
                    body[position:position] = body[position : position + 8]
            if not body:
                body.append(0)
        yield frame(bytes(body))


# --- hosts ----------------------------------------------------------------------------------------


def snapshot_body(**changes: Any) -> dict[str, Any]:
    """Returns the fields of a snapshot with changed fields of its run."""
    fields: dict[str, Any] = msgspec.to_builtins(Snapshot(Run(id="hostile-1"), "0.0.1", 4))
    fields["run"] |= changes
    return fields


HOST_ANSWERS: dict[str, bytes] = {
    "nothing": b"",
    "garbage": b"SSH-2.0-OpenSSH_9.6\r\n",
    "a huge length": frame(b"", 0xFFFFFFFF),
    "half a frame": frame(b"\x81", 1 << 20),
    "a network of numbers": pack(snapshot_body(experiment={"network": [[5]]})),
    "fields of another version": pack(snapshot_body(state="dreaming")),
    "no run": pack({"event": "snapshot", "version": 7}),
    "a run that is a list": pack({"event": "snapshot", "version": "9", "pid": 1, "run": [1]}),
    "deep nesting": nested_arrays(100_000),
    "invalid UTF-8": frame(b"\x82\xa5event\xa8snapshot\xa7version\xa2\xff\xfe"),
    "an event first": pack({"event": "logged", "text": "hello"}),
}
"""What a host answers that is not one, or of another version."""


class HostileHost:
    """A socket that answers every client with the same bytes, and never reads."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._clients: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def __enter__(self) -> "HostileHost":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for each in (self._listener, *self._clients):
            each.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._clients.append(client)
                client.sendall(self._answer)


# --- clients --------------------------------------------------------------------------------------


def send(path: Path, content: bytes) -> socket.socket:
    """Connects to a host and sends bytes, as far as it takes them."""
    peer = socket.socket(socket.AF_UNIX)
    peer.settimeout(5)
    peer.connect(str(path))
    with suppress(OSError):
        peer.sendall(content)
    return peer


def is_disconnected(peer: socket.socket, seconds: float = 5.0) -> bool:
    """Returns whether the host leaves the peer within this time."""
    deadline = time.monotonic() + seconds
    with suppress(ConnectionError):
        while (left := deadline - time.monotonic()) > 0:
            peer.settimeout(left)
            with suppress(TimeoutError):
                if not peer.recv(1 << 20):
                    return True
        return False
    return True


def send_frames(count: int, seed: int = 1) -> Tally:
    """Sends a host that trains this many frames at random, each over a connection of its own."""
    tally = Tally()
    with training_host() as lab:
        path = discovery.find_host("spiral").socket
        for number, content in enumerate(random_frames(seed, count)):
            try:
                framing.command_decoder().feed(content)
            except framing.FrameError:
                with send(path, content) as peer:
                    if number % 50 or is_disconnected(peer):
                        tally.add("refused")
                    else:
                        tally.fail(f"frame {number} of seed {seed} was not refused")
            else:
                tally.add("valid commands, not sent")  # they may end the run
        if not goes_on(lab):
            tally.fail(f"the run no longer trains after {count} frames of seed {seed}")
    return tally


@contextmanager
def training_host() -> Iterator[LinkWatcher]:
    """A client of a host that trains, in a thread of this process."""
    served = Host(discovery.new_socket_path())

    def serve() -> None:
        with served:
            for _ in served.events():
                pass

    thread = threading.Thread(target=serve)
    thread.start()
    lab = LinkWatcher(link._Remote(discovery.connect(not_none(served.path))))
    try:
        lab.send(Start("spiral-1", make_long_experiment()))
        lab.wait_until(lambda: lab.run.step > 5)
        yield lab
    finally:
        lab.close()
        thread.join()


def goes_on(lab: LinkWatcher) -> bool:
    """Returns whether the run still trains; fails after a while if it takes no further step."""
    step = lab.run.step
    lab.wait_until(lambda: lab.run.step > step)
    return (lab.run.id, lab.run.state) == ("spiral-1", "training")
