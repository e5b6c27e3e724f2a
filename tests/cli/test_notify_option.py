"""`--notify` and `tuilab notify`: the terminal, the command and the server are real."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from tests.support.pseudo_terminal import PseudoTerminal
from tests.support.shell import RunCommand, start_process, wait_for_exit
from tests.support.webhook_server import WebhookServer
from tuilab.core import paths
from tuilab.ui.terminal.notification import alert_sequence

TRAIN = ["train", "xor", "--set", "training.epochs=2"]


def configure(text: str) -> None:
    paths.config_file().parent.mkdir(parents=True, exist_ok=True)
    paths.config_file().write_text(f"[notify]\n{text}\n")


def test_a_condition_is_reported_as_a_line(run_command: RunCommand) -> None:
    code, out, err = run_command(*TRAIN, "--plain", "--notify", "step>=20, epoch>90")

    assert (code, err) == (0, "")
    alerts = [line for line in out.splitlines() if line.startswith("! xor-")]
    assert len(alerts) == 2
    assert "(step>=20)" in alerts[0] and "is done after 26 steps" in alerts[1]


def test_without_the_option_there_is_no_alert(run_command: RunCommand) -> None:
    assert "! xor-" not in run_command(*TRAIN, "--plain")[1]


def test_the_end_is_still_the_last_line_of_json() -> None:
    with WebhookServer(500) as server:
        configure(f'webhook = "{server.url}"')
        process = start_process(*TRAIN, "--json", "--notify", "end")
        code, out, err = wait_for_exit(process)

    events = [json.loads(line)["event"] for line in out.splitlines()]
    assert events[-1] == "finished" and events.count("alert_raised") == 1
    assert code == 0 and err.count("answers 500") == 1


@pytest.mark.parametrize("command", ["train xor", "open xor", "attach some-run"])
@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("accuracy>0.9", "--notify: accuracy>0.9: column 1: say of which examples"),
        ("  ", "--notify: say of what: end, or a condition"),
    ],
)
def test_a_bad_condition_is_refused_before_anything_starts(
    run_command: RunCommand, command: str, condition: str, problem: str
) -> None:
    code, _, err = run_command(*command.split(), "--notify", condition)

    assert code == 2 and problem in err


def test_several_seeds_have_no_alerts(run_command: RunCommand) -> None:
    code, _, err = run_command(*TRAIN, "--seeds", "2", "--notify", "end")

    assert code == 2 and "leave out --notify or --seeds" in err


def test_a_bad_file_is_refused_where_alerts_are_asked_for(run_command: RunCommand) -> None:
    configure("comand = 1")

    code, _, err = run_command(*TRAIN, "--plain", "--notify", "end")
    assert code == 2 and 'config.toml:2: notify: there is no key "comand"' in err
    assert run_command(*TRAIN, "--plain")[0] == 0


def test_the_terminal_rings_while_output_goes_elsewhere(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "tuilab", *TRAIN, "--plain", "--notify", "step>5"]
    line = f"{shlex.join(words)} > {tmp_path}/out"
    terminal = PseudoTerminal(["sh", "-c", line], TERM_PROGRAM="")
    try:
        assert terminal.wait_for_exit(60) == 0
        raw = bytes(terminal.raw)
    finally:
        terminal.close()
    assert raw.count(b"\a") >= 2
    assert raw.count(b"\x1b]9;tuilab: xor-") == raw.count(b"\x1b]777;notify;tuilab;xor-") == 2
    assert b"\x1b" not in (tmp_path / "out").read_bytes()


# --- tuilab notify ------------------------------------------------------------------------------


def test_without_settings_it_shows_how_to_write_them(run_command: RunCommand) -> None:
    code, out, err = run_command("notify")

    assert (code, err) == (0, "")
    assert f"{paths.config_file()} (not there yet)" in out and "webhook = " in out
    configure(out.partition("[notify]\n")[2])
    assert "command: notify-send tuilab" in run_command("notify")[1]


def test_a_test_sends_by_everything(run_command: RunCommand, tmp_path: Path) -> None:
    with WebhookServer() as server:
        configure(f"command = 'echo $TUILAB_METRIC > {tmp_path}/out'\nwebhook = '{server.url}'")
        code, out, _ = run_command("notify", "--test")

    assert code == 0
    assert "sent by notify.command" in out and "sent by notify.webhook" in out
    assert (tmp_path / "out").read_text() == "validation.accuracy\n"
    assert len(server.posts) == 1
    assert "secret" not in out


def test_what_cannot_be_sent_is_the_exit_code(run_command: RunCommand) -> None:
    configure('command = ["no-such-program-here"]')

    code, out, _ = run_command("notify", "--test", "--json")

    assert code == 1
    test = json.loads(out)["test"]
    assert test == {"notify.command": "no-such-program-here: No such file or directory"}


def test_a_test_rings_the_terminal() -> None:
    command = [sys.executable, "-m", "tuilab", "notify", "--test"]
    terminal = PseudoTerminal(command, TERM_PROGRAM="")
    try:
        assert terminal.wait_for_exit() == 0
        terminal.wait_for_text("sent by bell and desktop notification")
        assert b"\a\x1b]9;tuilab: This is a test" in bytes(terminal.raw)
    finally:
        terminal.close()


def test_inside_tmux_it_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    monkeypatch.setenv("TERM", "tmux-256color")
    monkeypatch.setenv("TERM_PROGRAM", "tmux")
    monkeypatch.delenv("VTE_VERSION", raising=False)

    assert alert_sequence("done") == (
        "\a"
        "\x1bPtmux;\x1b\x1b]9;tuilab: done\x1b\x1b\\\x1b\\"
        "\x1bPtmux;\x1b\x1b]777;notify;tuilab;done\x1b\x1b\\\x1b\\"
    )
