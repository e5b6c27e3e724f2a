"""Alerts in the lab: the dialog, what is shown of one, and the sequences for the terminal."""

import re
import sys

import pytest
from textual.widgets import Input

from tests.support.fake_context import FakeLab, run_coroutine
from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import open_lab
from tests.support.pseudo_terminal import PseudoTerminal
from tuilab.core import paths
from tuilab.core.experiment import toml_file
from tuilab.core.experiment.experiment import with_value
from tuilab.core.protocol.commands import SetAlerts
from tuilab.core.protocol.events import AlertRaised, AlertsChanged
from tuilab.ui.controllers.alerts import AlertController
from tuilab.ui.terminal.notification import alert_sequence
from tuilab.ui.workspace import Workspace


@pytest.mark.parametrize("size", [(160, 45), (80, 24)])
async def test_the_dialog_asks_the_host(size: tuple[int, int]) -> None:
    async with open_lab(SPIRAL, size) as lab:
        await lab.press("ctrl+n")
        await lab.wait_for_text("Notify me when", "validation.accuracy>0.95", "how to add more")
        lab.app.screen.query_one(Input).value = "accuracy>0.9"
        await lab.wait_for_text("say of which examples")
        lab.app.screen.query_one(Input).value = "train.loss<0.1, end"
        await lab.press("enter")

        assert lab.link.sent[-1] == SetAlerts(["train.loss<0.1", "end"])


async def test_the_dialog_shows_and_clears_what_the_host_has() -> None:
    async with open_lab(SPIRAL) as lab:
        await lab.play(AlertsChanged(["step>100"]))
        await lab.press("ctrl+n")
        assert lab.app.screen.query_one(Input).value == "step>100"
        lab.app.screen.query_one(Input).value = ""
        await lab.press("enter")

        assert lab.link.sent[-1] == SetAlerts([])


async def test_an_alert_of_the_run_is_shown_and_rung(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lab(SPIRAL) as lab:
        run = await lab.train()
        rung: list[str] = []
        monkeypatch.setattr(lab.app._driver, "write", rung.append)
        await lab.play(AlertRaised(run, "training", "accuracy is 0.96", 20, condition="step>10"))

        await lab.wait_for_text("accuracy is 0.96")
        assert sum("]777;notify" in text for text in rung) == 1
        await lab.play(AlertRaised("another-run", "done", "it is over"))
        assert sum("]777;notify" in text for text in rung) == 1


async def test_a_new_host_gets_the_requests() -> None:
    async with open_lab(SPIRAL) as lab:
        await lab.play(AlertsChanged(["step>100"]))
        lab.app._respawn = lambda: lab.link
        lab.app.leave_run()

        assert lab.link.sent[-1] == SetAlerts(["step>100"])


def test_a_dialog_without_changes_sends_nothing() -> None:
    lab = FakeLab(Workspace(SPIRAL), None, [])
    controller = AlertController(lab.context)
    for _ in range(2):
        run_coroutine(controller.choose())

    assert (lab.dialogs, lab.sent) == (["Prompt", "Prompt"], [])


# --- the terminal -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "kinds"),
    [
        ({"TERM": "xterm-256color"}, ["9", "777"]),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, ["9"]),
        ({"TERM": "xterm-kitty"}, ["777"]),
        ({"TERM": "xterm-ghostty"}, ["777"]),
        ({"TERM": "foot"}, ["777"]),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, ["777"]),
        ({"TERM": "xterm-256color", "VTE_VERSION": "7600"}, ["777"]),
        ({"TERM": "rxvt-unicode-256color"}, ["777"]),
    ],
)
def test_a_terminal_that_knows_both_notifies_once(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], kinds: list[str]
) -> None:
    for name in ("TERM", "TERM_PROGRAM", "VTE_VERSION", "TMUX"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert re.findall(r"\x1b\](\d+);", alert_sequence("done")) == kinds


def test_a_text_cannot_steer_the_terminal() -> None:
    hostile = "4;1;\x1b]0;owned\a\x1b\\\n\u202e" + "x" * 5000

    sequence = alert_sequence(hostile)

    inside, end = r"([^\x00-\x1f]*)", r"\x1b\\"
    parts = re.fullmatch(rf"\x07\x1b\]9;{inside}{end}\x1b\]777;{inside}{end}", sequence)
    assert parts is not None and len(sequence) < 1000
    assert parts[1].startswith("tuilab: 4;1;") and parts[2].count(";") == 2
    assert "\u202e" not in sequence


def test_the_lab_rings_a_real_terminal() -> None:
    short = with_value(SPIRAL, "training.epochs", 2)
    path = paths.data_dir() / "short.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    toml_file.write(path, short)
    words = ["-m", "tuilab", "open", str(path), "--in-process", "--notify", "step>3"]
    terminal = PseudoTerminal([sys.executable, *words], size=(120, 40), TERM_PROGRAM="")
    try:
        terminal.wait_for_text("Linear 16")
        terminal.type(" ")
        terminal.wait_until(lambda: b"\x1b]9;tuilab: a-spiral-" in bytes(terminal.raw), seconds=60)
        terminal.wait_for_text("(step>3)")
    finally:
        terminal.close()
