"""The style of drawings: colors of the theme, and glyphs where there is no color."""

import pytest

from tests.support.draw_styles import ASCII_ONLY, COLORED, COLORLESS
from tests.support.lab_pilot import open_lab
from tuilab.ui.canvas.canvas import Canvas
from tuilab.ui.canvas.draw_style import FAINT


def test_the_diverging_scale_grows_from_the_background_on_both_sides() -> None:
    def distance(value: float) -> int:
        pair = zip(COLORED.diverging_pixel(value), COLORED.diverging_pixel(0.0), strict=True)
        return sum(abs(first - second) for first, second in pair)

    assert distance(0.0) == 0
    for sign in (1, -1):
        assert distance(0.25 * sign) < distance(0.5 * sign) < distance(1.0 * sign)
    assert COLORED.diverging_pixel(9.0) == COLORED.diverging_pixel(1.0)
    (red, _, blue), (red_below, _, blue_below) = map(COLORED.diverging_pixel, (1.0, -1.0))
    assert blue > red and red_below > blue_below


def test_without_color_glyphs_distinguish_negative_from_positive() -> None:
    below = {COLORLESS.diverging_glyph(-part / 10) for part in range(3, 11)}
    above = {COLORLESS.diverging_glyph(part / 10) for part in range(3, 11)}
    assert not below & above
    assert COLORLESS.class_style(0).bold and not COLORED.class_style(0).bold


def test_text_is_spelled_and_truncated_for_the_terminal() -> None:
    assert (COLORED.spell("a → b²"), ASCII_ONLY.spell("a → b²")) == ("a → b²", "a -> b^2")
    assert (COLORED.truncate("abcdef", 4), ASCII_ONLY.truncate("abcdef", 4)) == ("abc…", "abc~")


async def test_the_style_follows_the_theme() -> None:
    async with open_lab() as lab:
        canvas = lab.app.main_screen.query(Canvas).first()
        before = canvas.draw_style
        assert before is canvas.draw_style, "it is read once"
        assert before.has_color and before.line(1) != before.line(1 + FAINT)

        lab.app.theme = "tuilab-light"
        await lab.pilot.pause()

        after = canvas.draw_style
        assert (after.background, after.line(1)) != (before.background, before.line(1))


@pytest.mark.parametrize("variable", ["NO_COLOR", "TUILAB_GLYPHS"])
async def test_there_is_no_color_where_none_can_be_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "ascii")
    async with open_lab() as lab:
        style = lab.app.main_screen.query(Canvas).first().draw_style
        assert not style.has_color
        assert style.is_ascii == (variable == "TUILAB_GLYPHS")
