"""Prose in lines: wrapped between words only, each place still whole."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tuilab.ui.widgets.reading import Piece, wrap

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
