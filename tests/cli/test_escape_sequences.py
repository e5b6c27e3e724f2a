"""What files contain never steers the terminal: each field of each input, in each output."""

import json
import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from tests.support.circle_lesson import PROSE, TOML
from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tuilab.core import paths
from tuilab.core.printable import CONTROL, encode_json, escape_controls, escape_line
from tuilab.host import run_store

STEERING = (
    "\x1b]0;owned\x07", "\x1b[31337h", "\x9b31337h", "\x9d0;owned\x9c", "\x1bP0;owned\x1b\\",
    "\u202edlrow", "\u2066hidden\u2069", "\r31337", "\x08\x7f", "\u2028", "[/x][@click=app.quit]x",
)  # fmt: skip
"""Sequences of every kind; the last one is the markup of Textual."""

HOSTILE = "safe" + "".join(STEERING) + "end"


def quote(text: str) -> str:
    """Returns text as TOML writes it."""
    return json.dumps(text).replace("\x7f", "\\u007f")


QUOTED = quote(HOSTILE)

IN_OUTPUT = [
    sequence.encode() for sequence in STEERING if CONTROL.search(sequence) and sequence[0] != "\r"
]
"""What a terminal must not get; a carriage return alone is also Textual's."""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Path]:
    """Presets, lessons, tables, folders and a stored run with the sequences in every field."""
    experiments, lessons = paths.experiments_dir(), paths.data_dir() / "lessons"
    experiments.mkdir(parents=True)
    name = HOSTILE.replace("/", "").replace("\x00", "")
    preset = f"# {HOSTILE}\ntitle = {QUOTED}\n".replace("\r", "").replace("\u2028", "")
    data = 'network = ["Linear 4", "Tanh", "Linear 2"]\ndata.name = "xor"\ntraining.epochs = 1\n'
    (experiments / "mine.toml").write_text(f"title = {QUOTED}\n{data}")
    (experiments / f"{name}.toml").write_text(preset + data)
    lesson = TOML.replace('"A circle"', QUOTED).replace('"It closes."', QUOTED)
    lesson = lesson.replace('"All around"', QUOTED).replace('"Look left."', QUOTED)
    lesson = lesson.replace('"What is {a} + 1?"', quote(f"{{a}} {HOSTILE}"))
    for folder, prose in (("round", PROSE), (name, PROSE), ("bad", "no step")):
        (lessons / folder).mkdir(parents=True)
        (lessons / folder / "lesson.toml").write_text(lesson)
        text = prose.replace("The first step", f"The first step {HOSTILE}", 1)
        (lessons / folder / "lesson.md").write_text(text.replace("draws", f"draws {HOSTILE}"))
    cell = HOSTILE.replace("\r", "").replace(";", ":")  # no separator
    table = "".join(f'{n},"c{n % 2}{cell}"\n' for n in range(40))
    (tmp_path / f"{name}.csv").write_text(f'"a{cell}","b{cell}"\n{table}')
    (tmp_path / "table.toml").write_text(
        f'title = {QUOTED}\nnetwork = ["Linear 2"]\n[data]\nname = "table"\n'
        f"path = {quote(str(tmp_path / (name + '.csv')))}\n[training]\nepochs = 1\n"
    )
    for key, text in BAD_FIELDS.items():
        (tmp_path / f"{key}.toml").write_text(text)
    (tmp_path / f"{name}.toml").write_text("network = 5")
    yield tmp_path


BAD_FIELDS = {
    "layer": f"network = [{QUOTED}]",
    "block": f"network = [[{QUOTED}, \"ReLU\"]]",
    "key": f"{QUOTED} = 1",
    "inner-key": f"[optimizer]\nname = \"sgd\"\n{QUOTED} = 1",
    "choice": f"data.name = {QUOTED}",
    "value": f"seed = {QUOTED}",
    "not-toml": f"title = {HOSTILE}",
    "path": f"data.name = \"table\"\ndata.path = {QUOTED}",
    "target": f"data.name = \"table\"\ndata.path = \"fruit.csv\"\ndata.target = {QUOTED}",
    "source": f"data.name = \"xor\"\nnetwork = [\"Linear 2\"]\ntransfer.source = {QUOTED}",
    "device": f"training.device = {QUOTED}",
}  # fmt: skip
"""Experiments with the sequences in a place where they are an error."""


