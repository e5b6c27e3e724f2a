"""Keys that come faster than they are obeyed."""

from textual import events

from tests.support.fakes import Lab, lab
from tuilab.core.protocol.commands import Start, Step, Stop


def _burst(it: Lab, *keys: str) -> None:
    """Keys as they come in one packet."""
    for key in keys:
        it.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_what_is_typed_at_once_after_a_key_goes_where_the_key_leads() -> None:
    async with lab() as it:
        _burst(it, "2", "ctrl+f", *"epochs", "enter", "enter", "ctrl+u", *"77", "enter")

        await it.until(lambda: it.desk.experiment.training.epochs == 77)
        assert not it.link.commands(Start)


async def test_a_dialog_is_answered_once_however_many_keys_come() -> None:
    async with lab() as it:
        await it.train()
        _burst(it, "q", "s", "s", "c", "s")

        await it.until(lambda: it.link.commands(Stop))
        assert not it.app.crash


async def test_keys_that_nobody_wants_hold_nothing_up() -> None:
    async with lab() as it:
        await it.train()
        _burst(it, "f12", "f11", "s")

        await it.until(lambda: it.link.commands(Step))
