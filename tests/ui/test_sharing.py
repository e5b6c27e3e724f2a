"""An experiment leaves the lab as a short string, and comes back through the dialog."""

import pytest
from textual import events
from textual.widgets import Input

from tests.support.fake_link import SPIRAL
from tests.support.lab_pilot import open_lab
from tuilab.core import paths
from tuilab.core.experiment import share_string
from tuilab.core.experiment.experiment import with_value

CHANGED = with_value(SPIRAL, "optimizer.lr", 0.07)


async def test_a_key_copies_the_string() -> None:
    async with open_lab(CHANGED) as lab:
        await lab.press("ctrl+y")

        string = lab.app._clipboard
        assert share_string.decode(string) == CHANGED
        assert (paths.data_dir() / "copied.txt").read_text() == string
        await lab.wait_for_text("tuilab open STRING")


async def test_a_file_of_the_user_is_named() -> None:
    async with open_lab(with_value(SPIRAL, "transfer.source", "/tmp/mine.safetensors")) as lab:
        await lab.press("ctrl+y")

        assert lab.app._clipboard == ""
        await lab.wait_for_text("Not copied", "transfer.source")


@pytest.mark.parametrize("is_pasted", [True, False])
async def test_the_dialog_opens_a_string(is_pasted: bool) -> None:
    string = share_string.encode(CHANGED)
    async with open_lab(SPIRAL) as lab:
        await lab.press("ctrl+o")
        line = lab.app.screen.query_one(Input)
        if is_pasted:
            line.post_message(events.Paste(f" {string}\n"))
            await lab.pilot.pause()
        else:
            line.value = string
        await lab.press("enter")

        await lab.wait_until(lambda: lab.workspace.experiment == CHANGED)


async def test_the_dialog_says_that_a_string_is_damaged() -> None:
    async with open_lab(SPIRAL) as lab:
        await lab.press("ctrl+o")
        lab.app.screen.query_one(Input).value = share_string.encode(CHANGED)[:-3]
        await lab.press("enter")

        await lab.wait_for_text("damaged or cut off")
        assert lab.workspace.experiment == SPIRAL
