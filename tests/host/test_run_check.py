"""The learner's code in a process of its own: none of its faults does harm."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from tuilab.core.errors import InputError
from tuilab.core.exercises import exercise, learner_files
from tuilab.core.exercises.check_result import Result
from tuilab.engine.grading.grade import grade
from tuilab.host import run_check


def check_body(tmp_path: Path, body: str, seconds: float = 2.0, mebibytes: int = 300) -> Result:
    """Checks a dropout whose first function begins with this body."""
    reference = exercise.find("dropout").reference
    head = "def dropout(x: Tensor, p: float, noise: Tensor, training: bool) -> Tensor:\n"
    assert head in reference
    file = tmp_path / "mine.py"
    lines = "".join(f"    {line}\n" for line in body.split("\n"))
    file.write_text(reference.replace(head, head + lines))
    return run_check.check("dropout", file, seconds, mebibytes)


def test_what_passes_may_be_used_and_what_it_prints_is_shown() -> None:
    file = learner_files.write_stub("dropout")
    file.write_text(exercise.find("dropout").reference + '\nprint("hello", 3)\n')

    result = run_check.check("dropout")

    assert result.is_passed, result.message
    assert result.printed == "hello 3\n"
    assert result.lines()[-2:] == ["Your code printed:", "hello 3"]
    assert learner_files.passed_source("dropout") == file.read_text()


@pytest.mark.slow
def test_a_stub_is_not_written_yet() -> None:
    learner_files.write_stub("dropout")

    result = run_check.check("dropout")

    assert result.message == "not written yet: dropout"
    assert not result.is_passed
    with pytest.raises(InputError):
        learner_files.passed_source("dropout")


def test_an_endless_loop_is_reported_with_its_line(tmp_path: Path) -> None:
    body = (
        "while True:\n    try:\n        print('x' * 100)\n    except BaseException:\n        pass"
    )

    result = check_body(tmp_path, body, seconds=0.5)

    assert result.kind == "time"
    assert result.message.startswith("dropout: line ")
    assert result.message.endswith("still running after 0.5 s: is there a loop that never ends?")
    assert result.line in range(7, 14)
    assert len(result.printed) <= run_check.MAX_PRINTED_BYTES + 20
    assert result.printed.endswith("… and more")


@pytest.mark.slow
def test_too_much_memory_is_reported(tmp_path: Path) -> None:
    result = check_body(
        tmp_path, "blocks = []\nwhile True:\n    blocks.append(bytearray(1 << 24))", 20
    )

    assert result.kind == "memory"
    assert result.message.startswith("dropout: ")
    assert "memory" in result.message


def test_a_process_that_ends_itself_is_reported(tmp_path: Path) -> None:
    result = check_body(tmp_path, "import os\nos._exit(3)")

    assert result.kind == "died"
    assert result.message == "dropout: your code ended the whole process with exit code 3"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        ("import ctypes\nctypes.string_at(0)", "died", "ended the whole process by SIGSEGV"),
        ("import time\ntime.sleep(60)", "time", "still running after 0.5 s"),
        ("import re\nre.match('(a+)+$', 'a' * 60 + 'b')", "time", "still running after 0.5 s"),
        ("return 9 ** 9 ** 9 ** 9", "time", "still running after 0.5 s"),
        ("import os\nos.close(1); os.close(2)\nreturn input()", "crash", "no one can answer"),
        ("import threading, time\n"
         "threading.Thread(target=time.sleep, args=(60,)).start()", "passed", "All right"),
        ("import subprocess\nsubprocess.Popen(['sleep', '60'])", "passed", "All right"),
        ("import sys\nsys.stdout = None", "passed", "All right"),
    ],
)  # fmt: skip
def test_nothing_hangs_and_nothing_is_lost(
    tmp_path: Path, body: str, kind: str, message: str
) -> None:
    result = check_body(tmp_path, body, seconds=0.5 if kind == "time" else 5, mebibytes=2000)

    assert result.kind == kind, result.message
    assert message in result.message


LEFT_BEHIND = {
    "a session of its own": "subprocess.Popen(sleep, start_new_session=True)",
    "an orphan in a session of its own": (
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    subprocess.Popen(sleep, start_new_session=True)\n"
        "    os._exit(0)\n"
        "os.wait()"
    ),
    "left by code that ends itself": (
        "subprocess.Popen(sleep, start_new_session=True)\nos._exit(3)"
    ),
    "left by code that kills its group": (
        "subprocess.Popen(sleep, start_new_session=True)\nos.killpg(0, 15)"
    ),
    "left by code that runs too long": (
        "subprocess.Popen(sleep, start_new_session=True)\nwhile True: pass"
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's subreapers")
def test_no_process_of_the_learner_s_code_is_left(tmp_path: Path) -> None:
    assert_nothing_is_left(tmp_path, LEFT_BEHIND["an orphan in a session of its own"])


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's subreapers")
@pytest.mark.parametrize("body", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_no_process_of_any_code_is_left(tmp_path: Path, body: str) -> None:
    assert_nothing_is_left(tmp_path, body)


def assert_nothing_is_left(tmp_path: Path, body: str) -> None:
    seconds = str(600 + os.getpid() % 300 + 0.25)  # so that they are found again
    head = f"import os, subprocess\nsleep = ['sleep', '{seconds}']\n"

    result = check_body(tmp_path, head + body, seconds=0.5, mebibytes=2000)

    assert result.message
    assert not [p for p in psutil.process_iter(["cmdline"]) if seconds in (p.info["cmdline"] or ())]


@pytest.mark.slow
def test_the_memory_of_other_processes_counts(tmp_path: Path) -> None:
    code = "b = bytearray(150 << 20); import time; time.sleep(60)"
    body = (
        "import subprocess, sys, time\n"
        "for _ in range(4):\n"
        f"    subprocess.Popen([sys.executable, '-c', '{code}'], start_new_session=True)\n"
        "time.sleep(60)"
    )

    result = check_body(tmp_path, body, seconds=20, mebibytes=400)

    assert (result.kind, "400 MiB" in result.message) == ("memory", True)


@pytest.mark.parametrize(
    "source",
    ["", "raise ValueError", "raise ValueError('  ')", "class E(Exception):\n"
     "    def __str__(self):\n        return 3\nraise E", "x = " + "(" * 10_000, "x = \0",
     "raise SyntaxError", "raise KeyboardInterrupt", "raise BaseException"],
)  # fmt: skip
def test_no_message_is_empty(source: str) -> None:
    result = grade(exercise.find("dropout"), source, "mine.py")

    assert result.kind != "passed" and len(result.message) > 5


def test_a_file_that_is_missing_or_not_text_is_reported(tmp_path: Path) -> None:
    missing = run_check.check("dropout", tmp_path / "no.py")
    (tmp_path / "bytes.py").write_bytes(b"\xff\xfe")
    binary = run_check.check("dropout", tmp_path / "bytes.py")

    assert missing.kind == binary.kind == "missing"
    assert missing.message.endswith("no.py: there is no such file yet")
    assert binary.message.endswith("bytes.py: this file is not UTF-8 text")
