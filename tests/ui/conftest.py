"""A terminal without animations for the tests of the ui, and snapshots of its text."""

import os
from math import inf

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # Textual reads it while it is imported

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.widgets import Input

from tuilab.ui.app import TuilabApp


class TextSnapshots(SingleFileSnapshotExtension):
    """One text file for each screen, which a reviewer can read."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture(autouse=True)
def _static_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in full color without animations and without a blinking cursor."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("SSH_CONNECTION", "TMUX", "TEXTUAL_DRIVER", "LC_ALL", "LC_CTYPE", "TUILAB_GLYPHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Input, "cursor_blink", False)
    # On a busy machine a drawing looks expensive, and the next one would come later.
    monkeypatch.setattr("tuilab.ui.canvas.canvas.CHEAP_SECONDS", inf)


@pytest.fixture
def no_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps the lag meter at zero, so that screens repeat."""
    monkeypatch.setattr(TuilabApp, "_measure_lag", lambda *_: None)


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """The text of a screen, in a file beside the test."""
    return snapshot.use_extension(TextSnapshots)
