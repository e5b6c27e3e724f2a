"""The log follows the run and stays where the reader has scrolled."""

from tests.support.lab_pilot import open_lab
from tuilab.core.protocol.events import Logged


async def test_lines_are_shown_once_also_when_the_run_drops_its_oldest() -> None:
    async with open_lab() as lab:
        await lab.press("5")
        await lab.play(*(Logged(f"line {number}", "output") for number in range(3000)))
        await lab.play(Logged("line 3000", "output"), Logged("line 3000", "output"))
        lines = list(lab.app.main_screen.panes.log_pane._lines)
        assert lines[-3:] == ["line 2999", "line 3000", "line 3000"]
        assert lines.count("line 2999") == 1
        await lab.wait_for_text("line 3000")


async def test_the_log_follows_the_newest_line_until_it_is_scrolled_up() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("5")
        await lab.play(*(Logged(f"line {number}", "output") for number in range(100)))
        await lab.wait_for_text("line 99")
        await lab.press("home")
        await lab.wait_for_text("line 0")
        await lab.play(Logged("a new line", "output"))
        assert "a new line" not in lab.text
        await lab.press("end")
        await lab.wait_for_text("a new line")


async def test_unread_lines_are_counted_beside_the_name_of_the_log() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.play(Logged("one\ntwo", "output"))
        await lab.wait_for_text("Log +2")
        await lab.press("5")
        await lab.wait_for_text("▸5 Log")
        assert "+2" not in lab.text
