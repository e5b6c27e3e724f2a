"""The command `train`: trains without the lab, in the same host, and shows its events."""

import os
import signal
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, NoReturn, Protocol

import typer

from tuilab.cli import exit_codes
from tuilab.cli.alerts import build_commands
from tuilab.cli.help import Commands
from tuilab.cli.options import (
    AcceptsChangedData,
    BranchedRun,
    Device,
    ExperimentNames,
    Notify,
    Plain,
    ResumedRun,
    Seeds,
    Sets,
    format_examples,
)
from tuilab.cli.signals import BlockedOutputError, SignalHandlers
from tuilab.cli.start_commands import Source, build_starts
from tuilab.cli.streams import discard_output, has_hung_up
from tuilab.core.errors import CANNOT_START, InputError

if TYPE_CHECKING:  # help must not wait for these
    from tuilab.core.protocol.commands import AnyCommand
    from tuilab.core.protocol.events import AnyEvent, Failed, Finished

commands = Commands()


class Output(Protocol):
    """Shows the events of a run to a user or a program."""

    def show(self, event: "AnyEvent") -> None:
        """Shows one event if it matters."""

    def close(self) -> None:
        """Restores the terminal."""


@commands.command(
    epilog=format_examples(
        "tuilab train spiral --set optimizer.lr=0.02 --set training.epochs=20",
        "tuilab train mine.toml --set 'network[1]=\"Dropout 0.2\"' --device cuda --json",
        "tuilab train --resume spiral-4e2b --set training.epochs=300",
        "tuilab train spiral --seeds 5",
        "tuilab train xor moons spiral",
        "tuilab train --branch spiral-4e2b@1200 --set optimizer.lr=0.01",
    )
)
def train(
    experiments: ExperimentNames = None,
    sets: Sets = None,
    resume: ResumedRun = "",
    branch: BranchedRun = "",
    device: Device = "",
    changed_data: AcceptsChangedData = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON for each event, nothing else.")
    ] = False,
    plain: Plain = False,
    notify: Notify = None,
    seeds: Seeds = "",
) -> int:
    """Trains without the lab; several experiments one after the other.

    Shows a progress bar on a terminal, else plain lines. Ctrl-C saves a checkpoint and stops, a
    second Ctrl-C stops at once. One of several that fails does not stop the others; the exit code
    is the worst one. Exit codes: 0 done, 1 the run failed or could not be saved, 2 bad usage or
    input, 130 interrupted or stopped, 129 hung up, 143 terminated, 141 no one reads the output.
    """
    source = Source(experiments or (), resume, branch)
    _check_usage(source, seeds, notify)
    if seeds:
        from tuilab.cli.train_seeds import train_with_seeds

        return train_with_seeds(source.experiments[0], sets or [], device, seeds, json=json)
    alerts = build_commands(notify or ())
    try:
        starts = build_starts(source, sets or (), device, accepts_changed_data=changed_data)
    except InputError as error:
        _show_start_failure(error, json=json, plain=plain)
        raise
    codes: list[int] = []
    signals: list[int] = []
    for start, command in zip(starts, source.words, strict=True):
        work = [*alerts, start]
        codes.append(_train_one(work, signals, command, sets or [], json=json, plain=plain))
        if signals:
            break
    return max(codes)


def _show_start_failure(error: InputError, *, json: bool, plain: bool) -> None:
    from tuilab.core.protocol.events import Failed

    with closing(_choose_output(json=json, plain=plain)) as output:
        output.show(Failed("", CANNOT_START, hint=str(error)))


def _train_one(
    work: "list[AnyCommand]", signals: list[int], command: list[str], sets: list[str], *,
    json: bool, plain: bool,
) -> int:  # fmt: skip
    """Trains one run, shows it and returns its exit code.

    Args:
        work: the start, after what comes before it.
        signals: gets the signal that has ended it.
        command: what was named: a preset, a file, or `--resume RUN`.
    """
    from tuilab.core.protocol.events import Failed

    try:
        with closing(_choose_output(json=json, plain=plain)) as output:
            end, lost = _run(work, output, signals)
    except OSError:
        if not signals and has_hung_up(sys.stdout):  # where no SIGHUP was sent
            signals.append(signal.SIGHUP)
        if not signals:
            raise
        discard_output()  # the terminal has hung up, for example
        return exit_codes.signal_code(signals[0])
    if isinstance(end, Failed):
        return _report_failure(end, lost, command, sets)
    return _report_end(end, lost, signals)


