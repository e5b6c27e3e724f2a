"""The log keeps up with the run and stays where the reader is."""

from tests.support.fakes import open_lab
from tuilab.core.protocol.events import Logged


async def test_lines_come_once_also_when_the_run_forgets_its_oldest() -> None:
    async with open_lab() as lab:
        await lab.press("5")
        await lab.play(*(Logged(f"line {number}", "output") for number in range(3000)))
        await lab.play(Logged("line 3000", "output"), Logged("line 3000", "output"))
        lines = list(lab.app.main_screen.panes.log_pane._lines)
        assert lines[-3:] == ["line 2999", "line 3000", "line 3000"]
        assert lines.count("line 2999") == 1
        await lab.shows("line 3000")


async def test_it_follows_the_newest_line_until_somebody_scrolls_up() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.press("5")
        await lab.play(*(Logged(f"line {number}", "output") for number in range(100)))
        await lab.shows("line 99")
        await lab.press("home")
        await lab.shows("line 0")
        await lab.play(Logged("news", "output"))
        assert "news" not in lab.text
        await lab.press("end")
        await lab.shows("news")


async def test_news_that_nobody_has_seen_are_counted_beside_its_name() -> None:
    async with open_lab(size=(80, 24)) as lab:
        await lab.play(Logged("one\ntwo", "output"))
        await lab.shows("Log +2")
        await lab.press("5")
        await lab.shows("▸5 Log")
        assert "+2" not in lab.text
