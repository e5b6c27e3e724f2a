"""Keys that come faster than they are obeyed."""

from textual import events

from tests.support.fakes import Lab, open_lab
from tuilab.core.protocol.commands import Start, Step, Stop


def _burst(lab: Lab, *keys: str) -> None:
    """Keys as they come in one packet."""
    for key in keys:
        lab.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_is_typed_at_once_after_a_key_goes_where_the_key_leads() -> None:
    async with open_lab() as lab:
        _burst(lab, "2", "ctrl+f", *"epochs", "enter", "enter", "ctrl+u", *"77", "enter")

        await lab.until(lambda: lab.workspace.experiment.training.epochs == 77)
        assert not lab.link.commands(Start)


async def test_a_dialog_is_answered_once_however_many_keys_come() -> None:
    async with open_lab() as lab:
        await lab.train()
        _burst(lab, "q", "s", "s", "c", "s")

        await lab.until(lambda: lab.link.commands(Stop))
        assert not lab.app.crash_report


async def test_keys_that_nobody_wants_hold_nothing_up() -> None:
    async with open_lab() as lab:
        await lab.train()
        _burst(lab, "f12", "f11", "s")

        await lab.until(lambda: lab.link.commands(Step))
