"""Captured output: what Python, C and child processes print becomes clean lines."""

import subprocess
import sys

import pytest

from tuilab.host.captured_output import MAX_LINES_PER_SECOND, LineBuffer, clean_line

PRINTING = """
import ctypes, os, select, sys, warnings
from tuilab.host.captured_output import CapturedOutput
screen = os.dup(1)
output = CapturedOutput()
print("by Python")
warnings.warn("by a warning")
libc = ctypes.CDLL(None)
libc.puts(b"by C")
libc.fflush(None)
os.write(2, b"10 %\\r20 %\\r100 %\\n")
os.system("echo by a child")
lines = []
while select.select([output], [], [], 0)[0]:
    lines += output.read()
os.write(screen, "\\n".join(lines).encode())
"""


def test_output_of_python_c_and_child_processes_is_captured() -> None:
    process = subprocess.run(
        [sys.executable, "-c", PRINTING], capture_output=True, text=True, timeout=60, check=True
    )

    lines = process.stdout.splitlines()
    assert lines[0] == "by Python"
    assert "UserWarning: by a warning" in lines[1]
    assert lines[-3:] == ["by C", "100 %", "by a child"]


@pytest.mark.parametrize(
    ("printed", "visible"),
    [
        ("50 %\r100 %", "100 %"),
        ("done\r", "done"),
        ("\x1b[1;31mred\x1b[0m\x07", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\tb  ", "a\tb"),
    ],
)
def test_a_line_has_the_text_that_a_terminal_shows(printed: str, visible: str) -> None:
    assert clean_line(printed) == visible


def test_a_line_can_come_in_pieces() -> None:
    lines = LineBuffer()

    assert [lines.feed(piece) for piece in (b"on", b"e\ntw", b"o\n", b"\xff\n")] == [
        [], ["one"], ["two"], ["\N{REPLACEMENT CHARACTER}"],
    ]  # fmt: skip


def test_a_progress_bar_without_a_line_end_stays_small() -> None:
    lines = LineBuffer()

    for percent in range(100_000):
        lines.feed(b"%d steps\r" % percent)

    assert lines.feed(b"\n") == ["99999 steps"]


def test_too_many_lines_are_dropped() -> None:
    assert len(LineBuffer().feed(b"again\n" * 10_000)) <= MAX_LINES_PER_SECOND
