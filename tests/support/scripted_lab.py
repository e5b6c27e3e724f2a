"""The lab on a real terminal, with a link that follows a small script.

Its keys: space trains, `s` makes a C library print, `e` makes the lab fail.
"""

import os
import sys

from tests.support.fake_link import (
    READY,
    SPIRAL,
    FakeLink,
    progressed_event,
    started_event,
    training_events,
)
from tuilab.core.protocol.commands import AnyCommand, Pause, Resume, Start, Step, Stop
from tuilab.core.protocol.events import AnyEvent, Paused, Resumed
from tuilab.core.run.run import Snapshot
from tuilab.ui import app
from tuilab.ui.terminal import terminal


class ScriptedLink(FakeLink):
    """A link to a host that trains endlessly, without a network."""

    def __init__(self) -> None:
        super().__init__()
        self._training = ""
        self._step = 0

    def send(self, command: AnyCommand) -> None:
        super().send(command)
        match command:
            case Start():
                self._training, self._step = command.run, 100
                self.play(READY, *training_events(command.run, SPIRAL, 100))
                if command.paused:
                    self.play(started_event(command.run, SPIRAL), Paused(command.run, 100))
            case Pause():
                self._training = ""
                self.play(Paused(self.run, self._step))
            case Resume():
                self._training = self.run
                self.play(Resumed(self.run, self._step))
            case Step(steps=1):
                os.write(1, b"noise from C on 1\n")
                os.write(2, b"10%\r50%\r\x1b[31mnoise from C on 2\x1b[0m\n")
            case Step(epochs=1):
                raise RuntimeError("a crash on request")
            case Stop():
                self._training = ""

    def events(self) -> list[AnyEvent | Snapshot]:
        if self._training:
            self._step += 10
            self.play(progressed_event(self._training, self._step))
        return super().events()


if __name__ == "__main__":
    if reason := terminal.unusable_reason():
        print(f"plain: {reason}")
        sys.exit(0)
    sys.exit(app.run_app(ScriptedLink(), SPIRAL))
