"""A run without the lab, as lines of text, a progress bar or lines of JSON."""

import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from tuilab.core.catalogue.metrics import headline
from tuilab.core.diagnosis.finding import Diagnosed
from tuilab.core.errors import CANNOT_START
from tuilab.core.protocol.commands import Set
from tuilab.core.protocol.events import (
    AnyEvent,
    Changed,
    EpochEnded,
    Failed,
    Finished,
    Loading,
    Logged,
    Paused,
    Progressed,
    Resumed,
    Rewound,
    Saved,
    Started,
)
from tuilab.core.protocol.inspect.set_weight import Assigned
from tuilab.host import run_store

EVERY, PER_RUN = 1.0, 50
"""Seconds between two lines at least; later the run's age over this: nobody reads thousands."""


class Output(Protocol):
    """Shows one run to a person or a program."""

    def show(self, event: AnyEvent) -> None:
        """Show one event, if it is worth showing."""

    def close(self) -> None:
        """Leave the terminal as it was."""


class Json:
    """Every event as one line of JSON, as a run's log holds it, and nothing else on stdout."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._lines = os.dup(1)
        os.dup2(2, 1)  # what libraries print must not come between

    def show(self, event: AnyEvent) -> None:
        """Print one event."""
        left = memoryview(run_store.line(event))
        while left:
            left = left[os.write(self._lines, left) :]

    def close(self) -> None:
        """Give stdout back."""
        sys.stdout.flush()
        os.dup2(self._lines, 1)
        os.close(self._lines)


class Lines:
    """Plain lines: what begins, each epoch (at most one a second), what happens, how it ends."""

    def __init__(self) -> None:
        self._epochs, self._folder = 0, ""
        self._rate, self._begun = 0.0, time.monotonic()
        self._shown = float("-inf")
        self._loading: tuple[str, int] = ("", -1)
        self._waiting: EpochEnded | None = None

    def show(self, event: AnyEvent) -> None:
        """Print what a reader wants to know of one event."""
        for line in self._lines(event):
            print(line, flush=True)

    def close(self) -> None:
        """Nothing is open."""

    def _lines(self, event: AnyEvent) -> Iterator[str]:
        match event:
            case Loading():
                yield from self._load(event)
            case Started():
                self._epochs, self._folder = event.experiment.training.epochs, event.folder
                yield introduction(event)
            case Progressed():
                self._rate = event.steps_per_second
            case EpochEnded():
                yield from self._epoch(event)
            case Finished() | Failed():
                if self._waiting is not None:
                    yield self._measured(self._waiting)
                yield from ending(event, self._folder)
            case _:
                yield from happening(event)

    def _load(self, event: Loading) -> Iterator[str]:
        """Name what is loaded once, then each quarter of it."""
        quarter = -1 if event.fraction is None else int(event.fraction * 4)
        if (event.what, quarter) == self._loading or event.fraction == 1:
            return
        self._loading = (event.what, quarter)
        yield loading(event.what) if quarter <= 0 else f"{event.what}: {quarter * 25} %"

    def _epoch(self, event: EpochEnded) -> Iterator[str]:
        self._waiting = event
        now = time.monotonic()
        if now - self._shown >= max(EVERY, (now - self._begun) / PER_RUN):
            self._shown, self._waiting = now, None
            yield self._measured(event)

    def _measured(self, event: EpochEnded) -> str:
        held = numbers(headline(event.validation, 3))
        validation = f"  validation {held}" if event.validation else ""
        rate = f"  {self._rate:,.0f} steps/s" if self._rate else ""
        count = f"{event.epoch:{len(str(self._epochs))}}/{self._epochs}"
        return f"epoch {count}  {numbers(headline(event.train, 4))}{validation}{rate}"


def loading(what: str) -> str:
    """What takes a while; a name alone is being loaded."""
    return what if " " in what else f"loading {what}"


def numbers(values: dict[str, float]) -> str:
    """Names and values, such as `accuracy 0.991  loss 0.0312`."""
    return "  ".join(f"{name} {value:.4g}" for name, value in values.items())


def introduction(event: Started) -> str:
    """What is about to be trained, on what and where."""
    parts = {"train": "to train", "validation": "to validate", "test": "to test"}
    examples = ", ".join(
        f"{count:,} {parts.get(part, part)}" for part, count in event.examples.items() if count
    )
    title = event.experiment.title or event.experiment.data.title
    words = f"{title}: {event.parameters:,} parameters; examples: {examples}; on {event.device}"
    return f"{words}; {event.note}" if event.note else words


def happening(event: AnyEvent) -> Iterator[str]:
    """What somebody at another end, or a library, did to the run."""
    match event:
        case Changed():
            yield f"step {event.step}: {event.key} is now {event.value}"
        case Assigned():
            yield f"step {event.step}: {event.text}, written by hand"
        case Diagnosed():
            yield from diagnosed(event)
        case Paused():
            yield f"paused at step {event.step}{': ' if event.note else ''}{event.note}"
        case Resumed():
            yield f"goes on from step {event.step}"
        case Rewound():
            yield f"back at step {event.step}"
        case Saved():
            yield f"saved {event.path}"
        case Logged():
            yield event.text


def diagnosed(event: Diagnosed) -> Iterator[str]:
    """What has been found and what is no longer found, a line each."""
    for told in event.found:
        if told.name in event.come:
            way = f"; try {told.fixes[0].label}" if told.fixes else ""
            yield f"! step {event.step}: {told.title} ({told.confidence:.0%} sure){way}"
    for title in event.gone:
        yield f"step {event.step}: no longer so: {title}"


def ending(event: Finished | Failed, kept: str = "") -> Iterator[str]:
    """How it came out, and where it is kept; a failure is told on stderr when all is closed."""
    if isinstance(event, Finished):
        word = "done" if event.reason == "done" else event.reason
        yield f"{word} after {event.epoch:,} epochs, {event.step:,} steps, {event.seconds:.1f} s"
        for part, values in event.results.items():
            yield f"  {part:10}  {numbers(headline(values))}"
    if kept:
        yield f"kept in {kept}"


def failure(event: Failed) -> Iterator[str]:
    """What went wrong and what to do about it."""
    yield event.title if event.title == CANNOT_START else f"the run failed: {event.title}"
    yield from (line for text in (event.hint, event.detail) for line in text.splitlines())


def ways_out(event: Failed, name: str, sets: Sequence[str]) -> Iterator[str]:
    """What a failure offers, as commands that can be typed instead of the one that was."""
    for offer in event.offers:
        new = {item.key: _toml(item.value) for item in offer.commands if isinstance(item, Set)}
        if not new:
            continue
        kept = [text for text in sets if text.partition("=")[0] not in new]
        words = [word for text in (*kept, *map("=".join, new.items())) for word in ("--set", text)]
        yield f"try: {shlex.join(['tuilab', 'train', name, *words])}"


def _toml(value: Any) -> str:
    return msgspec.json.encode(value).decode()
