"""Prose in lines: wrapped between words only, each place still whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.color import Color

from tests.support.fakes import lab
from tuilab.ui.widgets.rich_text import Piece, RichTextView, wrap

PIECES = st.lists(
    st.builds(Piece, st.text("ab ()é漢", max_size=12), st.sampled_from(["", "bold"]),
              st.sampled_from([None, 1, 2])),
    max_size=8,
)  # fmt: skip


@given(PIECES, st.integers(1, 30))
def test_no_word_is_lost_or_broken_and_lines_fit(pieces: list[Piece], width: int) -> None:
    lines = ["".join(piece.text for piece in line) for line in wrap(pieces, width)]
    words = "".join(piece.text for piece in pieces).split()
    assert [word for line in lines for word in line.split()] == words
    longest = max(map(cell_len, words), default=0)
    assert all(cell_len(line.rstrip()) <= max(width, longest) for line in lines)


def test_a_bracket_stays_with_the_link_in_it() -> None:
    pieces = [Piece("make it ("), Piece("try 0.2", "link", 1), Piece("), then")]
    lines = ["".join(piece.text for piece in line).rstrip() for line in wrap(pieces, 10)]
    assert lines == ["make it", "(try 0.2),", "then"]


def test_first_line_and_others_are_indented() -> None:
    lines = wrap([Piece("one two three")], 8, "   ", " • ")
    texts = ["".join(piece.text for piece in line).rstrip() for line in lines]
    assert texts == [" • one", "   two", "   three"]


async def test_only_lines_that_differ_are_drawn_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with lab(lesson="perceptron") as it:
        reading, drawn = it.app.lab.lesson.reading, []
        monkeypatch.setattr(reading, "refresh_line", drawn.append)
        lines = list(reading.lines)
        lines[3] = (Piece("another"),)
        reading.show(lines)
        assert drawn == [3]
        reading.show(lines)
        assert drawn == [3]


@pytest.mark.parametrize("theme", ["tuilab-dark", "tuilab-light"])
async def test_every_style_can_be_read_with_the_cursor_on_it_and_without(theme: str) -> None:
    async with lab(lesson="perceptron") as it:
        it.app.theme = theme
        await it.pilot.pause()
        reading = it.app.lab.lesson.reading
        for name in sorted(RichTextView.COMPONENT_CLASSES):
            for spot in (None, "here"):
                reading.spot = spot
                style = reading._style(Piece("word", name.removeprefix("reading--"), spot))
                assert style.color is not None and style.bgcolor is not None
                colour, behind = map(Color.from_rich_color, (style.color, style.bgcolor))
                assert contrast(colour, behind) >= 3, (name, spot)


def contrast(one: Color, other: Color) -> float:
    """The ratio of the Web Content Accessibility Guidelines; 3 is the least for bold text."""
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: Color) -> float:
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
              for c in colour.normalized]  # fmt: skip
    return sum(part * share for part, share in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))