def commands(folder: Path) -> Iterator[tuple[str, ...]]:
    files = sorted(map(str, folder.glob("*.toml")))
    lists: list[tuple[str, ...]] = [
        ("presets",), ("runs",), ("ps",), ("lessons",), ("check", *files),
        ("lessons", "check", "round", "bad"),
    ]  # fmt: skip
    for line in lists:
        yield from (line, (*line, "--json"))
    for file in (*files[::3], HOSTILE):
        yield from (("find", "lr", file, "--device", HOSTILE), ("open", f"{file}/"))
    for command in ("explain", "layers", "glossary", "diagnose", "stop"):
        yield command, HOSTILE
    yield from (("lessons", "new", HOSTILE), ("lessons", "check", HOSTILE), (HOSTILE,))
    for change in ("title", "seed", HOSTILE, "network[0]", "optimizer"):
        yield "train", "mine", "--device", "none", "--set", f"{change}={HOSTILE}"
    yield "train", "mine", "--json", "--device", HOSTILE


@pytest.mark.parametrize("stride", [10, pytest.param(1, marks=pytest.mark.slow)])
def test_no_command_prints_what_a_file_contains_as_it_is(
    files: Path, run_command: RunCommand, stride: int
) -> None:
    output = ""
    for words in list(commands(files))[::stride]:
        code, out, err = run_command(*words)

        assert code in (0, 2), f"{words!r:.200}\n{err[-500:]}"
        assert not CONTROL.search(out + err), f"{words!r:.200}\n{out + err!r:.3000}"
        if "--json" in words and words[0] != "train":
            assert isinstance(json.loads(out), list)
        output += out + err
    check = "check", *map(str, sorted(files.glob("*.toml")))
    for words in (("presets",), ("presets", "--json"), check):
        output += "".join(run_command(*words)[1:])
    assert not CONTROL.search(output)
    assert "\\x1b]0;owned\\x07" in output and "\\u202e" in output
    assert "inner-key.toml:1: optimizer: there is no key" in output
    assert "\\u001b]0;owned\\u0007" in output and "\\u009b31337h" in output


@pytest.mark.slow
@pytest.mark.parametrize("options", [(), ("--plain",), ("--json",)])
def test_no_run_prints_what_a_file_contains_as_it_is(
    files: Path, run_command: RunCommand, options: tuple[str, ...]
) -> None:
    for file in ("mine", str(files / "table.toml")):
        code, out, err = wait_for_exit(start_process("train", file, *options))

        assert code == 0, err
        assert not CONTROL.search(out + err)
        assert "owned" in out
    for words in (("runs",), ("runs", "--json")):
        assert not CONTROL.search(run_command(*words)[1])
    for folder in run_store.list_runs():
        assert not CONTROL.search((folder / run_store.LOG).read_text())


def is_gone(terminal: PseudoTerminal, text: str) -> bool:
    return text not in terminal.text


def check_raw(terminal: PseudoTerminal) -> None:
    raw = bytes(terminal.raw)
    assert not [sequence for sequence in IN_OUTPUT if sequence in raw]
    assert not [code for code in range(0x80, 0xA0) if chr(code).encode() in raw]


@pytest.mark.slow
def test_a_progress_bar_and_its_lines_are_printable(files: Path) -> None:
    command = [sys.executable, "-m", "tuilab", "train", str(files / "table.toml")]
    terminal = PseudoTerminal(command, size=(120, 40))
    try:
        assert terminal.wait_for_exit(60) == 0
        assert b"owned" in terminal.raw
        check_raw(terminal)
    finally:
        terminal.close()


