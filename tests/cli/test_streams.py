"""Closed outputs, readers that go, and environments without a home, or with a wrong size."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from tests.cli.test_diagnose_command import store
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tuilab.cli import exit_codes
from tuilab.core import paths
from tuilab.core.errors import InputError

TUILAB = [sys.executable, "-m", "tuilab"]

TRAIN = ("train", "xor", "--device", "cpu", "--set", "training.epochs=2")

COMMANDS = ["presets", "check spiral", "runs", "presets --json", "--help"]
MORE_COMMANDS = ["layers", "explain adam", "ps", "lessons", "lessons check perceptron", "glossary",
                 "diagnose wild-1", "train --help", "--version", "lessons new mine", "devices",
                 " ".join(TRAIN), " ".join((*TRAIN, "--json")), "find lr moons",
                 "validate moons --set training.epochs=1"]  # fmt: skip


def run_with_output(words: str, descriptor: int) -> tuple[int, str]:
    """Runs a command with this stdout; returns the exit code and stderr."""
    store("wild-1", [0.7, 0.9, 2.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 9.5])
    done = subprocess.run(
        [*TUILAB, *words.split()], stdout=descriptor, stderr=subprocess.PIPE, text=True,
        stdin=subprocess.DEVNULL, timeout=100,
    )  # fmt: skip
    return done.returncode, done.stderr


def slow(value: object) -> ParameterSet:
    """A parameter of the slow tests."""
    return pytest.param(value, marks=pytest.mark.slow)


@pytest.mark.parametrize("words", [*COMMANDS, *map(slow, MORE_COMMANDS)])
def test_a_reader_that_has_gone_is_no_error(words: str) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)

    assert run_with_output(words, write_end) == (exit_codes.CLOSED_OUTPUT, "")
    os.close(write_end)


@pytest.mark.parametrize("words", [*COMMANDS, *map(slow, MORE_COMMANDS)])
def test_a_full_disk_is_one_sentence(words: str) -> None:
    with open("/dev/full", "w") as full:
        code, err = run_with_output(words, full.fileno())

    assert (code, err) == (exit_codes.FAILED, "tuilab: No space left on device\n")


@pytest.mark.parametrize("closed", ["1", *map(slow, ("0 1", "0 1 2"))])
@pytest.mark.parametrize("words", ["presets", "layers --json", " ".join(TRAIN)])
def test_a_closed_stream_takes_what_is_printed(words: str, closed: str) -> None:
    script = "".join(f"exec {number}>&-; " for number in closed.split())
    done = subprocess.run(
        ["sh", "-c", f'{script}exec "$@"', "sh", *TUILAB, *words.split()],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_no_one_reads_the_errors() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([*TUILAB, "foo"], stderr=write_end, stdin=subprocess.DEVNULL, timeout=60)
    os.close(write_end)

    assert done.returncode == exit_codes.BAD_INPUT


# --- the home folder, the temporary folder ---------------------------------------------------


@pytest.fixture
def _no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable names a home folder, and the user is in no table of users."""
    for name in ("HOME", "TUILAB_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", {}.__getitem__)


@pytest.mark.usefixtures("_no_home")
@pytest.mark.parametrize("words", [("presets",), ("runs",), ("train", "xor"), ("lessons",)])
def test_without_a_home_folder_the_error_says_what_to_set(
    run_command: RunCommand, words: tuple[str, ...]
) -> None:
    code, out, err = run_command(*words)

    assert (code, out, err.count("\n")) == (exit_codes.BAD_INPUT, "", 1)
    assert "your home folder is not known; set HOME, or set TUILAB_HOME to a folder" in err
    assert not Path("~").exists()


@pytest.mark.usefixtures("_no_home")
def test_a_home_of_tuilab_is_enough(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, run_command: RunCommand
) -> None:
    monkeypatch.setenv("TUILAB_HOME", str(tmp_path))
    assert run_command("runs")[0] == 0
    monkeypatch.setenv("TUILAB_HOME", "~/nowhere")
    with pytest.raises(InputError, match="~/nowhere: your home folder is not known"):
        paths.data_dir()


def test_a_home_of_tuilab_in_the_folder_of_no_user_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUILAB_HOME", "~nosuchuser/lab")
    with pytest.raises(InputError, match='~nosuchuser/lab: there is no user "nosuchuser"'):
        paths.data_dir()


def test_a_user_in_no_table_of_users_can_train() -> None:
    other_user = ["unshare", "--user", "--map-user=54321"]
    if shutil.which("unshare") is None or subprocess.run([*other_user, "true"]).returncode:
        pytest.skip("no other user can be made up here")
    environment = {name: value for name, value in os.environ.items() if name != "HOME"}
    done = subprocess.run(
        [*other_user, *TUILAB, *TRAIN], env=environment, capture_output=True, text=True, timeout=100
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert "done after 2 epochs" in done.stdout


@pytest.mark.parametrize("home", ["", slow("home")])
def test_a_long_temporary_folder_has_room_for_sockets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: str
) -> None:
    deep = tmp_path / "/".join(["a-long-name-of-a-folder"] * 8)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", None)  # what was found before
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setenv("TUILAB_HOME", str(deep / "home"))
    if not home:
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
        for name in ("TUILAB_HOME", "XDG_RUNTIME_DIR"):
            monkeypatch.delenv(name, raising=False)

    folder = paths.sockets_dir()
    process = start_process(*TRAIN)

    assert len(str(folder)) < 80 and folder.is_dir()
    assert paths.sockets_dir() == folder
    code, _, err = wait_for_exit(process)
    assert (code, err) == (0, "")
    folder.rmdir()


def test_a_session_folder_that_is_gone_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TUILAB_HOME")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "gone"))
    assert not paths.sockets_dir().is_relative_to(tmp_path)


# --- an exported size ------------------------------------------------------------------------


@pytest.mark.parametrize("size", ["1", "0", "-5", "wide", "1000000", ""])
def test_no_exported_size_breaks_the_output(
    monkeypatch: pytest.MonkeyPatch, run_command: RunCommand, size: str
) -> None:
    monkeypatch.setenv("COLUMNS", size)
    monkeypatch.setenv("LINES", size)

    for words in ("presets", "explain adam", "layers", "train --help"):
        code, out, err = run_command(*words.split())
        assert (code, err) == (0, ""), words
        assert len(out.split()) > 50, words


def test_a_terminal_knows_its_width_better_than_an_exported_one() -> None:
    terminal = PseudoTerminal([*TUILAB, "presets"], size=(100, 50), COLUMNS="300", LINES="2")
    try:
        assert terminal.wait_for_exit() == 0
        table = terminal.raw.decode().partition("Open one")[0]
        assert 80 < max(map(len, table.splitlines())) <= 100
    finally:
        terminal.close()


@pytest.mark.parametrize("exported", [("20", "5"), slow(("500", "200"))])
def test_the_lab_fills_the_terminal_whatever_size_is_exported(exported: tuple[str, str]) -> None:
    columns, lines = exported
    command = [*TUILAB, "open", "xor"]
    lab = PseudoTerminal(command, size=(120, 40), COLUMNS=columns, LINES=lines)
    try:
        lab.wait_for_text("Network", "Hyperparameters", "quit")
        assert "quit" in lab.text.split("\n")[39]
        lab.resize(100, 30)
        lab.wait_until(lambda: "quit" in lab.text.split("\n")[-1] and lab.text.count("\n") == 29)
    finally:
        lab.close()
