"""A real pseudo-terminal with a program in it, and what its screen shows."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pyte

REPOSITORY = Path(__file__).resolve().parent.parent.parent

LAB = [sys.executable, "-m", "tests.support.scripted"]


class Terminal:
    """Runs a command as the foreground process of a terminal of its own."""

    def __init__(
        self, command: list[str] = LAB, size: tuple[int, int] = (100, 30), **environment: str
    ) -> None:
        self._master, self.slave = os.openpty()
        self.resize(*size)
        self.cooked = termios.tcgetattr(self.slave)
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self._lock = threading.Lock()
        self._reads = threading.Event()
        self._reads.set()
        self._ends = False
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=REPOSITORY,
            env=_environment(environment), start_new_session=True, preexec_fn=_take_terminal,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._ends:
            if not self._reads.wait(0.05) or not select.select([self._master], [], [], 0.05)[0]:
                continue
            try:
                chunk = os.read(self._master, 65536)
            except OSError:
                return
            with self._lock:
                self.raw += chunk
                self._stream.feed(chunk)

    @property
    def text(self) -> str:
        """What stands on the screen."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if hasattr(self, "screen"):
            with self._lock:
                self.screen.resize(height, width)

    def stop_reading(self) -> None:
        self._reads.clear()

    def go_on_reading(self) -> None:
        self._reads.set()

    @property
    def unread(self) -> int:
        """Bytes that the program has written and nobody has read."""
        return int(struct.unpack("i", fcntl.ioctl(self._master, termios.FIONREAD, b"\0" * 4))[0])

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is as it was before the program began."""
        written = bytes(self.raw)
        leaves = all(
            written.rfind(off) > written.rfind(on)
            for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"),
                            (b"\x1b[?1003h", b"\x1b[?1003l"), (b"\x1b[?2004h", b"\x1b[?2004l"))
        )  # fmt: skip
        return leaves and termios.tcgetattr(self.slave)[:4] == self.cooked[:4]

    def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait for something to become true."""
        until(condition, lambda: self.text, seconds)

    def shows(self, *texts: str) -> None:
        """Wait for texts to stand on the screen."""
        self.until(lambda: all(text in self.text for text in texts))

    def end(self, seconds: float = 20) -> int:
        """Wait for the program to end; its exit code."""
        code = self.process.wait(seconds)
        self.until(lambda: not self.unread)
        return code

    def hang_up(self) -> None:
        """Take the terminal away, as a lost connection does."""
        self._ends = True
        self._reader.join()
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._ends = True
        self._reader.join()
        for descriptor in (self._master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)


def until(condition: Callable[[], object], screen: Callable[[], str], seconds: float = 20) -> None:
    """Wait for something to become true; what the screen shows tells why it did not."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen:\n{screen()}"
        select.select([], [], [], 0.02)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items()
        if name not in ("NO_COLOR", "LC_ALL", "LC_CTYPE", "TMUX", "SSH_CONNECTION", "TUILAB_GLYPHS")
    }  # fmt: skip
    kept |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    # The scripts of these tests are in the repository, also where a stand-in path is set.
    return kept | {"PYTHONPATH": str(REPOSITORY)} | changes