@pytest.mark.slow
def test_the_lab_shows_what_a_file_contains_and_is_not_steered(files: Path) -> None:
    command = [sys.executable, "-m", "tuilab", "lessons", "open", "round"]
    lab = PseudoTerminal(command, size=(140, 45))
    try:
        lab.wait_for_text("The first step")
        for keys, title in (("C", "The course"), ("\x0f", "tab completes"), ("\x10", "Search for")):
            lab.type(keys)
            lab.wait_for_text(title)
            lab.type("saf")
            lab.type("\x1b")
            lab.wait_until(partial(is_gone, lab, title))
        for key in "1234567n":
            lab.type(key)
        lab.type("q")
        lab.wait_until(lambda: lab.process.poll() is not None)
        check_raw(lab)
    finally:
        lab.close()

    lab = PseudoTerminal([*command[:3], str(files / "table.toml")], size=(140, 45))
    try:
        lab.wait_for_text("Network")
        lab.type(" ")
        lab.wait_for_text("finished")
        for keys in "456321i":
            lab.type(keys)
            lab.wait_until(lambda: not lab.unread)
        lab.type("q")
        lab.wait_until(lambda: lab.process.poll() is not None or "Quit" in lab.text)
        check_raw(lab)
    finally:
        lab.close()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain ünï ☃ 漢字", "plain ünï ☃ 漢字"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x1b\x9b\x7f\x00", "\\x1b\\x9b\\x7f\\x00"),
        ("\u202e\u2066\u200f\u2028", "\\u202e\\u2066\\u200f\\u2028"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("👩\u200d🔬", "👩\u200d🔬"),
    ],
)
def test_control_characters_are_written_as_escapes(text: str, line: str) -> None:
    assert escape_line(text) == line
    assert escape_controls(text) == line.replace("\\t", "\t").replace("\\n", "\n")


def test_json_reads_back_as_what_was_written() -> None:
    value = {f"key {HOSTILE}": [HOSTILE, 1, None]}

    assert json.loads(encode_json(value)) == value
    assert not CONTROL.search(encode_json(value).decode())
    assert json.loads(encode_json([os.fsdecode(b"\xff")])) == ["\\xff"]


@pytest.mark.slow
def test_names_that_are_not_utf8_are_trained_on(tmp_path: Path, run_command: RunCommand) -> None:
    for number, name in enumerate((b"caf\xe9", b"th\xe9")):
        folder = os.fsencode(tmp_path) + b"/photos/" + name
        os.makedirs(folder)
        for index in range(9):
            path = os.fsdecode(folder + b"/p\xff%d.png" % index)
            Image.new("L", (8, 8), 20 * index + number).save(path)
        Path(os.fsdecode(folder + b"/bro\xffken.png")).write_bytes(b"no image")
    experiment = tmp_path / "photos.toml"
    experiment.write_text(
        'network = ["Flatten", "Linear 2"]\ntraining.epochs = 1\n'
        f'data = {{ name = "folder", path = "{tmp_path}/photos", size = 4 }}\n'
    )

    assert run_command("check", str(experiment))[0] == 0
    for options in ((), ("--json",)):
        code, out, err = wait_for_exit(start_process("train", experiment, *options))
        assert (code, err) == (0, "")
        assert out.replace("\\\\", "\\").count("caf\\xe9/bro\\xffken.png is not an image") == 1
    assert [line for line in run_command("runs")[1].splitlines() if "done" in line]


def test_a_key_that_is_not_utf8_is_refused(run_command: RunCommand) -> None:
    code, _, err = run_command("train", "xor", "--set", "title=" + os.fsdecode(b"caf\xe9"))

    assert code == 2
    assert err.startswith("tuilab: --set title=caf\\xe9: this is not UTF-8")
