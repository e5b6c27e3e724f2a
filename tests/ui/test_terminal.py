"""Printed text in lines, drawings in ASCII, copies by OSC 52, and few colors or frames."""

import base64
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuilab.ui import themes
from tuilab.ui.terminal import clipboard, environment, terminal
from tuilab.ui.terminal.terminal import MAX_PRINTED_LINES, PrintedLines, to_ascii


def print_lines(*texts: str) -> list[str]:
    """The lines that a log shows after texts were printed, taken after each."""
    lines: list[str] = []
    buffer = PrintedLines()
    for text in texts:
        buffer.feed(text)
        for line, replaces in buffer.pop_lines():
            if replaces:
                lines[-1] = line
            else:
                lines.append(line)
    return lines


def test_lines_are_joined_from_pieces() -> None:
    assert print_lines("one\ntw", "o\nthree\n") == ["one", "two", "three"]


def test_a_carriage_return_overwrites_its_line() -> None:
    assert print_lines("10%\r", "50%\r", "100%\ndone\n") == ["100%", "done"]
    assert print_lines("windows\r\nlines\r", "\n") == ["windows", "lines"]


def test_escapes_and_control_characters_are_removed() -> None:
    assert print_lines("\x1b[31mred\x1b[0m \x1b]0;title\x07bell\a\ttab\n") == ["red bell    tab"]


def test_a_flood_is_bounded_and_counted() -> None:
    buffer = PrintedLines()
    buffer.feed("\n".join(map(str, range(MAX_PRINTED_LINES + 100))) + "\n")
    lines = [line for line, _ in buffer.pop_lines()]
    assert lines[0] == "(100 printed lines were dropped)" and lines[-1] == str(
        MAX_PRINTED_LINES + 99
    )
    assert len(lines) == MAX_PRINTED_LINES + 1


@given(st.lists(st.text("ab\n\r", max_size=6), max_size=8))
def test_pieces_give_the_same_lines_as_the_whole(texts: list[str]) -> None:
    assert print_lines(*texts) == print_lines("".join(texts))


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Mn", "Me", "Cf"))))
def test_ascii_is_as_wide_as_what_it_replaces(text: str) -> None:
    plain = to_ascii(text)
    assert plain.isascii()
    assert to_ascii("╭─ ● ⣿█ ━┃ │×") == "+- * @# =# |x"
    assert all(len(to_ascii(character)) in (1, 2) for character in text)


def test_wide_characters_stay_wide() -> None:
    assert cell_len(to_ascii("層a")) == cell_len("層a")


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"LANG": "en_US.UTF-8"}, False),
        ({"LANG": "C.utf8"}, False),
        ({"LC_ALL": "C", "LANG": "en_US.UTF-8"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, True),
        ({"LANG": "POSIX"}, True),
    ],
)
def test_the_locale_decides_whether_glyphs_can_be_shown(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert terminal.is_ascii() is expected


def test_over_ssh_there_are_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TEXTUAL_FPS", "TEXTUAL_ANIMATIONS", "TEXTUAL_SMOOTH_SCROLL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    variables = environment.terminal_variables()
    assert variables["TEXTUAL_FPS"] == "30" and variables["TEXTUAL_ANIMATIONS"] == "none"


@pytest.mark.parametrize(
    ("variables", "plain"),
    [
        ({"TERM": "xterm-256color"}, False),
        ({"TERM": "xterm-kitty"}, False),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, False),
        ({"TERM": "linux"}, True),
        ({"TERM": "xterm-256color", "NO_COLOR": "1"}, True),
    ],
)
def test_few_colors_are_left_to_the_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], plain: bool
) -> None:
    monkeypatch.delenv("COLORTERM", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert themes.needs_ansi_theme() is plain


def test_unreadable_settings_are_ignored(home: Path) -> None:
    (home / "data").mkdir()
    (home / "data" / "settings.toml").write_text("theme = [broken")
    assert themes.load_theme_name() == "tuilab-dark"
    themes.save_theme_name("nord")
    assert themes.load_theme_name() == "nord"


def test_text_is_copied_by_osc_52(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TMUX", raising=False)
    text = "Linear 16\nüber"
    plain = f"\x1b]52;c;{base64.b64encode(text.encode()).decode()}\a"
    assert clipboard.copy_sequence(text) == plain

    monkeypatch.setenv("TMUX", "/tmp/tmux-0/default,1,0")
    assert clipboard.copy_sequence(text) == f"{plain}\x1bPtmux;\x1b{plain}\x1b\\"
