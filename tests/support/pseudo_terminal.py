"""A pseudo-terminal that runs a program and keeps its screen."""

import fcntl
import os
import select
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable
from pathlib import Path

import pyte

from tests.support.wait_until import wait_until

REPOSITORY = Path(__file__).resolve().parent.parent.parent

SCRIPTED_LAB = [sys.executable, "-m", "tests.support.scripted_lab"]


class PseudoTerminal:
    """A terminal of its own for a command, which runs as its foreground process."""

    is_controlling = True
    "Whether it is that of the command's session, so that a hang-up sends SIGHUP."

    def __init__(
        self,
        command: list[str] = SCRIPTED_LAB,
        size: tuple[int, int] = (100, 30),
        **environment: str,
    ) -> None:
        self._master, self.slave = os.openpty()
        self.resize(*size)
        self.initial_attributes = termios.tcgetattr(self.slave)
        self.screen = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = bytearray()
        self._lock = threading.Lock()
        self._is_reading = threading.Event()
        self._is_reading.set()
        self._is_ending = False
        self.process = subprocess.Popen(
            command, stdin=self.slave, stdout=self.slave, stderr=self.slave, cwd=REPOSITORY,
            env=_environment(environment), start_new_session=True,
            preexec_fn=_take_terminal if self.is_controlling else None,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while not self._is_ending:
            if (
                not self._is_reading.wait(0.05)
                or not select.select([self._master], [], [], 0.05)[0]
            ):
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
        """The text on the screen."""
        with self._lock:
            return "\n".join(line.rstrip() for line in self.screen.display)

    def type(self, keys: str) -> None:
        self.write(keys.encode())

    def write(self, content: bytes) -> None:
        os.write(self._master, content)

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
        if hasattr(self, "screen"):
            with self._lock:
                self.screen.resize(height, width)

    def stop_reading(self) -> None:
        self._is_reading.clear()

    def resume_reading(self) -> None:
        self._is_reading.set()

    @property
    def unread(self) -> int:
        """The number of bytes that the program has written and that are unread."""
        return int(struct.unpack("i", fcntl.ioctl(self._master, termios.FIONREAD, b"\0" * 4))[0])

    @property
    def is_restored(self) -> bool:
        """Whether the terminal is in the state from before the program began."""
        output = bytes(self.raw)
        is_switched_off = all(
            output.rfind(off) > output.rfind(on)
            for on, off in ((b"\x1b[?1049h", b"\x1b[?1049l"), (b"\x1b[?25l", b"\x1b[?25h"),
                            (b"\x1b[?1003h", b"\x1b[?1003l"), (b"\x1b[?2004h", b"\x1b[?2004l"))
        )  # fmt: skip
        return is_switched_off and termios.tcgetattr(self.slave)[:4] == self.initial_attributes[:4]

    def wait_until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Waits for a condition to become true."""
        wait_until(condition, lambda: f"the screen shows:\n{self.text}", seconds)

    def wait_for_text(self, *texts: str) -> None:
        """Waits until the screen shows the texts."""
        self.wait_until(lambda: all(text in self.text for text in texts))

    def wait_for_exit(self, seconds: float = 20) -> int:
        """Waits for the program to end; returns its exit code."""
        code = self.process.wait(seconds)
        self.wait_until(lambda: not self.unread)
        return code

    def hang_up(self) -> None:
        """Closes the terminal under the program, as a lost connection does."""
        self._is_ending = True
        self._reader.join()
        for descriptor in (self._master, self.slave):
            os.close(descriptor)
        self._master = self.slave = -1

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._is_ending = True
        self._reader.join()
        for descriptor in (self._master, self.slave):
            if descriptor >= 0:
                os.close(descriptor)


class ForeignTerminal(PseudoTerminal):
    """A terminal that is not that of the command's session: its end sends no signal."""

    is_controlling = False


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _environment(changes: dict[str, str]) -> dict[str, str]:
    variables = {
        name: value for name, value in os.environ.items()
        if name not in ("NO_COLOR", "COLUMNS", "LINES", "LC_ALL", "LC_CTYPE", "TMUX",
                        "SSH_CONNECTION", "TUILAB_GLYPHS")
    }  # fmt: skip
    variables |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    # The scripts of these tests import from the repository.
    return variables | {"PYTHONPATH": str(REPOSITORY)} | changes
