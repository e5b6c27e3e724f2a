"""The lab in a pseudo-terminal: what it draws, how it ends, and what terminals may do to it."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.pseudo_terminal import (
    REPOSITORY,
    SCRIPTED_LAB,
    ForeignTerminal,
    PseudoTerminal,
)
from tests.support.wait_until import wait_until

OpenTerminal = Callable[..., PseudoTerminal]

DEAF_SHELL = f"""
import signal, subprocess, sys
signal.signal(signal.SIGHUP, signal.SIG_IGN)
sys.exit(subprocess.call({SCRIPTED_LAB}))
"""
"""Leads a session, and does not pass SIGHUP on."""

IMPATIENT_LAB = """
from tests.support.scripted_lab import SPIRAL, ScriptedLink, app
from tuilab.ui.terminal import terminal_watch
terminal_watch.END_SECONDS = 0.5
raise SystemExit(app.run_app(ScriptedLink(), SPIRAL))
"""

COLOR = re.compile(rb"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9]+)*m")


@pytest.fixture
def terminal() -> Iterator[OpenTerminal]:
    """Opens terminals, and closes them after the test."""
    opened: list[PseudoTerminal] = []

    def open_terminal(
        *arguments: Any, kind: type[PseudoTerminal] = PseudoTerminal, **environment: Any
    ) -> PseudoTerminal:
        opened.append(kind(*arguments, **environment))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()


def test_the_first_paint_has_the_panes_filled(terminal: OpenTerminal) -> None:
    lab = terminal(size=(160, 45))
    lab.wait_for_text("A spiral", "Network", "Linear 16", "354", "quit")


def test_quitting_restores_the_terminal(terminal: OpenTerminal) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    assert not lab.is_restored
    lab.type("q")
    assert lab.wait_for_exit() == 0
    assert lab.is_restored


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_lab_and_restores_the_terminal(
    terminal: OpenTerminal, number: int
) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.process.send_signal(number)
    assert lab.wait_for_exit() == 128 + number
    assert lab.is_restored


def test_a_run_continues_after_a_signal_and_the_lab_says_how_to_attach(
    terminal: OpenTerminal,
) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.type(" ")
    lab.wait_for_text("training")
    lab.process.send_signal(signal.SIGTERM)
    lab.wait_for_exit()
    assert re.search(
        rb"a-spiral-\w+ goes on in the background. Come back with: tuilab attach a-spiral-", lab.raw
    )


@pytest.mark.parametrize("kind", ["signal", "other session", "deaf shell"])
def test_a_lost_terminal_ends_the_lab_with_and_without_a_signal(
    terminal: OpenTerminal, kind: str
) -> None:
    command = [sys.executable, "-c", DEAF_SHELL] if kind == "deaf shell" else SCRIPTED_LAB
    lab = terminal(command, kind=ForeignTerminal if kind == "other session" else PseudoTerminal)
    lab.wait_for_text("Network")
    lab.hang_up()
    assert lab.process.wait(10) == 128 + signal.SIGHUP


@pytest.mark.parametrize("stream", ["stdin", "stdout"])
def test_a_lab_ends_that_loses_one_of_its_two_terminals(
    terminal: OpenTerminal, stream: str
) -> None:
    other = terminal([sys.executable, "-c", "import time; time.sleep(60)"])
    path = os.ttyname(other.slave)
    script = f"{{}} {'<' if stream == 'stdin' else '>'} {path}".format(shlex.join(SCRIPTED_LAB))
    lab = terminal(["sh", "-c", f"exec {script}"])
    (lab if stream == "stdin" else other).wait_for_text("Network")

    other.hang_up()

    assert lab.process.wait(10) == 128 + signal.SIGHUP
    if stream == "stdin":
        assert lab.is_restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_lab_although_its_terminal_takes_nothing(
    terminal: OpenTerminal, number: int
) -> None:
    lab = terminal([sys.executable, "-c", IMPATIENT_LAB])
    lab.wait_for_text("Network")
    lab.type(" ")
    lab.wait_for_text("training")
    lab.stop_reading()
    for _ in range(40):  # more to draw than waits for the terminal
        lab.type("23")
        time.sleep(0.02)

    lab.process.send_signal(number)

    assert lab.process.wait(10) == 128 + number
    assert termios.tcgetattr(lab.slave)[:4] == lab.initial_attributes[:4]


def test_a_suspended_lab_ends_when_its_terminal_is_gone(terminal: OpenTerminal) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.type("\x1a")
    _, status = os.waitpid(lab.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)

    lab.hang_up()

    assert lab.process.wait(10) == 128 + signal.SIGHUP


def test_what_is_no_text_is_no_key(terminal: OpenTerminal) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.write(b"\xff\xfe\xc3")
    time.sleep(0.3)
    lab.type(" ")
    lab.wait_for_text("● training")


def test_the_lab_is_suspended_and_continues(terminal: OpenTerminal) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.type("\x1a")
    _, status = os.waitpid(lab.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    lab.wait_until(lambda: lab.is_restored)

    lab.raw.clear()
    os.kill(lab.process.pid, signal.SIGCONT)
    lab.wait_until(lambda: b"\x1b[?1049h" in lab.raw and b"Network" in lab.raw)
    lab.type(" ")
    lab.wait_for_text("training")


def test_output_of_c_libraries_is_shown_in_the_log(terminal: OpenTerminal) -> None:
    lab = terminal(size=(120, 40))
    lab.wait_for_text("Network")
    lab.type("5s")
    lab.wait_for_text("noise from C on 1", "noise from C on 2")
    assert "50%" not in lab.text, "a carriage return overwrites its line"
    assert "Network" in lab.text
    lab.type("q")
    lab.wait_for_text("Quit?")
    lab.type("l")
    assert lab.wait_for_exit() == 0


def test_a_failure_of_the_lab_restores_the_terminal_and_says_where_the_details_are(
    terminal: OpenTerminal,
) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.type("e")
    assert lab.wait_for_exit() == 1
    assert lab.is_restored
    (path,) = re.findall(
        rb"tuilab: the lab crashed: RuntimeError; the details are in (\S+)", lab.raw
    )
    assert "a crash on request" in Path(os.fsdecode(path)).read_text()
    assert b"Traceback" not in lab.raw


def test_a_terminal_that_stops_reading_delays_only_the_screen(terminal: OpenTerminal) -> None:
    lab = terminal()
    lab.wait_for_text("Network")
    lab.type(" ")
    lab.wait_for_text("training")
    lab.stop_reading()
    for _ in range(15):  # much to draw, and nothing is read
        lab.type("2")
        lab.type("3")
    lab.wait_until(lambda: lab.unread > 3000)
    lab.resume_reading()
    lab.type(" ")
    lab.wait_for_text("paused")


def test_many_resizes_down_to_one_cell_and_back(terminal: OpenTerminal) -> None:
    lab = terminal(size=(120, 40))
    lab.wait_for_text("Network", "quit")
    for width, height in [(100, 30), (80, 24), (60, 15), (20, 5), (7, 2), (1, 1), (20, 5)]:
        lab.resize(width, height)
    lab.wait_for_text("12 cells")
    for width, height in [(200, 60), (44, 12), (120, 40)]:
        lab.resize(width, height)
    lab.wait_for_text("Network", "Linear 16", "quit")
    lab.type("q")
    assert lab.wait_for_exit() == 0


def test_no_color_switches_color_off(terminal: OpenTerminal) -> None:
    lab = terminal(NO_COLOR="1")
    lab.wait_for_text("Network")
    lab.type(" ")
    lab.wait_for_text("training")
    assert not COLOR.search(lab.raw)


def test_sixteen_colors_are_enough(terminal: OpenTerminal) -> None:
    lab = terminal(TERM="xterm", COLORTERM="")
    lab.wait_for_text("Network", "quit")
    assert COLOR.search(lab.raw)
    assert b"38;2;" not in lab.raw and b"38;5;" not in lab.raw


@pytest.mark.parametrize("python", [{}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}])
def test_an_ascii_locale_gets_ascii_output(terminal: OpenTerminal, python: dict[str, str]) -> None:
    lab = terminal(LC_ALL="C", **python)
    lab.wait_for_text("Network", "Linear 16", "quit")
    lab.type(" ")
    lab.wait_for_text("training")
    assert bytes(lab.raw).isascii()
    assert b"\\u" not in lab.raw


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_position_text_is_reported(
    terminal: OpenTerminal, environment: dict[str, str]
) -> None:
    lab = terminal(**environment)
    lab.wait_for_exit()
    assert b"plain: TERM=dumb" in lab.raw
    assert b"\x1b" not in lab.raw


def test_the_lab_outside_a_terminal_gives_a_reason() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.run(
        SCRIPTED_LAB, stdin=subprocess.DEVNULL, capture_output=True, cwd=REPOSITORY, env=environment
    )
    assert b"not a terminal" in process.stdout


def test_the_next_program_can_use_the_terminal(terminal: OpenTerminal) -> None:
    """Descriptors 1 and 2 belong to the terminal again."""
    script = (
        "import os, sys; from tests.support.scripted_lab import *;"
        "app.run_app(ScriptedLink(), SPIRAL); print('to stdout');"
        "os.write(2, b'to descriptor 2\\n')"
    )
    lab = terminal([sys.executable, "-c", script])
    lab.wait_for_text("Network")
    lab.type("q")
    lab.wait_until(lambda: b"to stdout" in lab.raw and b"to descriptor 2" in lab.raw)
    assert lab.wait_for_exit() == 0
    assert termios.tcgetattr(lab.slave)[3] & termios.ECHO


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_lab_works_inside_tmux(tmp_path: Path) -> None:
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def tmux(*arguments: str) -> str:
        command = [*server, *arguments]
        process = subprocess.run(
            command, capture_output=True, text=True, cwd=REPOSITORY, env=environment
        )
        return process.stdout

    def screen() -> str:
        return tmux("capture-pane", "-p")

    lab = ["env", f"PYTHONPATH={REPOSITORY}", *SCRIPTED_LAB]
    tmux("new-session", "-d", "-x", "120", "-y", "40", *lab)
    try:
        wait_until(lambda: "Linear 16" in screen(), screen)
        tmux("send-keys", "Space")
        wait_until(lambda: "training" in screen(), screen)
        tmux("resize-window", "-x", "80", "-y", "24")
        wait_until(lambda: "3 Charts" in screen(), screen)
        tmux("send-keys", "q")
        wait_until(lambda: "Quit?" in screen(), screen)
    finally:
        tmux("kill-server")
