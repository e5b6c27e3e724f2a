"""The commands about one run: `ps`, `attach`, `stop`, `diagnose`, `export`."""

import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuilab.cli import exit_codes
from tuilab.cli.help import Commands
from tuilab.cli.options import ActiveRun, AnyRun, JsonList, Notify, StoredRun, format_examples
from tuilab.cli.target_file import expand_target
from tuilab.core.errors import InputError
from tuilab.core.format import (
    format_count,
    format_counted,
    format_duration,
    format_number,
    format_percent,
)

if TYPE_CHECKING:  # help must not wait for these
    from tuilab.core.diagnosis.finding import Diagnosis, Fix
    from tuilab.host.discovery import HostInfo

commands = Commands()


@commands.command(epilog=format_examples("tuilab ps", "tuilab ps --json"))
def ps(*, json: JsonList = False) -> None:
    """Lists the runs in progress, also those whose host does not answer."""
    from tuilab.cli.output.json import print_json
    from tuilab.cli.output.tables import format_table
    from tuilab.host import discovery

    hosts = discovery.list_hosts()
    if json:
        print_json(hosts)
        return
    rows = [("RUN", "STATE", "EPOCH", "STEP", "DEVICE", "SINCE", "PID", "TITLE")]
    rows += [
        (
            host.run or "-", host.state, _format_epoch(host),
            "-" if host.problem else format_count(host.step), host.device or "-",
            format_duration(host.seconds), str(host.pid or "-"), host.title,
        )
        for host in hosts
    ]  # fmt: skip
    print(format_table(rows) if len(rows) > 1 else "No run is in progress.")
    for host in hosts:
        if host.problem:
            print(f"\n{host.run or 'a host'}: {host.problem}")


def _format_epoch(host: "HostInfo") -> str:
    return f"{format_number(round(host.epoch, 1))}/{host.epochs}" if host.epochs else "-"


@commands.command(epilog=format_examples("tuilab attach", "tuilab attach spiral"))
def attach(run: AnyRun = "", notify: Notify = None) -> int:
    """Opens the lab on a run in progress, or on a stored one.

    RUN can be omitted if only one run is in progress. A stored run waits at its last checkpoint
    and can be resumed from there.
    """
    from tuilab.cli.alerts import read_requests
    from tuilab.cli.launch import require_terminal
    from tuilab.core.protocol.commands import SetAlerts
    from tuilab.host import discovery, link, run_store
    from tuilab.host.run_library import RunLibrary

    requests = read_requests(notify or ())
    require_terminal("attach")
    if not run or any(run in host.run for host in discovery.list_hosts() if host.run):
        host = link.attach_to_host(run)
    else:
        host = RunLibrary().open(run_store.find_run(run).name)
    if requests:
        host.send(SetAlerts(requests, adds=True))
    from tuilab.ui import app

    return app.run_app(host, None)


@commands.command(epilog=format_examples("tuilab stop spiral"))
def stop(run: ActiveRun) -> int:
    """Saves a checkpoint of a run in progress and stops it.

    Exit codes: 0 done, 1 the checkpoint could not be written, 2 bad usage or input.
    """
    from tuilab.host import discovery

    stopped = discovery.stop_run(run)
    print(f"{stopped.id} stopped at step {format_count(stopped.step)}")
    if stopped.finished is not None and stopped.finished.lost:
        return exit_codes.report_error(stopped.finished.lost, exit_codes.FAILED)
    if stopped.checkpoint:
        print(f"saved {stopped.checkpoint}")
    return exit_codes.DONE


