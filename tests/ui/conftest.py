"""A still terminal for the ui's tests, and text snapshots of it."""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")  # Textual reads it while it is imported

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual.widgets import Input


class TextScreens(SingleFileSnapshotExtension):
    """One text file for each screen, which a reviewer can read."""

    file_extension = "txt"
    _write_mode = WriteMode.TEXT


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in full colour, no animation, no blinking cursor."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")
    for name in ("SSH_CONNECTION", "TMUX", "TEXTUAL_DRIVER", "LC_ALL", "LC_CTYPE", "TUILAB_GLYPHS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Input, "cursor_blink", False)


@pytest.fixture
def screens(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare a screen's text with the one kept beside the test."""
    return snapshot.use_extension(TextScreens)
