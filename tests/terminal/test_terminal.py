"""The lab in a real terminal: it paints, it leaves no mess, it bears what terminals do."""

import os
import re
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.real import LAB, REPOSITORY, Terminal, until

COLOUR = re.compile(rb"\x1b\[(?:[0-9]+;)*(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9]+)*m")


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Opens terminals, and closes them after the test."""
    opened: list[Terminal] = []

    def open_terminal(*arguments: Any, **environment: Any) -> Terminal:
        opened.append(Terminal(*arguments, **environment))
        return opened[-1]

    yield open_terminal
    for one in opened:
        one.close()


Opens = Callable[..., Terminal]


def test_the_first_paint_has_the_panes_filled(terminal: Opens) -> None:
    it = terminal(size=(160, 45))
    it.shows("A spiral", "Network", "Linear 16", "354", "quit")


def test_quitting_restores_the_terminal(terminal: Opens) -> None:
    it = terminal()
    it.shows("Network")
    assert not it.is_restored
    it.type("q")
    assert it.end() == 0
    assert it.is_restored


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_lab_and_restores_the_terminal(terminal: Opens, number: int) -> None:
    it = terminal()
    it.shows("Network")
    it.process.send_signal(number)
    assert it.end() == 128 + number
    assert it.is_restored


def test_a_run_goes_on_after_a_signal_and_says_how_to_come_back(terminal: Opens) -> None:
    it = terminal()
    it.shows("Network")
    it.type(" ")
    it.shows("training")
    it.process.send_signal(signal.SIGTERM)
    it.end()
    assert re.search(rb"a-spiral-\w+ goes on. Come back with: tuilab attach a-spiral-", it.raw)


def test_a_lost_connection_ends_the_lab(terminal: Opens) -> None:
    it = terminal()
    it.shows("Network")
    os.close(it.slave)
    it.slave = -1
    it.hang_up()
    assert it.process.wait(20) >= 0, "it ended by itself, not by a signal"


def test_the_lab_is_suspended_and_comes_back(terminal: Opens) -> None:
    it = terminal()
    it.shows("Network")
    it.type("\x1a")
    _, status = os.waitpid(it.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    it.until(lambda: it.is_restored)

    it.raw.clear()
    os.kill(it.process.pid, signal.SIGCONT)
    it.until(lambda: b"\x1b[?1049h" in it.raw and b"Network" in it.raw)
    it.type(" ")
    it.shows("training")


def test_what_c_libraries_print_lands_in_the_log(terminal: Opens) -> None:
    it = terminal(size=(120, 40))
    it.shows("Network")
    it.type("5s")
    it.shows("noise from C on 1", "noise from C on 2")
    assert "50%" not in it.text, "a carriage return begins its line again"
    assert "Network" in it.text
    it.type("q")
    it.shows("Quit?")
    it.type("l")
    assert it.end() == 0


def test_a_failure_of_the_lab_restores_the_terminal_and_says_where_the_details_are(
    terminal: Opens,
) -> None:
    it = terminal()
    it.shows("Network")
    it.type("e")
    assert it.end() == 1
    assert it.is_restored
    (told,) = re.findall(
        rb"tuilab: the lab has failed: RuntimeError; the details are in (\S+)", it.raw
    )
    assert "the script wants a crash" in Path(os.fsdecode(told)).read_text()
    assert b"Traceback" not in it.raw


def test_a_terminal_that_stops_reading_only_stops_the_picture(terminal: Opens) -> None:
    it = terminal()
    it.shows("Network")
    it.type(" ")
    it.shows("training")
    it.stop_reading()
    for _ in range(15):  # much to paint, and nobody who reads it
        it.type("2")
        it.type("3")
    it.until(lambda: it.unread > 3000)
    it.go_on_reading()
    it.type(" ")
    it.shows("paused")


def test_a_storm_of_sizes_down_to_nothing_and_back(terminal: Opens) -> None:
    it = terminal(size=(120, 40))
    it.shows("Network", "quit")
    for width, height in [(100, 30), (80, 24), (60, 15), (20, 5), (7, 2), (1, 1), (20, 5)]:
        it.resize(width, height)
    it.shows("12 cells")
    for width, height in [(200, 60), (44, 12), (120, 40)]:
        it.resize(width, height)
    it.shows("Network", "Linear 16", "quit")
    it.type("q")
    assert it.end() == 0


def test_no_color_means_no_colour(terminal: Opens) -> None:
    it = terminal(NO_COLOR="1")
    it.shows("Network")
    it.type(" ")
    it.shows("training")
    assert not COLOUR.search(it.raw)


def test_sixteen_colours_are_enough(terminal: Opens) -> None:
    it = terminal(TERM="xterm", COLORTERM="")
    it.shows("Network", "quit")
    assert COLOUR.search(it.raw)
    assert b"38;2;" not in it.raw and b"38;5;" not in it.raw


@pytest.mark.parametrize("python", [{}, {"PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}])
def test_an_ascii_locale_gets_ascii(terminal: Opens, python: dict[str, str]) -> None:
    it = terminal(LC_ALL="C", **python)
    it.shows("Network", "Linear 16", "quit")
    it.type(" ")
    it.shows("training")
    assert bytes(it.raw).isascii()
    assert b"\\u" not in it.raw


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"TERM": "unknown"}])
def test_a_terminal_that_cannot_place_text_is_told(
    terminal: Opens, environment: dict[str, str]
) -> None:
    it = terminal(**environment)
    it.end()
    assert b"plain: TERM=dumb" in it.raw
    assert b"\x1b" not in it.raw


def test_without_a_terminal_there_is_a_reason() -> None:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        LAB, stdin=subprocess.DEVNULL, capture_output=True, cwd=REPOSITORY, env=environment
    )
    assert b"no terminal" in done.stdout


def test_the_terminal_is_as_it_was_for_the_next_program(terminal: Opens) -> None:
    """The descriptors 1 and 2 are the terminal's again."""
    script = (
        "import os, sys; from tests.support.scripted import *;"
        "app.run(Scripted(), SPIRAL); print('to stdout'); os.write(2, b'to descriptor 2\\n')"
    )
    it = terminal([sys.executable, "-c", script])
    it.shows("Network")
    it.type("q")
    it.until(lambda: b"to stdout" in it.raw and b"to descriptor 2" in it.raw)
    assert it.end() == 0
    assert termios.tcgetattr(it.slave)[3] & termios.ECHO


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_the_lab_works_inside_tmux(tmp_path: Path) -> None:
    server = ["tmux", "-S", str(tmp_path / "tmux"), "-f", "/dev/null"]
    environment = {**os.environ, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

    def tmux(*arguments: str) -> str:
        command = [*server, *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=REPOSITORY, env=environment
        )
        return done.stdout

    def screen() -> str:
        return tmux("capture-pane", "-p")

    lab = ["env", f"PYTHONPATH={REPOSITORY}", *LAB]
    tmux("new-session", "-d", "-x", "120", "-y", "40", *lab)
    try:
        until(lambda: "Linear 16" in screen(), screen)
        tmux("send-keys", "Space")
        until(lambda: "training" in screen(), screen)
        tmux("resize-window", "-x", "80", "-y", "24")
        until(lambda: "3 Charts" in screen(), screen)
        tmux("send-keys", "q")
        until(lambda: "Quit?" in screen(), screen)
    finally:
        tmux("kill-server")
