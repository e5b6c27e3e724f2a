"""The status bar: the state of the run, how far it is, how fast, and the load of the machine."""

import time
from dataclasses import dataclass, replace

from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import (
    format_bytes,
    format_count,
    format_counted,
    format_duration,
    format_number,
    format_percent,
)
from tuilab.core.protocol.events import Finished, Loading, SeedsReported
from tuilab.core.run.run import Run
from tuilab.core.run.seeds import choose_headline
from tuilab.ui.canvas.cell_buffer import truncate
from tuilab.ui.terminal.glyphs import get_glyphs

BACK_KEY = "0"
"""The key that comes back to now from a snapshot."""

GAP, MINOR_RANK = 6, 9
"""Columns between both ends of a line that parts of this rank and above leave free."""

MIN_LAG = 0.05
"""Seconds of lag from which on it is felt, and shown."""

MIN_TITLE_WIDTH = 12
"""Cells to which a title is cut where there is no room for all of it."""

STATES = {
    "idle": ("○", "text-muted"), "starting": ("◌", "text-muted"), "training": ("●", "success"),
    "paused": ("‖", "warning"), "failed": ("✗", "error"), "finished": ("✓", "primary"),
}  # fmt: skip
"""A sign and a color for each state, so that color is never the only one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of the bar, which is dropped earlier the greater its rank."""

    rank: int
    text: str
    style: str = ""
    min_width: int = 0
    "The cells to which it may be cut; 0: it is shown whole or not at all."


