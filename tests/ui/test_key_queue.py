"""Keys that arrive faster than they are handled."""

from textual import events

from tests.support.lab_pilot import Lab, open_lab
from tuilab.core.protocol.commands import Start, Step, Stop


def _send_at_once(lab: Lab, *keys: str) -> None:
    """Posts keys as they arrive in one packet."""
    for key in keys:
        lab.app.post_message(events.Key(key, key if len(key) == 1 else None))


async def test_keys_typed_at_once_go_where_the_first_one_leads() -> None:
    async with open_lab() as lab:
        _send_at_once(lab, "2", "ctrl+f", *"epochs", "enter", "enter", "ctrl+u", *"77", "enter")

        await lab.wait_until(lambda: lab.workspace.experiment.training.epochs == 77)
        assert not lab.link.commands(Start)


async def test_a_dialog_is_answered_once_however_many_keys_come() -> None:
    async with open_lab() as lab:
        await lab.train()
        _send_at_once(lab, "q", "s", "s", "c", "s")

        await lab.wait_until(lambda: lab.link.commands(Stop))
        assert not lab.app.crash_report


async def test_keys_without_a_binding_delay_nothing() -> None:
    async with open_lab() as lab:
        await lab.train()
        _send_at_once(lab, "f12", "f11", "s")

        await lab.wait_until(lambda: lab.link.commands(Step))
