"""An app that takes one key after another, however fast they come."""

import asyncio
from collections import deque
from functools import partial

from textual import events
from textual.app import App
from textual.message import Message

PATIENCE = 0.25
"""Seconds after which the next key is taken though nobody said what became of the last one."""


class OneByOne(App[int]):
    """An app in which a key is obeyed before the next one is given to anybody.

    Textual gives a key to the widget in focus as soon as it comes, and looks up what it does
    later. Typed fast, or come in one packet over SSH, the letters after the key that opens an
    input would go to the pane, where letters are commands.
    """

    class Obeyed(Message):
        """It follows a key on its way through the widgets; where it arrives the key is done."""

        def __init__(self, key: events.Key | events.Paste) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._key: events.Key | events.Paste | None = None
        "What is on its way."
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._patience: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Let a key wait while another is on its way."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._key is not None or self._waiting:
            self._waiting.append(event)
        else:
            await self._take(event)

    async def _take(self, key: events.Key | events.Paste) -> None:
        self._key = key
        target = self.focused or self.screen
        await super().on_event(key)
        target.post_message(self.Obeyed(key))
        loop = asyncio.get_running_loop()
        self._patience = loop.call_later(PATIENCE, partial(self._done, key))

    def on_one_by_one_obeyed(self, event: Obeyed) -> None:
        """A dialog that the key has opened takes its focus before the next key comes."""
        self.screen.call_after_refresh(self._done, event.key)

    def _done(self, key: events.Key | events.Paste) -> None:
        if key is not self._key:
            return
        self._key = None
        if self._patience is not None:
            self._patience.cancel()
        if self._waiting:
            self.call_later(self._next)

    async def _next(self) -> None:
        if self._waiting and self._key is None:
            await self._take(self._waiting.popleft())
