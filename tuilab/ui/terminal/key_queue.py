"""An app that handles one key after another, however fast they come."""

import asyncio
from collections import deque
from dataclasses import dataclass
from functools import partial

from textual import events
from textual.app import App
from textual.message import Message

MAX_KEY_SECONDS = 0.25
"""Seconds after which the next key is handled although the last one was not reported back."""


class KeyQueueApp(App[int]):
    """An app in which a key is handled before the next one is dispatched.

    Textual sends a key to the widget in focus as soon as it arrives, and looks up its binding
    later. When keys are typed fast, or arrive in one packet over SSH, the letters after the key
    that opens an input would go to the pane, where letters are commands.
    """

    @dataclass
    class KeyHandled(Message):
        """Follows a key through the message queues; when it arrives, the key has been handled."""

        key: events.Key | events.Paste

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._key: events.Key | events.Paste | None = None
        "The one that is being handled."
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._timeout: asyncio.TimerHandle | None = None

    async def on_event(self, event: events.Event) -> None:
        """Lets a key wait while another is being handled."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._key is not None or self._waiting:
            self._waiting.append(event)
        else:
            await self._dispatch_key(event)

    async def _dispatch_key(self, key: events.Key | events.Paste) -> None:
        self._key = key
        target = self.focused or self.screen
        await super().on_event(key)
        target.post_message(self.KeyHandled(key))
        loop = asyncio.get_running_loop()
        self._timeout = loop.call_later(MAX_KEY_SECONDS, partial(self._finish, key))

    def on_key_queue_app_key_handled(self, event: KeyHandled) -> None:
        """Handles the next key after a frame, in which a dialog that has opened takes the focus."""
        self.screen.call_after_refresh(self._finish, event.key)

    def _finish(self, key: events.Key | events.Paste) -> None:
        if key is not self._key:
            return
        self._key = None
        if self._timeout is not None:
            self._timeout.cancel()
        if self._waiting:
            self.call_later(self._next)

    async def _next(self) -> None:
        if self._waiting and self._key is None:
            await self._dispatch_key(self._waiting.popleft())
