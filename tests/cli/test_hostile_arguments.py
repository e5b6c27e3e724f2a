"""Every command with arguments that no one means: one sentence, a documented exit code."""

import os
import socket
from pathlib import Path

import pytest

from tests.support.shell import RunCommand
from tuilab.cli.command_names import COMMANDS
from tuilab.cli.overrides import MAX_SHOWN, apply_overrides
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment
from tuilab.core.printable import CONTROL

DEEP = "[" * 20_000
LONG = "a" * 5_000
DIGITS = "9" * 5_000

WORDS = (
    "", " ", ".", "..", "/", "~", "~nosuchuser", "~nosuchuser/x.toml", "/missing",
    "/missing/x.toml", "/dev/null", "/dev/zero", "a\0b", "\udcff", "caf\udce9.toml",
    "\x1b]0;owned\a", "\x9b2J",
    "\u202egpj.toml", "-", "*", "[", "{", "%s", "{0}", "=", ";", "nan", "-1", "1e999", LONG,
    DEEP, "\\", "a\nb",
)  # fmt: skip
"""What stands where a name, a path or a number is expected."""

FILES = {
    "empty": b"",
    "binary": bytes(range(256)) * 16,
    "zeros": bytes(4096),
    "utf16": "title = 'x'".encode("utf-16"),
    "cut": b'title = "\xc3',
    "deep": b"network = " + DEEP.encode(),
    "deep-tables": b"[" + b"a." * 5000 + b"a]\n",
    "digits": b"seed = " + DIGITS.encode(),
    "long-line": b'title = "' + b"a" * 2_000_000,
    "infinite": b'[optimizer]\nname = "sgd"\nlr = inf\n[training]\nepochs = 9223372036854775807\n',
    "date": b"seed = 1979-05-27T07:32:00Z\ntitle = 07:32:00\n",
    "steers": b'title = "\\u001B]0;owned\\u0007\\u202E"\nnetwork = ["\\u009B2J"]\n',
}
"""Files that are not what they are named."""

COMMAND_LINES = (
    ("open", "{}"), ("{}",), ("train", "{}"), ("train", "--resume", "{}"),
    ("train", "xor", "--device", "{}"), ("train", "xor", "--set", "{}"),
    ("train", "xor", "--set", "title={}", "--device", "none"),
    ("train", "xor", "--set", "{}=1"), ("train", "xor", "--set", "network={}"),
    ("train", "xor", "--set", "seed={}", "--device", "none"),
    ("train", "xor", "--set", "network[{}]=ReLU"), ("train", "xor", "--set", "data.name={}"),
    ("train", "spiral", "--set", "data={{name=\"table\",path='{}'}}"),
    ("train", "spiral", "--set", "data={{name=\"folder\",path='{}'}}"),
    ("find", "{}", "xor"), ("find", "lr", "{}"), ("validate", "{}"),
    ("validate", "xor", "--folds", "{}"),
    ("validate", "xor", "--repeats", "{}", "--device", "none"),
    ("export", "{}", "x.safetensors"), ("export", "x", "{}"), ("presets", "{}"), ("check", "{}"),
    ("check", "{}", "--json"), ("layers", "{}"), ("explain", "{}"), ("devices", "{}"), ("ps", "{}"),
    ("attach", "{}"), ("stop", "{}"), ("runs", "{}"), ("diagnose", "{}"),
    ("diagnose", "{}", "--check"), ("lessons", "{}"), ("lessons", "open", "{}"),
    ("lessons", "check", "{}"), ("lessons", "check", "{}", "--json"), ("lessons", "new", "{}"),
    ("lessons", "export", "{}"), ("glossary", "{}"), ("glossary", "{}", "--json"),
    ("share", "{}"), ("share", "xor", "--set", "title={}"), ("notify", "{}"), ("snapshots", "{}"),
    ("compare", "{}"), ("compare", "{}", "{}", "--json"),
    ("queue", "{}"), ("queue", "add", "{}", "--hold"), ("queue", "move", "{}", "1"),
    ("queue", "move", "1", "{}"), ("queue", "remove", "{}"),
    ("queue", "add", "xor", "--jobs", "{}", "--device", "none", "--hold"),
)  # fmt: skip
"""Every command, with `{}` where a word goes."""


def test_every_command_is_tried() -> None:
    assert {words[0] for words in COMMAND_LINES} == {*COMMANDS, "{}"}


@pytest.fixture
def hostile_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files, folders, a pipe, a socket and a loop of links in the working folder, by name."""
    monkeypatch.chdir(tmp_path)
    for name, content in FILES.items():
        (tmp_path / f"{name}.toml").write_bytes(content)
        folder = tmp_path / f"{name}-lesson"
        folder.mkdir()
        (folder / "lesson.toml").write_bytes(content)
    for suffix in (".safetensors", ".csv", ".npz", ".parquet"):
        (tmp_path / f"binary{suffix}").write_bytes(FILES["binary"])
    os.mkfifo(tmp_path / "pipe.toml")
    (tmp_path / "loop.toml").symlink_to(tmp_path / "loop.toml")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket.toml"))
    return [*sorted(path.name for path in tmp_path.iterdir()), str(tmp_path)]


def test_hostile_words_are_refused_in_a_sentence(
    run_command: RunCommand, hostile_paths: list[str]
) -> None:
    words = [*WORDS, *hostile_paths]
    for index, line in enumerate(COMMAND_LINES):  # most words at one command, the rest is slow
        check_words(run_command, line, [words[2 * index % len(words)]])


@pytest.mark.slow
@pytest.mark.parametrize("line", COMMAND_LINES, ids=" ".join)
def test_all_hostile_words_are_refused_in_a_sentence(
    run_command: RunCommand, hostile_paths: list[str], line: tuple[str, ...]
) -> None:
    check_words(run_command, line, [*WORDS, *hostile_paths])


@pytest.mark.parametrize("text", [f"network={DEEP}", f"seed={DIGITS}", LONG, f"title={LONG}\udcff"])
def test_an_error_repeats_only_the_beginning_of_a_long_argument(text: str) -> None:
    with pytest.raises(InputError) as caught:
        apply_overrides(Experiment(), [text])

    (where,) = caught.value.where
    assert where.startswith(f"--set {text[:100]}") and len(where) <= MAX_SHOWN


def check_words(run_command: RunCommand, line: tuple[str, ...], hostile_words: list[str]) -> None:
    for word in hostile_words:
        if "export" in line and word.startswith("/"):  # root may replace a device
            continue
        words = [part.format(word) if "{" in part else part for part in line]
        if words in ([""], ["open", ""]):  # the preset that opens without a name
            continue
        code, out, err = run_command(*words)
        report = f"{words!r:.200} gave {code}\n{out[-500:]}\n{err[-900:]}"
        assert code == 2 or (code == 0 and not err), report
        assert not CONTROL.search(out + err), report
        assert "Traceback" not in out + err, report
