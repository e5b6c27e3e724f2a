"""Events as a progress bar on a terminal."""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from tuilab.cli.output.lines import (
    describe_end,
    describe_event,
    describe_loading,
    describe_start,
    format_metrics,
)
from tuilab.cli.streams import get_raw_stream
from tuilab.core.format import format_number
from tuilab.core.printable import escape_controls, escape_line
from tuilab.core.protocol.events import (
    AnyEvent,
    Failed,
    Finished,
    Loading,
    Progressed,
    Ready,
    Started,
)


class ProgressBar:
    """Shows one bar while something loads and one during training; other lines go above it."""

    def __init__(self) -> None:
        self._console = Console(file=get_raw_stream(sys.stdout), highlight=False)
        self._bar: Progress | None = None
        self._folder = ""
        self._epochs = 0

    def show(self, event: AnyEvent) -> None:
        """Advances the bar, or prints above it."""
        match event:
            case Loading():
                self._show_loading(event)
            case Ready():
                self.close()
            case Started():
                self.close()
                self._folder, self._epochs = event.folder, event.experiment.training.epochs
                self._print(describe_start(event))
            case Progressed():
                self._show_training(event)
            case Finished() | Failed():
                self.close()
                self._print(*describe_end(event, self._folder))
            case _:
                self._print(*describe_event(event))

    def close(self) -> None:
        """Removes the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._console.print(escape_controls(line), markup=False, soft_wrap=True)

    def _update(self, columns: Sequence[ProgressColumn], done: float, total: float | None,
                text: str, speed: str = "") -> None:  # fmt: skip
        """Updates the bar; a new bar gets these columns."""
        text = escape_line(text)
        if self._bar is None:
            description = TextColumn("{task.description}", markup=False)
            self._bar = Progress(
                description, BarColumn(24), *columns, console=self._console, transient=True
            )
            self._bar.add_task(text, total=total, speed=speed)
            self._bar.start()
        self._bar.update(TaskID(0), completed=done, total=total, description=text, speed=speed)

    def _show_loading(self, event: Loading) -> None:
        if event.fraction == 1:
            self.close()
            return
        total = None if event.fraction is None else 1.0
        columns = [TimeElapsedColumn()]
        self._update(columns, event.fraction or 0.0, total, describe_loading(event.what))

    def _show_training(self, event: Progressed) -> None:
        columns = [MofNCompleteColumn(), TextColumn("{task.fields[speed]}"), TimeRemainingColumn()]
        text = format_metrics({"loss": event.loss, **event.metrics})
        speed = f"{format_number(event.steps_per_second, 2)} steps/s"
        self._update(columns, int(event.epoch), self._epochs, text, speed)
