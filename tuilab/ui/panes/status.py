"""The status line: what happens now, how far it is, how fast, and how the machine does."""

import time
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from tuilab.core.experiment.experiment import Experiment
from tuilab.core.format import grouped
from tuilab.core.protocol.events import Finished, Loading
from tuilab.core.run.run import Run

SIGNS = {
    "idle": "○", "starting": "◌", "training": "●", "paused": "‖", "failed": "✗", "finished": "✓",
}  # fmt: skip
"""A sign with each state, so that colour is never the only one."""


@dataclass(frozen=True, slots=True)
class Part:
    """One piece of the line: dropped earlier the greater its rank, shortened never."""

    rank: int
    text: str
    style: str = ""


class StatusBar(Widget):
    """One line where there is room, two where there is not."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[list[Part], list[Part], list[Part]] = ([], [], [])
        self._loading: tuple[str, float] = ("", 0.0)
        self.findings = 0
        "What the diagnosis has found and no view shows."

    def show(self, run: Run, lag: float, pending: str, experiment: Experiment) -> None:
        """Say how the run stands; it repaints only if that reads differently now."""
        parts = (_title(experiment), self._standing(run, pending), list(_numbers(run, lag)))
        if parts != self._parts:
            self._parts = parts
            self.refresh()

    def _standing(self, run: Run, pending: str) -> list[Part]:
        parts = [Part(0, f"{SIGNS[run.state]} {run.state}", f"${_colour(run.state)} bold")]
        if run.loading is not None:
            parts.append(Part(2, self._progress_of(run.loading), "$warning"))
        elif run.state == "idle":
            parts.append(Part(9, "space trains"))
        elif run.state == "starting":
            parts.append(Part(2, "waiting for PyTorch" if not run.is_ready else "preparing"))
        elif run.state == "failed" and run.failure is not None:
            parts.append(Part(2, run.failure.title, "$error"))
        elif run.state == "finished" and run.finished is not None and run.finished.reason != "done":
            parts.append(Part(4, run.finished.reason))
        if pending:
            parts.append(Part(1, pending, "$warning bold"))
        if self.findings:
            words = "1 finding" if self.findings == 1 else f"{self.findings} findings"
            parts.append(Part(2, f"! shows {words}", "$warning bold"))
        return parts

    def _progress_of(self, loading: Loading) -> str:
        """What takes a while, how much of it is done or how long it has taken."""
        if self._loading[0] != loading.what:
            self._loading = (loading.what, time.monotonic())
        if loading.fraction is not None:
            return f"{loading.what} {bar(loading.fraction, 8)} {loading.fraction:.0%}"
        what = loading.what if " " in loading.what else f"loading {loading.what}"
        seconds = int(time.monotonic() - self._loading[1])
        return f"{what}…" + (f" {seconds} s" if seconds else "")

    def render_line(self, y: int) -> Strip:
        """A line in as few stretches as can be: every one costs a slow terminal 40 bytes."""
        return super().render_line(y).simplify()

    def render(self) -> Content:
        """The line or lines, as wide as they may be."""
        width = self.size.width - 2
        name, state, numbers = self._parts
        if self.size.height < 2:
            return _spread(*_fit(name, [*state, *numbers], width), width)
        first = _spread(*_fit(name, state, width), width)
        second = _spread(*_fit(numbers[:1], numbers[1:], width), width)
        return Content("\n").join([first, second])


def _title(experiment: Experiment) -> list[Part]:
    """What it is that is trained."""
    data = experiment.data.title
    if classes := experiment.data.classes:
        data += f" · {len(classes)} classes"
    title = experiment.title if experiment.title != experiment.data.title else ""
    parts = [Part(8, "tuilab", "$accent bold"), Part(5, title, "bold"), Part(7, data)]
    return [part for part in parts if part.text]


def _colour(state: str) -> str:
    return {
        "training": "success", "paused": "warning", "failed": "error", "finished": "primary",
    }.get(state, "text-muted")  # fmt: skip


def _numbers(run: Run, lag: float) -> list[Part]:
    """Where it trains, how far and how fast."""
    progress, started = run.progress, run.started
    parts: list[Part] = []
    if started is not None:
        parts.append(_epochs(run))
        label = next((d.label for d in run.devices if d.name == started.device), "")
        parts.append(
            Part(9, " ".join(dict.fromkeys([started.device, label.split(",")[0]])).strip())
        )
        parts.append(Part(4, f"step {grouped(run.step)}"))
    if progress is not None and run.state in ("training", "paused"):
        parts.append(Part(3, f"{rate(progress.steps_per_second)} steps/s"))
        parts.append(Part(10, f"{rate(progress.examples_per_second)} examples/s"))
        if progress.left is not None:
            parts.append(Part(6, f"{duration(progress.left)} left"))
    if run.finished is not None:
        parts.extend(_results(run.finished))
        parts.append(Part(6, f"in {duration(run.finished.seconds)}"))
    if progress is not None and progress.memory:
        parts.append(Part(11, size(progress.memory)))
    if progress is not None and progress.device_memory:
        parts.append(Part(11, f"{size(progress.device_memory)} on device"))
    parts.append(Part(12, f"lag {round(lag * 1000, -1):.0f} ms"))
    return parts


def _results(finished: Finished) -> list[Part]:
    """The metric on examples that the network has never seen."""
    for part in ("test", "validation"):
        for name, value in finished.results.get(part, {}).items():
            if name != "loss":
                return [Part(3, f"{part} {name} {value:.3g}", "bold")]
    return []


def _epochs(run: Run) -> Part:
    experiment, started = run.experiment, run.started
    total = experiment.training.epochs if experiment is not None else 0
    epochs = run.step / started.batches if started is not None and started.batches else 0.0
    shown = min(int(epochs + 1e-9), total)
    return Part(
        1, f"epoch {grouped(shown)}/{grouped(total)} {bar(epochs / total if total else 0, 10)}"
    )


def _fit(left: list[Part], right: list[Part], width: int) -> tuple[list[Part], list[Part]]:
    """What there is room for: the parts of highest rank go first."""
    every = [*left, *right]
    kept = set(range(len(every)))
    for place in sorted(kept, key=lambda place: -every[place].rank):
        if sum(cell_len(every[index].text) + 2 for index in kept) <= width or len(kept) == 1:
            break
        kept.discard(place)
    return (
        [part for index, part in enumerate(left) if index in kept],
        [part for index, part in enumerate(right, len(left)) if index in kept],
    )


def _spread(left: list[Part], right: list[Part], width: int) -> Content:
    """Both sides of a line with the room between them."""
    sides = [
        Content("  ").join([Content.styled(part.text, part.style) for part in parts])
        for parts in (left, right)
    ]
    gap = max(1, width - sides[0].cell_length - sides[1].cell_length)
    return Content.assemble(sides[0], " " * gap, sides[1]).truncate(width, ellipsis=True)


def bar(fraction: float, width: int) -> str:
    """A thin bar, filled so far."""
    filled = round(max(0.0, min(1.0, fraction)) * width)
    return "━" * filled + "─" * (width - filled)


def rate(number: float) -> str:
    """A speed: slow ones with a decimal.

    >>> rate(0.52), rate(12.3)
    ('0.5', '12')
    """
    return f"{number:.1f}" if number < 10 else grouped(round(number))


def duration(seconds: float) -> str:
    """A time as a clock shows it: 1:04, 2:03:04.

    >>> duration(64), duration(7384), duration(0.4)
    ('1:04', '2:03:04', '0:00')
    """
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(count_of_bytes: float) -> str:
    """Bytes as people say them: 1.2 GiB."""
    for unit in ("B", "KiB", "MiB"):
        if count_of_bytes < 1024:
            return f"{count_of_bytes:.0f} {unit}"
        count_of_bytes /= 1024
    return f"{count_of_bytes:.1f} GiB"
