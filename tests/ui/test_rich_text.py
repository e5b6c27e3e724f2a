"""Prose in lines: wrapped between words only, each target still whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.color import Color

from tests.support.lab_pilot import open_lab
from tuilab.ui.widgets.rich_text import Fragment, RichTextView, wrap_fragments

FRAGMENTS = st.lists(
    st.builds(Fragment, st.text("ab ()é漢", max_size=12), st.sampled_from(["", "bold"]),
              st.sampled_from([None, 1, 2])),
    max_size=8,
)  # fmt: skip


@given(FRAGMENTS, st.integers(1, 30))
def test_no_word_is_lost_or_broken_and_lines_fit(fragments: list[Fragment], width: int) -> None:
    lines = [
        "".join(fragment.text for fragment in line) for line in wrap_fragments(fragments, width)
    ]
    words = "".join(fragment.text for fragment in fragments).split()
    assert [word for line in lines for word in line.split()] == words
    longest = max(map(cell_len, words), default=0)
    assert all(cell_len(line.rstrip()) <= max(width, longest) for line in lines)


def test_a_bracket_stays_with_the_link_in_it() -> None:
    fragments = [Fragment("make it ("), Fragment("try 0.2", "link", 1), Fragment("), then")]
    lines = [
        "".join(fragment.text for fragment in line).rstrip()
        for line in wrap_fragments(fragments, 10)
    ]
    assert lines == ["make it", "(try 0.2),", "then"]


def test_first_line_and_others_are_indented() -> None:
    lines = wrap_fragments([Fragment("one two three")], 8, "   ", " • ")
    texts = ["".join(fragment.text for fragment in line).rstrip() for line in lines]
    assert texts == [" • one", "   two", "   three"]


async def test_only_lines_that_differ_are_drawn_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_lab(lesson="perceptron") as lab:
        view = lab.app.main_screen.panes.lesson.text_view
        refreshed: list[int] = []
        monkeypatch.setattr(view, "refresh_line", refreshed.append)
        lines = list(view.lines)
        lines[3] = (Fragment("another"),)
        view.show(lines)
        assert refreshed == [3]
        view.show(lines)
        assert refreshed == [3]


class TextApp(App[None]):
    """A text of fifty lines and nothing else."""

    def compose(self) -> ComposeResult:
        yield RichTextView()


@pytest.mark.parametrize(
    ("at", "count", "top"),
    [(8, 1, 0), (9, 1, 1), (9, 4, 4), (2, 30, 2), (30, 3, 0)],
    ids=["it fits", "one below", "several below", "more than a screen", "out of sight"],
)
async def test_lines_that_are_added_on_screen_are_scrolled_into_view(
    at: int, count: int, top: int
) -> None:
    """For example, why an answer is right; `at` is the line with the answer."""
    async with TextApp().run_test(size=(40, 10)) as pilot:
        view = pilot.app.query_one(RichTextView)
        lines = [(Fragment(f"line {number}"),) for number in range(50)]
        view.show(lines)
        await pilot.pause()
        added = [(Fragment(f"added {number}"),) for number in range(count)]
        view.show([*lines[:at], (Fragment("chosen"),), *added, *lines[at + 1 :]])
        await pilot.pause()
        assert view.scroll_offset.y == top


LINKS = [(Fragment("w", "term", "weight"), Fragment("choose", "link", "a")),
         (Fragment("b", "term", "bias"),), (Fragment("or", "link", "b"),)]  # fmt: skip


@pytest.mark.parametrize(("keys", "targets"), [
    ("down down down", ["a", "b", "b"]),
    ("up up up", ["b", "a", "a"]),
    ("t t t", ["weight", "bias", "weight"]),
    ("down t down up t", ["a", "bias", "b", "a", "bias"]),
    ("down down t", ["a", "b", "weight"]),
])  # fmt: skip
async def test_arrows_pass_over_terms_and_t_goes_to_them(keys: str, targets: list[str]) -> None:
    async with TextApp().run_test(size=(40, 10)) as pilot:
        view = pilot.app.query_one(RichTextView)
        view.show(LINKS)
        view.focus()
        cursors = []
        for key in keys.split():
            await pilot.press(key)
            cursors.append(view.cursor)
        assert cursors == targets


@pytest.mark.parametrize("theme", ["tuilab-dark", "tuilab-light"])
async def test_every_style_can_be_read_with_the_cursor_on_it_and_without(theme: str) -> None:
    async with open_lab(lesson="perceptron") as lab:
        lab.app.theme = theme
        await lab.pilot.pause()
        view = lab.app.main_screen.panes.lesson.text_view
        for name in sorted(RichTextView.COMPONENT_CLASSES):
            for target in (None, "here"):
                view.cursor = target
                style = view._find_style(Fragment("word", name.removeprefix("rich-text--"), target))
                assert style.color is not None and style.bgcolor is not None
                color, background = map(Color.from_rich_color, (style.color, style.bgcolor))
                assert contrast(color, background) >= 3, (name, target)


def contrast(first: Color, second: Color) -> float:
    """The ratio of the Web Content Accessibility Guidelines; 3 is the least for bold text."""
    darker, lighter = sorted(map(luminance, (first, second)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color: Color) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
              for c in color.normalized]  # fmt: skip
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