class StatusBar(Widget):
    """Shows one line where there is room, two where there is not."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[list[Part], list[Part], list[Part]] = ([], [], [])
        self._loading: tuple[str, float] = ("", 0.0)
        self.findings = 0
        "Findings of the diagnosis that are not on the screen."

    def show(
        self, run: Run, lag: float, waiting: str, experiment: Experiment, owner: str = ""
    ) -> None:
        """Shows the run, if the bar reads differently then.

        Args:
            lag: seconds that the answer to a key takes.
            waiting: the changes that wait for a restart.
            owner: the id of the run where it is not a run of what is edited.
        """
        parts = (_title(experiment), self._state(run, waiting, owner), _numbers(run, lag))
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def _state(self, run: Run, waiting: str, owner: str) -> list[Part]:
        sign, color = STATES[run.state]
        if run.loading is None:
            self._loading = ("", 0.0)  # a new host loads the same again
        parts = [Part(0, f"{sign} {f'{owner} ' if owner else ''}{run.state}", f"${color} bold")]
        if run.loading is not None:
            parts.append(Part(2, self._describe_loading(run.loading), "$warning"))
        elif run.state == "idle":
            parts.append(Part(9, "space trains"))
        elif run.state == "starting":
            parts.append(Part(2, "waiting for PyTorch" if not run.is_ready else "preparing"))
        elif run.state == "failed" and run.failure is not None:
            parts.append(Part(2, run.failure.title, "$error"))
        elif run.state == "finished" and run.finished is not None and run.finished.reason != "done":
            parts.append(Part(4, run.finished.reason))
        if run.finished is not None and run.finished.lost:
            parts.append(Part(1, "not saved", "$error bold"))
        if run.seeds is not None and run.seeds.is_over:
            parts += [Part(5, text) for text in describe_seeds(run.seeds)]
        if run.checking is not None:
            number, total = run.checking.number, run.checking.total
            parts.append(Part(3, f"checking {number} of {total}", "$warning"))
        if run.past is not None:
            steps = f"step {format_count(run.past.step)} of {format_count(run.step)}"
            parts.append(Part(0, f"at {steps} · back to now: {BACK_KEY}", "$warning bold"))
        elif run.snapshots and run.state in ("paused", "finished"):
            parts.append(Part(MINOR_RANK, ", walks back in time"))
        if waiting:
            parts.append(Part(1, waiting, "$warning bold"))
        if self.findings:
            findings = format_counted(self.findings, "finding")
            parts.append(Part(2, f"! shows {findings}", "$warning bold"))
        return parts

    def _describe_loading(self, loading: Loading) -> str:
        """Returns what takes a while, and how much of it is done or how long it has taken."""
        if self._loading[0] != loading.what:
            self._loading = (loading.what, time.monotonic())
        if loading.fraction is not None:
            bar = progress_bar(loading.fraction, 8)
            return f"{loading.what} {bar} {format_percent(loading.fraction)}"
        what = loading.what if " " in loading.what else f"loading {loading.what}"
        seconds = int(time.monotonic() - self._loading[1])
        return f"{what}…" + (f" {seconds} s" if seconds else "")

    def render_line(self, y: int) -> Strip:
        """Returns a line in as few segments as possible: each costs a slow terminal 40 bytes."""
        return super().render_line(y).simplify()

    def render(self) -> Content:
        """Returns one line or two."""
        width = self.size.width - 2
        name, state, numbers = self._parts
        if self.size.height < 2:
            return _justify(*_fit(name, [*state, *numbers], width), width)
        first = _justify(*_fit(name, state, width), width)
        second = _justify(*_fit(numbers[:1], numbers[1:], width), width)
        return Content("\n").join([first, second])


def describe_seeds(report: SeedsReported) -> list[str]:
    """Returns the most important result of several seeds: `5 seeds: test.accuracy 0.97 ± 0.01`."""
    for name, value in choose_headline(report.summary, 1).items():
        return [f"{format_counted(value.n, 'seed')}: {name} {value}"]
    return []


def _title(experiment: Experiment) -> list[Part]:
    """Returns what is trained."""
    title, data = experiment.title or experiment.data.title, experiment.data.title
    known = title.casefold().split()
    names = [] if all(word in known for word in data.casefold().split()) else [data]
    if classes := experiment.data.classes:
        names.append(f"{len(classes)} classes")
    parts = [
        Part(8, "tuilab", "$accent bold"),
        Part(5, title, "bold", min_width=MIN_TITLE_WIDTH),
        Part(7, " · ".join(names)),
    ]
    return [part for part in parts if part.text]


def _numbers(run: Run, lag: float) -> list[Part]:
    """Returns where it trains, how far it is and how fast."""
    progress, started = run.progress, run.started
    parts: list[Part] = []
    if started is not None:
        parts.append(_epochs(run))
        label = next((d.label for d in run.devices if d.name == started.device), "")
        parts.append(
            Part(9, " ".join(dict.fromkeys([started.device, label.split(",")[0]])).strip())
        )
        parts.append(Part(4, f"step {format_count(run.step)}"))
    if progress is not None and run.state in ("training", "paused"):
        pace = run.experiment.training.pace if run.experiment is not None else 0.0
        is_paced = 0 < pace <= progress.steps_per_second
        speed = format_number(progress.steps_per_second, 2)
        parts.append(Part(3, f"{'pace ' if is_paced else ''}{speed} steps/s"))
        parts.append(Part(10, f"{format_number(progress.examples_per_second, 2)} examples/s"))
        if progress.seconds_left is not None:
            parts.append(Part(6, f"{format_duration(progress.seconds_left)} left"))
    if run.finished is not None:
        parts.extend(_results(run.finished))
        parts.append(Part(6, _duration(run, run.finished)))
    if progress is not None and progress.memory:
        parts.append(Part(11, format_bytes(progress.memory)))
    if progress is not None and progress.device_memory:
        parts.append(Part(11, f"{format_bytes(progress.device_memory)} on device"))
    if lag >= MIN_LAG:
        parts.append(Part(12, f"lag {round(lag * 1000, -1):.0f} ms"))
    return parts


def _duration(run: Run, finished: Finished) -> str:
    """Returns how long a run took; one that was watched at a pace took longer than it computed."""
    seconds = format_duration(finished.seconds)
    starts = (run.experiment, run.started.experiment if run.started is not None else None)
    is_paced = any(one.training.pace for one in starts if one is not None)
    return f"{seconds} of computing" if is_paced else f"in {seconds}"


def _results(finished: Finished) -> list[Part]:
    """Returns the metric on examples that were held out."""
    for part in ("test", "validation"):
        for name, value in finished.results.get(part, {}).items():
            if name != "loss":
                return [Part(3, f"{part} {name} {format_number(value, 3)}", "bold")]
    return []


def _epochs(run: Run) -> Part:
    experiment, started = run.experiment, run.started
    total = experiment.training.epochs if experiment is not None else 0
    epochs = run.step / started.batches if started is not None and started.batches else 0.0
    whole = min(int(epochs + 1e-9), total)
    bar = progress_bar(epochs / total if total else 0, 10)
    return Part(1, f"epoch {format_count(whole)}/{format_count(total)} {bar}")


def _fit(left: list[Part], right: list[Part], width: int) -> tuple[list[Part], list[Part]]:
    """Returns the parts for which there is room: those of lowest rank come first."""
    fitting_parts: dict[int, Part] = {}
    parts, used_width = [*left, *right], 0
    for index in sorted(range(len(parts)), key=lambda index: parts[index].rank):
        part, room = parts[index], width - used_width - 2 * bool(fitting_parts)
        room -= GAP if part.rank >= MINOR_RANK else 0
        if cell_len(part.text) > room and 0 < part.min_width <= room:
            part = replace(part, text=truncate(part.text, room, get_glyphs().ellipsis))
        if cell_len(part.text) <= room or not fitting_parts:
            fitting_parts[index] = part
            used_width += cell_len(part.text) + 2 * (len(fitting_parts) > 1)
    visible_parts = [(index, fitting_parts[index]) for index in sorted(fitting_parts)]
    return (
        [part for index, part in visible_parts if index < len(left)],
        [part for index, part in visible_parts if index >= len(left)],
    )


def _justify(left: list[Part], right: list[Part], width: int) -> Content:
    """Returns a line with parts at both ends."""
    sides = [
        Content("  ").join([Content.styled(part.text, part.style) for part in parts])
        for parts in (left, right)
    ]
    gap = max(1, width - sides[0].cell_length - sides[1].cell_length)
    return Content.assemble(sides[0], " " * gap, sides[1]).truncate(width, ellipsis=True)


def progress_bar(fraction: float, width: int) -> str:
    """Returns a thin bar that is filled to a fraction."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    return "━" * filled + "─" * (width - filled)
