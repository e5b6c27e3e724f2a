"""A progress bar for a run without the lab, on a terminal."""

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

from tuilab.cli.output.lines import ending, happening, introduction, loading, numbers
from tuilab.core.protocol.events import (
    AnyEvent,
    Failed,
    Finished,
    Loading,
    Progressed,
    Ready,
    Started,
)


class Bar:
    """One bar while something loads, then one while it trains; all else is printed above."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._bar: Progress | None = None
        self._folder = ""
        self._epochs = 0

    def show(self, event: AnyEvent) -> None:
        """Move the bar, or print above it."""
        match event:
            case Loading():
                self._load(event)
            case Ready():
                self.close()
            case Started():
                self.close()
                self._folder, self._epochs = event.folder, event.experiment.training.epochs
                self._print(introduction(event))
            case Progressed():
                self._train(event)
            case Finished() | Failed():
                self.close()
                self._print(*ending(event, self._folder))
            case _:
                self._print(*happening(event))

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None

    def _print(self, *lines: str) -> None:
        for line in lines:
            self._console.print(line, markup=False, soft_wrap=True)

    def _move(self, columns: Sequence[ProgressColumn], done: float, total: float | None,
              text: str, rate: str = "") -> None:  # fmt: skip
        """Set the bar; a new one has these columns."""
        if self._bar is None:
            about = TextColumn("{task.description}", markup=False)
            self._bar = Progress(
                about, BarColumn(24), *columns, console=self._console, transient=True
            )
            self._bar.add_task(text, total=total, rate=rate)
            self._bar.start()
        self._bar.update(TaskID(0), completed=done, total=total, description=text, rate=rate)

    def _load(self, event: Loading) -> None:
        if event.fraction == 1:
            self.close()
            return
        total = None if event.fraction is None else 1.0
        self._move([TimeElapsedColumn()], event.fraction or 0.0, total, loading(event.what))

    def _train(self, event: Progressed) -> None:
        columns = [MofNCompleteColumn(), TextColumn("{task.fields[rate]}"), TimeRemainingColumn()]
        text = numbers({"loss": event.loss, **event.metrics})
        rate = f"{event.steps_per_second:,.0f} steps/s"
        self._move(columns, int(event.epoch), self._epochs, text, rate)
