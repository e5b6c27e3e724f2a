"""The log keeps up with the run and stays where the reader is."""

from tests.support.fakes import lab
from tuilab.core.protocol.events import Logged


async def test_lines_come_once_also_when_the_run_forgets_its_oldest() -> None:
    async with lab() as it:
        await it.press("5")
        await it.play(*(Logged(f"line {number}", "output") for number in range(3000)))
        await it.play(Logged("line 3000", "output"), Logged("line 3000", "output"))
        lines = list(it.app.lab.log_pane._lines)
        assert lines[-3:] == ["line 2999", "line 3000", "line 3000"]
        assert lines.count("line 2999") == 1
        await it.shows("line 3000")


async def test_it_follows_the_newest_line_until_somebody_scrolls_up() -> None:
    async with lab(size=(80, 24)) as it:
        await it.press("5")
        await it.play(*(Logged(f"line {number}", "output") for number in range(100)))
        await it.shows("line 99")
        await it.press("home")
        await it.shows("line 0")
        await it.play(Logged("news", "output"))
        assert "news" not in it.text
        await it.press("end")
        await it.shows("news")


async def test_news_that_nobody_has_seen_are_counted_beside_its_name() -> None:
    async with lab(size=(80, 24)) as it:
        await it.play(Logged("one\ntwo", "output"))
        await it.shows("Log +2")
        await it.press("5")
        await it.shows("▸5 Log")
        assert "+2" not in it.text
