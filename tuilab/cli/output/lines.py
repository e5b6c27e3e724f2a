"""Events as plain lines of text, and the texts that the progress bar uses as well."""

import shlex
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tuilab.core.catalogue.metrics import headline_metrics
from tuilab.core.diagnosis.finding import DiagnosisChanged
from tuilab.core.errors import CANNOT_START
from tuilab.core.format import (
    format_count,
    format_counted,
    format_duration,
    format_number,
    format_percent,
)
from tuilab.core.protocol.commands import SetKnob
from tuilab.core.protocol.events import (
    AlertRaised,
    AnyEvent,
    EpochEnded,
    Failed,
    Finished,
    KnobChanged,
    Loading,
    Logged,
    Paused,
    Progressed,
    Resumed,
    Rewound,
    Saved,
    Started,
)
from tuilab.core.protocol.inspect.set_weight import WeightSet

MIN_LINE_GAP, MAX_LINES_PER_RUN = 1.0, 50
"""Seconds between two lines of epochs: at least the first, later the run's age over the second."""


class PlainOutput:
    """Prints plain lines: the start, each epoch (at most one a second), events, and the end."""

    def __init__(self) -> None:
        self._epochs, self._folder = 0, ""
        self._steps_per_second, self._started_at = 0.0, time.monotonic()
        self._printed_at = float("-inf")
        self._loading: tuple[str, int] = ("", -1)
        self._unprinted: EpochEnded | None = None

    def show(self, event: AnyEvent) -> None:
        """Prints the lines of one event."""
        for line in self._describe(event):
            print(line, flush=True)

    def close(self) -> None:
        """Does nothing."""

    def _describe(self, event: AnyEvent) -> Iterator[str]:
        match event:
            case Loading():
                yield from self._describe_loading(event)
            case Started():
                self._epochs, self._folder = event.experiment.training.epochs, event.folder
                yield describe_start(event)
            case Progressed():
                self._steps_per_second = event.steps_per_second
            case EpochEnded():
                yield from self._describe_epoch(event)
            case Finished() | Failed():
                if self._unprinted is not None:
                    yield self._format_epoch(self._unprinted)
                yield from describe_end(event, self._folder)
            case _:
                yield from describe_event(event)

    def _describe_loading(self, event: Loading) -> Iterator[str]:
        """Yields a line when something starts to load, and at each quarter of it."""
        quarter = -1 if event.fraction is None else int(event.fraction * 4)
        if (event.what, quarter) == self._loading or event.fraction == 1:
            return
        self._loading = (event.what, quarter)
        if quarter <= 0:
            yield describe_loading(event.what)
        else:
            yield f"{event.what}: {format_percent(quarter / 4)}"

    def _describe_epoch(self, event: EpochEnded) -> Iterator[str]:
        self._unprinted = event
        now = time.monotonic()
        gap = max(MIN_LINE_GAP, (now - self._started_at) / MAX_LINES_PER_RUN)
        if now - self._printed_at >= gap:
            self._printed_at, self._unprinted = now, None
            yield self._format_epoch(event)

    def _format_epoch(self, event: EpochEnded) -> str:
        train = format_metrics(headline_metrics(event.train, 4))
        validation = format_metrics(headline_metrics(event.validation, 3))
        speed = f"  {format_number(self._steps_per_second, 2)} steps/s"
        count = f"{event.epoch:{len(str(self._epochs))}}/{self._epochs}"
        return (
            f"epoch {count}  {train}{f'  validation {validation}' if validation else ''}"
            f"{speed if self._steps_per_second else ''}"
        )


def describe_loading(what: str) -> str:
    """Returns `loading NAME`, or the sentence itself."""
    return what if " " in what else f"loading {what}"


def format_metrics(values: dict[str, float]) -> str:
    """Returns names and values, such as `accuracy 0.991  loss 0.0312`."""
    return "  ".join(f"{name} {format_number(value)}" for name, value in values.items())


def describe_start(event: Started) -> str:
    """Returns what is trained, on which data and device."""
    examples = ", ".join(
        f"{format_count(count)} {'training' if split == 'train' else split}"
        for split, count in event.examples.items()
        if count
    )
    title = event.experiment.title or event.experiment.data.title
    parameters = format_counted(event.parameters, "parameter")
    text = f"{title}: {parameters}; examples: {examples}; on {event.device}"
    return f"{text}; {event.note}" if event.note else text


def describe_event(event: AnyEvent) -> Iterator[str]:
    """Yields lines about what another client, the host or a library has done."""
    match event:
        case KnobChanged():
            yield f"step {format_count(event.step)}: {event.key} is now {event.value}"
        case WeightSet():
            yield f"step {format_count(event.step)}: {event.description}, set by hand"
        case DiagnosisChanged():
            yield from _describe_diagnosis(event)
        case Paused():
            note = f": {event.note}" if event.note else ""
            yield f"paused at step {format_count(event.step)}{note}"
        case Resumed():
            yield f"resumed at step {format_count(event.step)}"
        case Rewound():
            yield f"rewound to step {format_count(event.step)}"
        case Saved():
            yield f"saved {event.path}"
        case AlertRaised():
            yield f"! {event.text}"
        case Logged():
            yield event.text


def _describe_diagnosis(event: DiagnosisChanged) -> Iterator[str]:
    step = format_count(event.step)
    if event.too_early:
        yield f"step {step}: too early to say whether something is wrong: {event.too_early}"
    for diagnosis in event.diagnoses:
        if diagnosis.name in event.new:
            fix = f"; try {diagnosis.fixes[0].label}" if diagnosis.fixes else ""
            confidence = format_percent(diagnosis.confidence)
            yield f"! step {step}: {diagnosis.title} ({confidence} confidence){fix}"
    for title in event.resolved:
        yield f"step {step}: resolved: {title}"


def describe_end(event: Finished | Failed, folder: str = "") -> Iterator[str]:
    """Yields the results of a run and where it is stored; failures are printed on stderr."""
    if isinstance(event, Finished):
        epochs, steps = format_counted(event.epoch, "epoch"), format_counted(event.step, "step")
        yield f"{event.reason} after {epochs}, {steps}, {format_duration(event.seconds)}"
        for split, values in event.results.items():
            yield f"  {split:10}  {format_metrics(headline_metrics(values))}"
    if isinstance(event, Finished) and event.lost:
        yield "not saved"  # what is lost is said on stderr
    elif folder:
        yield f"stored in {folder}"


def describe_failure(event: Failed) -> Iterator[str]:
    """Yields what went wrong and what to do about it."""
    yield event.title if event.title == CANNOT_START else f"the run failed: {event.title}"
    yield from (line for text in (event.hint, event.detail) for line in text.splitlines())


def suggest_commands(event: Failed, command: Sequence[str], sets: Sequence[str]) -> Iterator[str]:
    """Yields the offers of a failure as commands to type.

    Args:
        command: what was trained: a preset, a file, or `--resume RUN`.
        sets: the `--set` options that were given.
    """
    for offer in event.offers:
        new = {
            item.key: _to_toml(item.value) for item in offer.commands if isinstance(item, SetKnob)
        }
        if not new:
            continue
        unchanged = [text for text in sets if text.partition("=")[0] not in new]
        texts = (*unchanged, *(f"{key}={value}" for key, value in new.items()))
        options = [word for text in texts for word in ("--set", text)]
        yield f"try: {shlex.join(['tuilab', 'train', *command, *options])}"


def _to_toml(value: Any) -> str:
    return msgspec.json.encode(value).decode()
