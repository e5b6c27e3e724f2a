"""The command line: its output, its errors and its exit codes."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from tests.support.pseudo_terminal import ForeignTerminal, PseudoTerminal
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tests.support.wait_until import wait_until
from tuilab.cli import exit_codes
from tuilab.cli.command_names import COMMANDS
from tuilab.engine import checkpoint_store
from tuilab.host import discovery, run_store

EXPERIMENT = """network = ["Linear 4", "Tanh", "Linear 2"]
[data]
name = "xor"
[optimizer]
name = "sgd"
"""


@pytest.fixture
def toml_path(tmp_path: Path) -> Path:
    """The path of an experiment file."""
    path = tmp_path / "mine.toml"
    path.write_text(EXPERIMENT)
    return path


# --- help, lists ---------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)])
def test_every_help_ends_with_an_example(run_command: RunCommand, command: Sequence[str]) -> None:
    code, out, err = run_command(*command, "--help")

    assert (code, err) == (0, "")
    last = out.rstrip().splitlines()[-1].strip()
    assert last.startswith(" ".join(["tuilab", *command])), out


def test_every_command_is_known_to_the_entry_point() -> None:
    from tuilab.cli.app import app

    names = set(typer.main.get_group(app).commands)
    assert names == set(COMMANDS)


def test_presets_are_listed_with_a_description(run_command: RunCommand) -> None:
    code, out, _ = run_command("presets")

    assert code == 0
    assert "fashion-mnist-cnn        Real pictures of clothes" in out
    assert "spiral                   Two arms wound around each other" in out


def test_layers_are_listed_and_described(run_command: RunCommand) -> None:
    assert "Keeps the largest value in each window." in run_command("layers")[1]

    code, out, _ = run_command("layers", "conv2d")

    assert code == 0
    assert "Conv2d: A small window of weights slides over the image" in out
    assert "out_channels  required" in out
    assert "kernel_size   default 3" in out
    assert "[3, 28, 28] → [16, 26, 26], 448 parameters" in out


def test_devices_are_listed_with_the_reason_if_one_is_unusable(run_command: RunCommand) -> None:
    code, out, _ = run_command("devices")

    assert code == 0
    assert any(line.startswith("cpu") for line in out.splitlines())
    assert "torch 2." in out


def test_empty_lists_are_reported(run_command: RunCommand, home: Path) -> None:
    assert run_command("ps")[:2] == (0, "No run is in progress.\n")
    assert f"There are no runs yet. They will be stored in {home}" in run_command("runs")[1]


def test_valid_files_are_reported_and_errors_name_their_line(
    run_command: RunCommand, toml_path: Path
) -> None:
    bad = toml_path.with_name("bad.toml")
    bad.write_text(EXPERIMENT + "lr = -1\n")

    code, out, err = run_command("check", str(toml_path), str(bad), "spiral")

    assert code == 2
    assert f"{toml_path}: Xor, 22 parameters, [2] → [2]: valid" in out
    assert "spiral.toml: Spiral," in out
    assert err == f"tuilab: {bad}:6: optimizer.lr: expected a number ≥ 0\n"


def test_a_valid_file_can_have_a_warning(run_command: RunCommand, toml_path: Path) -> None:
    text = toml_path.read_text()
    unusual = toml_path.with_name("unusual.toml")
    unusual.write_text(text.replace('"Tanh"', '"Dropout 0.1"'))
    assert unusual.read_text() != text

    code, out, err = run_command("check", str(unusual))

    assert (code, err) == (0, "")
    assert "  warning: network[2]: two Linear layers without an activation between" in out


# --- bad usage and input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("trian",), "there is no command, preset or file of this name; nearest to"),
        (("trian", "xor"), 'nearest to "trian" is "train"'),
        (("trian", "xor", "--dvice", "cpu"), 'nearest to "trian" is "train"'),
        (("xor", "spiral"), "too many words: spiral. See tuilab open --help"),
        (("train", "spirol"), 'nearest to "spirol" is "spiral"'),
        (("train", "nowhere.toml"), "nowhere.toml: there is no such file"),
        (("train",), "say what to train: a preset, a file, --resume RUN or --branch"),
        (("train", "spiral", "--dvice", "cpu"), "no option --dvice; possible: --device"),
        (("train", "spiral", "--set"), "--set needs a value. See tuilab train --help"),
        (("check",), "FILE is missing. See tuilab check --help"),
        (("presets", "all"), "too many words: all. See tuilab presets --help"),
        (("lessons", "opn"), "there is no command opn; possible: open. See tuilab lessons --help"),
        (("validate", "moons", "--folds", "1"), "--folds 1: expected a number ≥ 2. See"),
        (("validate", "moons", "--folds", "few"), "--folds few: expected a whole number. See"),
        (("validate", "moons", "--folds", "2.5"), "--folds 2.5: expected a whole number. See"),
        (("validate", "moons", "--repeats", "-1"), "--repeats -1: expected a number ≥ 0. See"),
        (("foo",), "foo: there is no command, preset or file of this name; `tuilab --help`"),
        (("explain", "foo"), 'there is nothing called "foo"'),
        (
            ("train", "spiral", "--set", "optimizer.lr"),
            "write KEY=VALUE, such as optimizer.lr=0.01",
        ),
        (
            ("train", "spiral", "--set", "optimizer.lr=-1"),
            "--set optimizer.lr=-1: expected a number ≥ 0",
        ),
        (("train", "spiral", "--set", "lr=1"), "there is no such key; there is optimizer.lr"),
        (("train", "spiral", "--set", "network[9]=ReLU"), "there is no such line"),
        (("train", "spiral", "--set", "network[0][1]=ReLU"), "there is no such line"),
        (("train", "spiral", "--set", "network[4]=Linear 3"), "network: its output is [3], but 2"),
        (("train", "spiral", "--device", "tpu"), "there is no tpu on this machine; there is"),
        (("layers", "Conv"), 'nearest to "Conv" is "Conv1d"'),
        (("stop", "nothing"), "no run is in progress"),
        (("stop", ""), "name the run to stop"),
        (("check", "/"), "this is a folder"),
    ],
)
def test_bad_input_gets_one_clear_sentence_and_exit_code_2(
    run_command: RunCommand, words: Sequence[str], sentence: str
) -> None:
    code, out, err = run_command(*words)

    assert (code, out) == (2, "")
    assert err.startswith("tuilab: ")
    assert len(err.splitlines()) == 1
    assert sentence in err


def test_a_network_whose_shapes_do_not_fit_is_refused_with_its_line(
    run_command: RunCommand, toml_path: Path
) -> None:
    toml_path.write_text('network = [\n  "Linear 4",\n  "Conv2d 8",\n]\ndata.name = "xor"\n')

    code, _, err = run_command("train", str(toml_path))

    assert code == 2
    assert err == (
        f"tuilab: {toml_path}:3: network[1]: Conv2d expects [channels, height, width], "
        "but got [4]; put it before Flatten, or Unflatten (4,1,1) before it\n"
    )


@pytest.mark.parametrize("word", ["--sets=seed=1", "--set=sede=1", "--json", "a b c"])
def test_no_wrong_option_ends_in_a_traceback(run_command: RunCommand, word: str) -> None:
    code, _, err = run_command(*word.split())

    assert code == 2
    assert "Traceback" not in err


# --- training ------------------------------------------------------------------------------------


def test_json_prints_the_events_and_nothing_else(toml_path: Path) -> None:
    words = ("--json", "--set", "training.epochs=2", "--set", "network[1]=ReLU", "--device", "cpu")
    code, out, err = wait_for_exit(start_process("train", toml_path, *words))

    events = [json.loads(line) for line in out.splitlines()]
    names = [event["event"] for event in events]
    assert (code, err) == (0, "")
    assert {"loading", "ready", "started", "epoch_ended", "saved"} <= set(names)
    assert (names.count("finished"), names[-1]) == (1, "finished")
    assert events[-1]["reason"] == "done"
    assert set(events[-1]["results"]) == {"train", "validation", "test"}
    assert events[-1]["seconds"] > 0
    started = next(event for event in events if event["event"] == "started")
    assert started["experiment"]["network"] == ["Linear 4", "ReLU", "Linear 2"]


def test_json_has_every_epoch(toml_path: Path) -> None:
    words = ("--json", "--device", "cpu", "--set", "training.epochs=40")
    code, out, _ = wait_for_exit(start_process("train", toml_path, *words))

    events = [json.loads(line) for line in out.splitlines()]
    ended = [event for event in events if event["event"] == "epoch_ended"]
    assert code == 0
    assert [event["epoch"] for event in ended] == list(range(1, 41))
    assert all(event["validation"] for event in ended)


def test_a_failed_run_shows_the_reason_and_suggests_a_command(toml_path: Path) -> None:
    toml_path.write_text(
        'task = "regression"\nnetwork = ["Linear 1"]\ndata.name = "plane"\nloss.name = "mse"\n'
    )
    sets = ("--set", 'optimizer={name = "sgd", lr = 1000}')

    code, out, err = wait_for_exit(start_process("train", toml_path, "--json", *sets))

    assert code == 1
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "failed"
    assert "tuilab: the run failed: The loss became" in err
    assert "--set training.clip_grad_norm=1.0" in err
    assert "Traceback" not in err


def test_json_ends_with_failed_also_if_training_cannot_start(toml_path: Path) -> None:
    code, out, err = wait_for_exit(
        start_process("train", toml_path, "--json", "--set", "optimizer.lr=-1")
    )

    assert code == 2
    assert json.loads(out)["event"] == "failed"
    assert json.loads(out)["hint"] == "--set optimizer.lr=-1: expected a number ≥ 0"
    assert err == "tuilab: --set optimizer.lr=-1: expected a number ≥ 0\n"


def test_data_that_cannot_be_used_is_bad_input(toml_path: Path, tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train", "t10k"):
        (raw / f"{part}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (3, 28, 28)) + b"cut"
        )
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 0, 1, 2]))

    words = ("fashion-mnist-mlp", "--json", "--set", f"data.root={tmp_path}")
    code, out, err = wait_for_exit(start_process("train", *words))

    assert code == 2
    assert json.loads(out.splitlines()[-1])["event"] == "failed"
    assert err.startswith("tuilab: This experiment cannot be started\ntuilab: It has 19 bytes")
    assert "images-idx3-ubyte" in err


def test_without_a_terminal_output_is_plain_lines_and_the_run_is_listed_afterwards(
    toml_path: Path, run_command: RunCommand
) -> None:
    code, out, err = wait_for_exit(start_process("train", toml_path, "--set", "training.epochs=3"))

    assert (code, err) == (0, "")
    assert "Xor: 22 parameters; examples: 400 training, 100 validation" in out
    assert "epoch 3/3  accuracy" in out
    assert "done after 3 epochs, 39 steps" in out
    assert "\x1b" not in out

    listed = run_command("runs")[1]
    assert "xor-" in listed
    assert "done" in listed
    assert "test accuracy" in listed


def test_a_run_whose_end_cannot_be_stored_fails_and_names_what_is_lost(
    toml_path: Path, run_command: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoint_store, "RETRY_DELAYS", (0.0,))
    monkeypatch.setattr(checkpoint_store, "write_atomically", fail)

    code, out, err = run_command("train", str(toml_path), "--set", "training.epochs=2")

    assert code == exit_codes.FAILED
    assert "done after 2 epochs, 26 steps" in out and "\nnot saved\n" in out
    assert err.startswith("tuilab: The weights of step 26 are lost: they could not be written to ")
    assert " not saved " in run_command("runs")[1]


@pytest.mark.parametrize(
    "number",
    [
        signal.SIGINT,
        signal.SIGTERM,
        pytest.param(signal.SIGHUP, marks=pytest.mark.slow),
    ],
)
def test_a_signal_ends_a_run_cleanly(toml_path: Path, number: signal.Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # under nohup, every child would ignore it
    process = start_process("train", toml_path, "--json", "--set", "training.epochs=1000000")
    host = wait_until(lambda: next((h for h in discovery.list_hosts() if h.step > 0), None))

    process.send_signal(number)
    code, out, err = wait_for_exit(process)

    assert (code, err) == (128 + number, "")
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["reason"]) == ("finished", "interrupted")
    stored = run_store.read_run(run_store.run_dir(host.run))
    assert Path(stored.checkpoint).is_file()
    assert discovery.list_hosts() == []


def test_a_lost_terminal_ends_a_run_with_a_checkpoint(toml_path: Path) -> None:
    words = ["train", str(toml_path), "--set", "training.epochs=1000000"]
    terminal = PseudoTerminal([sys.executable, "-m", "tuilab", *words])
    try:
        terminal.wait_until(lambda: "steps/s" in terminal.text, 60)
        terminal.hang_up()
        assert terminal.process.wait(30) == 128 + signal.SIGHUP
    finally:
        terminal.close()
    (run,) = run_store.list_runs()
    assert (run / run_store.CHECKPOINT).is_file()


@pytest.mark.parametrize("has_signal", [True, False])
def test_output_that_no_one_takes_does_not_hold_up_the_end(
    toml_path: Path, has_signal: bool
) -> None:
    """A terminal that hangs, or is gone without a SIGHUP."""
    words = ["train", str(toml_path), "--set", "training.epochs=1000000"]
    words += ["--json"] if has_signal else []
    terminal = ForeignTerminal([sys.executable, "-m", "tuilab", *words])
    try:
        terminal.wait_until(lambda: "progressed" in terminal.text or "steps/s" in terminal.text, 60)
        if has_signal:
            terminal.stop_reading()
            wait_until(lambda: terminal.unread > 3000)
            terminal.process.send_signal(signal.SIGTERM)
        else:
            terminal.hang_up()
        code = 128 + (signal.SIGTERM if has_signal else signal.SIGHUP)
        assert terminal.process.wait(30) == code
    finally:
        terminal.close()
    (run,) = run_store.list_runs()
    assert (run / run_store.CHECKPOINT).is_file()


@pytest.mark.slow
def test_the_lab_with_its_own_worker_saves_a_checkpoint_at_a_signal(toml_path: Path) -> None:
    words = ["open", str(toml_path), "--in-process", "--set", "training.epochs=1000000"]
    lab = PseudoTerminal([sys.executable, "-m", "tuilab", *words], size=(120, 40))
    try:
        lab.wait_for_text("Network", "quit")
        lab.type(" ")
        lab.wait_until(lambda: "steps/s" in lab.text, 60)
        lab.process.send_signal(signal.SIGTERM)
        assert lab.wait_for_exit() == 128 + signal.SIGTERM
    finally:
        lab.close()
    (run,) = run_store.list_runs()
    assert (run / run_store.CHECKPOINT).is_file()


def test_a_run_without_the_lab_can_be_listed_and_stopped_from_another_shell(
    toml_path: Path, run_command: RunCommand
) -> None:
    process = start_process("train", toml_path, "--set", "training.epochs=1000000")
    host = wait_until(lambda: next((h for h in discovery.list_hosts() if h.step > 0), None))

    listed = run_command("ps")[1]
    stopped = run_command("stop", host.run)
    code, out, _ = wait_for_exit(process)

    assert host.run in listed
    assert "training" in listed
    assert stopped[0] == 0
    assert f"{host.run} stopped at step" in stopped[1]
    assert code == 130
    assert "stopped after" in out


@pytest.mark.slow
def test_a_closed_pipe_ends_the_run_quietly(toml_path: Path) -> None:
    process = start_process("train", toml_path, "--json", "--set", "training.epochs=1000000")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()

    assert process.wait(timeout=100) == exit_codes.CLOSED_OUTPUT
    assert process.stderr.read() == ""
    process.stderr.close()
    assert [path for path in run_store.list_runs() if (path / run_store.CHECKPOINT).exists()]


@pytest.mark.slow
def test_an_ascii_locale_can_train_an_experiment_with_a_german_title(toml_path: Path) -> None:
    toml_path.write_text(f'title = "Größe"\n{EXPERIMENT}[training]\nepochs = 1\n', encoding="utf-8")

    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    code, out, err = wait_for_exit(start_process("train", toml_path, env=environment))

    assert (code, err) == (0, "")
    assert "Gr??e: 22 parameters" in out


@pytest.mark.slow
def test_a_full_disk_behind_stdout_is_one_sentence(toml_path: Path) -> None:
    words = [sys.executable, "-m", "tuilab", "train", str(toml_path), "--json"]
    with open("/dev/full", "w") as full:
        process = subprocess.run(words, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100)

    assert (process.returncode, process.stderr) == (1, "tuilab: No space left on device\n")


@pytest.mark.slow
def test_two_runs_at_once_are_distinguished(toml_path: Path, run_command: RunCommand) -> None:
    processes = [
        start_process("train", toml_path, "--set", "training.epochs=1000000") for _ in range(2)
    ]

    def find_both() -> list[str]:
        runs = [host.run for host in discovery.list_hosts() if host.step]
        return runs if len(runs) == 2 else []

    runs = wait_until(find_both)

    ambiguous = run_command("stop", "xor")
    unknown = run_command("stop", "spiral")
    stopped = [run_command("stop", run)[0] for run in runs]

    assert [wait_for_exit(process)[0] for process in processes] == [130, 130]
    assert ambiguous[0] == unknown[0] == 2
    assert f"several runs match: {', '.join(runs)}" in ambiguous[2]
    assert f"there is {', '.join(runs)}" in unknown[2]
    assert stopped == [0, 0]


def test_without_a_terminal_the_lab_trains_in_plain_lines_and_shows_the_reason(
    toml_path: Path,
) -> None:
    toml_path.write_text(f"{EXPERIMENT}[training]\nepochs = 1\n")

    code, out, err = wait_for_exit(start_process(toml_path))

    assert code == 0
    assert err == "tuilab: plain lines instead of the lab, standard input is not a terminal\n"
    assert "done after 1 epoch," in out


def test_a_terminal_gets_a_progress_bar(toml_path: Path) -> None:
    controller, terminal = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tuilab", "train", str(toml_path), "--set", "training.epochs=300"],
        stdin=terminal, stdout=terminal, stderr=terminal,
        env={**os.environ, "TERM": "xterm-256color"},
    )  # fmt: skip
    os.close(terminal)
    output = b""
    while True:
        try:
            chunk = os.read(controller, 65536)
        except OSError:
            break  # the other end is closed: that is how a terminal ends on Linux
        if not chunk:
            break
        output += chunk
    os.close(controller)

    assert process.wait(timeout=60) == 0
    assert "━" in output.decode()
    assert "done after 300 epochs" in output.decode()
    assert b"\x1b[?25h" in output, "the cursor is visible again"
