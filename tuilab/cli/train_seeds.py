"""Training one experiment with several seeds, for the command `train --seeds`."""

from contextlib import closing, nullcontext, suppress
from typing import TYPE_CHECKING

from tuilab.cli import exit_codes
from tuilab.cli.signals import SignalHandlers
from tuilab.cli.study import show_progress
from tuilab.core.errors import InputError
from tuilab.core.printable import escape_controls

if TYPE_CHECKING:
    from tuilab.cli.output.json import JsonOutput
    from tuilab.core.protocol.commands import TrainSeeds
    from tuilab.core.protocol.events import AnyEvent, SeedsReported


def train_with_seeds(
    experiment: str, sets: list[str], device: str, seeds: str, *, json: bool
) -> int:
    """Trains an experiment with several seeds, prints their results and returns the exit code."""
    from tuilab.cli.output.json import JsonOutput
    from tuilab.cli.overrides import load_experiment
    from tuilab.core.protocol.commands import TrainSeeds
    from tuilab.core.run.seeds import parse_seeds

    loaded = load_experiment(experiment, sets, device)
    try:
        command = TrainSeeds(loaded, parse_seeds(seeds, loaded.seed))
    except InputError as error:
        raise InputError(error.problem, f"--seeds {seeds}") from None
    signals: list[int] = []
    with (
        SignalHandlers(signals),
        closing(JsonOutput()) if json else nullcontext() as output,
    ):
        report = _train(command, output, signals)
    show_progress("", 1.0)
    if not json:
        _print_results(report)
    if signals:
        return exit_codes.signal_code(signals[0])
    problems = [f"seed {run.seed}: {run.problem}" for run in report.runs if run.problem]
    if problems:
        return exit_codes.report_error("\n".join(problems), exit_codes.FAILED)
    return exit_codes.DONE


class _Interrupted(KeyboardInterrupt):
    """Raised between two steps, after a signal or where no one reads the output any more."""


def _train(
    command: "TrainSeeds", output: "JsonOutput | None", signals: list[int]
) -> "SeedsReported":
    """Trains all seeds and returns the last report.

    Shows the progress on stderr if that is a terminal; `output` gets the events of all runs.
    """
    from tuilab.core.protocol.events import Logged, SeedsReported
    from tuilab.host.seeds import train_seeds

    reports: list[SeedsReported] = []
    errors: list[OSError] = []

    def show(event: "AnyEvent") -> None:
        try:
            if output is not None:
                output.show(event)
            elif isinstance(event, Logged):
                print(escape_controls(event.text))
        except OSError as error:  # the reader has gone, or the disk behind stdout is full
            errors.append(error)

    def publish(event: "AnyEvent") -> None:
        if isinstance(event, SeedsReported):
            reports.append(event)
            if not event.is_over:
                return
        show(event)

    def advance(what: str, fraction: float | None) -> None:
        show_progress(what, fraction)
        if signals or errors:
            raise _Interrupted

    observe = show if output is not None else None
    with suppress(_Interrupted):
        train_seeds(command, publish, advance, observe, has_bands=False)
    if errors:
        raise errors[0]
    return reports[-1]


def _print_results(report: "SeedsReported") -> None:
    """Prints a line for each run, then mean and standard deviation of the metrics."""
    from tuilab.core import paths
    from tuilab.core.run.seeds import format_runs, format_summary

    lines = [report.note, *format_runs(report.runs), "", *format_summary(report.summary)]
    print("\n".join(map(escape_controls, lines)))
    print(f"stored in {paths.runs_dir() / f'{report.group}-s*'}")
