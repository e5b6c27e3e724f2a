"""The palette and the help: plain titles at every pane and view, and keystrokes that stay cheap."""

import sys
from types import FrameType
from typing import Any

import pytest
from textual.fuzzy import Matcher
from textual.widgets import Static

from tests.support.fake_link import training_events
from tests.support.lab_pilot import Lab, open_lab
from tuilab.core.lessons.link_targets import PANES
from tuilab.core.protocol.events import Paused
from tuilab.ui.keymap import list_actions
from tuilab.ui.views.registry import VIEWS

MAX_TITLE = 80

CALLS_PER_ENTRY = 150
"""Calls of Python functions that one keystroke may cost for each entry of the palette."""

MARKUP = ("[", "]", "@click", "\\", "\n")


async def open_run(lab: Lab) -> None:
    """Plays a run that is paused, so that panes and views have something to show."""
    await lab.press("space")
    run = lab.link.run
    await lab.play(*training_events(run, lab.workspace.experiment, 50), Paused(run, 50))


def titles_of(lab: Lab) -> list[str]:
    return [command.title for command in lab.app.get_system_commands(lab.app.main_screen)]


def count_calls(text: str, titles: list[str]) -> int:
    """Returns the calls that matching a text with every title takes."""
    calls = 0

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    matcher = Matcher(text)
    before = sys.getprofile()
    sys.setprofile(count)
    try:
        for title in titles:
            matcher.match(title)
    finally:
        sys.setprofile(before)
    return calls


async def check_titles(lab: Lab) -> None:
    """Checks what the palette and the help show now."""
    sections = {action.section for action in list_actions(lab.app.main_screen)}
    descriptions = {a.binding.description for a in list_actions(lab.app.main_screen)}
    for text in {*titles_of(lab), *sections, *descriptions}:
        assert text and len(text) <= MAX_TITLE, text
        assert not any(mark in text for mark in MARKUP), text


@pytest.mark.parametrize("size", [(160, 45), pytest.param((80, 24), marks=pytest.mark.slow)])
async def test_titles_are_plain_at_every_pane_and_with_every_view_open(
    size: tuple[int, int],
) -> None:
    async with open_lab(size=size) as lab:
        await open_run(lab)
        for number, _ in enumerate(PANES, 1):
            await lab.press(str(number))
            await check_titles(lab)
        await lab.press("6")
        for name in VIEWS:
            lab.app.main_screen.panes.inspect.action_open(name)
            await lab.pilot.pause()
            await check_titles(lab)


async def test_the_help_shows_plain_headings() -> None:
    async with open_lab() as lab:
        await lab.press("6", "?")
        headings = [str(line.render()) for line in lab.app.screen.query(".section")]
        assert len(headings) > 6
        assert not [text for text in headings if len(text) > 20 or "[" in text]
        assert "@click" not in lab.text


async def test_a_keystroke_in_the_palette_costs_a_bounded_amount_for_each_entry() -> None:
    async with open_lab() as lab:
        await open_run(lab)
        await lab.press("6")
        titles = titles_of(lab)
        for query in ("learning rate", "runs", "resume", "delete", "experiment", "eeeeeeee"):
            for length in range(1, len(query) + 1):
                calls = count_calls(query[:length], titles)
                assert calls <= CALLS_PER_ENTRY * len(titles), query[:length]


async def test_what_is_typed_in_the_palette_lists_what_is_meant() -> None:
    async with open_lab() as lab:
        await lab.press("6", "/", *"learning")
        await lab.wait_for_text("Training: find a learning rate")


@pytest.mark.parametrize(("pane", "first"), [("2", "Hyperparameters"), ("3", "Charts")])
async def test_the_palette_begins_with_the_pane_in_focus_and_then_training(
    pane: str, first: str
) -> None:
    async with open_lab(size=(160, 45)) as lab:
        await open_run(lab)
        await lab.press(pane)
        sections = list(dict.fromkeys(title.partition(":")[0] for title in titles_of(lab)))
        await lab.press("/")
        await lab.wait_for_text(f"{first}: ")
        lines = lab.text.splitlines()

    assert sections[:2] == [first, "Training"]
    entries = [line for line in lines if any(f"{section}: " in line for section in sections)]
    assert f"{first}: " in entries[0]


@pytest.mark.parametrize(
    ("key_text", "label"),
    [
        ("_", "slower"), ("*", "faster"), ("\\", "full speed"),
        (",", "earlier"), (".", "later"), ("0", "now"), ("Y", "branch"),
    ],
)  # fmt: skip
async def test_keys_of_pace_and_time_are_free_in_every_pane_and_shown_as_they_are(
    key_text: str, label: str
) -> None:
    async with open_lab() as lab:
        await lab.press("6")
        for name in VIEWS:
            lab.app.main_screen.panes.inspect.action_open(name)
        await lab.pilot.pause()
        owners = [a for a in list_actions(lab.app.main_screen) if key_text in a.keys]
        assert [action.binding.description for action in owners] == [label]


async def test_the_palette_offers_only_what_has_an_effect() -> None:
    async with open_lab(size=(160, 45)) as lab:
        await open_run(lab)
        titles = titles_of(lab)

    assert not [title for title in titles if "Colder" in title or "Hotter" in title]
    assert "Training: run" in titles


@pytest.mark.parametrize("width", [80, 100, 160])
async def test_each_line_of_the_help_is_there_once_and_under_its_text(width: int) -> None:
    async with open_lab(size=(width, 45)) as lab:
        await lab.press("6", "question_mark")
        widgets = lab.app.screen.query(".section, .key").results(Static)
        texts = [str(widget.content) for widget in widgets]

    assert {"Result", "Network", "Charts"} <= set(texts)
    entries = [text.split("  ")[-1] for text in texts]
    assert "Set a point of class 1 at the cursor" in entries
    assert not [text for text in texts if "class 2" in text or "→ →" in text]
    wrapped = [line for text in texts for line in text.splitlines()[1:]]
    assert all(line.startswith(" " * 18) for line in wrapped)
    assert all(len(line) <= min(92, width) - 8 for text in texts for line in text.splitlines())


async def test_an_ascii_terminal_has_names_for_keys_and_ranges(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TUILAB_GLYPHS", "ascii")
    async with open_lab(size=(160, 45)) as lab:
        await lab.wait_for_text("enter edit", "0 <= ... <= 2,147,483,647")
        assert "⏎" not in lab.text