def _check_usage(source: Source, seeds: str, notify: list[str] | None) -> None:
    """Raises InputError for what does not say what to train, or does not go together."""
    source.check()
    if seeds and not source.experiments:
        other = "--resume" if source.resume else "--branch"
        raise InputError(f"several seeds start anew; leave out {other} or --seeds")
    if seeds and len(source.experiments) > 1:
        raise InputError("several seeds are for one experiment; name one, or leave out --seeds")
    if notify and seeds:
        raise InputError("alerts are for single runs; leave out --notify or --seeds")


def _report_end(end: "Finished", lost: str, signals: list[int]) -> int:
    """Prints what is lost of a run that has ended; returns the exit code."""
    if lost:
        return exit_codes.report_error(lost, exit_codes.FAILED)
    if end.reason == "done":
        return exit_codes.DONE
    return exit_codes.signal_code(signals[0]) if signals else exit_codes.INTERRUPTED


def _report_failure(end: "Failed", lost: str, command: list[str], sets: list[str]) -> int:
    """Prints what went wrong, what to do about it and what is lost; returns the exit code."""
    from tuilab.cli.output import lines

    message = [*lines.describe_failure(end), *lines.suggest_commands(end, command, sets), lost]
    code = exit_codes.BAD_INPUT if end.title == CANNOT_START else exit_codes.FAILED
    return exit_codes.report_error("\n".join(filter(None, message)), code)


def _choose_output(*, json: bool, plain: bool) -> Output:
    if json:
        from tuilab.cli.output.json import JsonOutput

        return JsonOutput()
    if plain or not sys.stdout.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        from tuilab.cli.output.lines import PlainOutput

        return PlainOutput()
    from tuilab.cli.output.progress_bar import ProgressBar

    return ProgressBar()


def _run(
    commands: "list[AnyCommand]", output: Output, signals: list[int]
) -> "tuple[Finished | Failed, str]":
    """Trains in a host of this process and shows the events.

    Returns:
        How the run ended, and what of it could not be saved.

    Args:
        commands: the start, after what comes before it.
        signals: the signals that have arrived.
    """
    from tuilab.cli.alerts import report_problem, ring
    from tuilab.core.diagnosis.watch import DiagnosisReporter
    from tuilab.core.protocol.events import Failed, Finished
    from tuilab.host import discovery
    from tuilab.host.host import Host

    end: Finished | Failed | None = None
    output_error: OSError | None = None
    lost = ""
    reporter = DiagnosisReporter()
    with (
        Host(discovery.new_socket_path()) as host,
        SignalHandlers(signals, host.interrupt, host.remove_socket) as handlers,
    ):
        for command in commands:
            host.submit(command)
        for event in host.events():
            if isinstance(event, Finished):
                lost = event.lost
            if end is not None or output_error is not None:
                report_problem(event)
                continue  # the host ends in good order
            try:
                with handlers.while_printing():
                    ring(event)
                    for item in reporter.add_diagnosis(event, host.run):
                        output.show(item)
            except OSError as error:  # the reader has gone, or the disk behind stdout is full
                output_error = error
            if isinstance(event, (Finished, Failed)):
                end = event
            if end is not None or output_error is not None:
                host.interrupt()
    if output_error is not None:
        _raise(output_error, signals)
    if end is None:  # interrupted before the run started
        end = Finished(host.run.id, "interrupted", host.run.step, 0, 0.0, {})
        output.show(end)
    return end, lost


def _raise(error: OSError, signals: list[int]) -> NoReturn:
    """Raises an error of the output; ends the process at once where printing would wait as well."""
    if isinstance(error, BlockedOutputError):
        os._exit(exit_codes.signal_code(signals[0]))
    raise error