@commands.command(
    epilog=format_examples(
        "tuilab diagnose spiral-7f3a",
        "tuilab diagnose spiral-7f3a --check",
        "tuilab diagnose spiral-7f3a --json",
    )
)
def diagnose(
    run: StoredRun,
    *,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check on copies of the network what the history cannot show."
        ),
    ] = False,
    json: JsonList = False,
) -> None:
    """Finds what is wrong with a stored run.

    Every problem comes with its evidence, a confidence and possible changes, the surest first. Of a
    run that is too short for most problems to show, it says so instead (`too_early_to_say`).
    With --check, short experiments from its checkpoint decide what its history leaves open; they
    take some seconds, and their results are stored with the run.
    """
    from tuilab.cli.output.json import print_json
    from tuilab.core.diagnosis.checks import describe_checks
    from tuilab.core.diagnosis.diagnosis import diagnose
    from tuilab.core.diagnosis.too_early import explain_too_early, note_too_early
    from tuilab.host import run_store

    stored = run_store.read_run(run_store.find_run(run))
    if check:
        from tuilab.cli.check_run import check_run

        check_run(stored)
    diagnoses = diagnose(stored)
    too_early = "" if diagnoses else explain_too_early(stored)
    if json:
        print_json([note_too_early(too_early)] if too_early else diagnoses)
    elif not stored.series:
        print(f"{stored.id} has no history yet: nothing was measured.")
    elif too_early:
        print(f"Too early to say what is wrong with {stored.id}: {too_early}")
    elif not diagnoses:
        print(f"No problems found in {stored.id} up to step {format_count(stored.step)}.")
    else:
        can_change = stored.state in ("training", "paused")
        print("\n\n".join(_describe_diagnosis(diagnosis, can_change) for diagnosis in diagnoses))
    if stored.checks is not None and not json:
        lines = (f"  {line}" for line in describe_checks(stored.checks))
        print("\n".join(["", "Checks", *lines]))


def _describe_diagnosis(diagnosis: "Diagnosis", can_change: bool) -> str:
    fixes = [_describe_fix(fix, can_change) for fix in diagnosis.fixes]
    lines = [*diagnosis.evidence, diagnosis.explanation, *fixes]
    body = [textwrap.fill(line, 96, initial_indent="  ", subsequent_indent="  ") for line in lines]
    confidence = format_percent(diagnosis.confidence)
    return "\n".join([f"{diagnosis.title} ({confidence} confidence)", *body])


def _describe_fix(fix: "Fix", can_change: bool) -> str:
    """Returns a line on a fix: the change, and whether the run itself can still take it."""
    when = "during training" if fix.is_live and can_change else "after a restart"
    if isinstance(fix.value, (list, tuple)):  # a network is too long for a line
        return f"→ {fix.label}: {fix.key} ({when})"
    value = format_number(fix.value, 6) if isinstance(fix.value, float) else fix.value
    return f"→ {fix.label}: {fix.key} = {value} ({when})"


@commands.command(
    epilog=format_examples(
        "tuilab export spiral-4e2b weights.safetensors",
        "tuilab export spiral-4e2b weights.safetensors --overwrite",
    )
)
def export(
    run: StoredRun,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors file.", show_default=False)
    ],
    *,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists, without a question.")
    ] = False,
) -> int:
    """Writes the weights of a stored run to a safetensors file.

    These are the averaged weights if the run averages. The same weights give the same file, byte
    for byte. To start another run with them, set transfer.source = FILE. Exit codes: 0 done, 1 the
    file exists and was not to be replaced, 2 bad usage or input.
    """
    from tuilab.core.files.atomic_write import write_atomically
    from tuilab.engine.model import transfer
    from tuilab.host import run_store

    if file.suffix != ".safetensors":
        raise InputError("the name must end in .safetensors", str(file))
    target = expand_target(file)
    weights = transfer.encode_stored(run_store.find_run(run))
    if weights.note:
        exit_codes.report_error(weights.note, exit_codes.DONE)
    try:
        is_same = target.is_file() and target.read_bytes() == weights.content
        if not (overwrite or is_same or _may_overwrite(target)):
            return exit_codes.report_error(f"nothing was written: {file}", exit_codes.FAILED)
        write_atomically(target, weights.content)
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", str(file)) from None
    print(f"{format_counted(weights.size, 'number')} written to {file}")
    return exit_codes.DONE


def _may_overwrite(file: Path) -> bool:
    """Asks whether a file may be replaced; InputError where no one can answer."""
    if not file.exists():
        return True
    if not sys.stdin.isatty():
        raise InputError("it exists; --overwrite replaces it", str(file))
    return typer.confirm(f"{file} exists. Replace it?")
