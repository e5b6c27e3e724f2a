"""The commands about runs: `ps`, `attach`, `stop`, `runs`, `diagnose`, `export`."""

import sys
import textwrap
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
    from tuilab.host.link import Link

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
    from tuilab.host import discovery, link

    requests = read_requests(notify or ())
    require_terminal("attach")
    is_active = any(run in host.run for host in discovery.list_hosts() if host.run)
    host = link.attach_to_host(run) if not run or is_active else _reopen(run)
    if requests:
        host.send(SetAlerts(requests, adds=True))
    from tuilab.ui import app

    return app.run_app(host, None)


def _reopen(run: str) -> "Link":
    """Starts a host that waits at the checkpoint of a stored run."""
    from tuilab.cli.resume import build_start_command
    from tuilab.host import link

    start = build_start_command(run, paused=True)
    host = link.spawn_host()
    host.send(start)
    return host


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


@commands.command(epilog=format_examples("tuilab runs", "tuilab runs --json"))
def runs(*, json: JsonList = False) -> None:
    """Lists all runs with their state, results and folder."""
    from tuilab.cli.output.json import print_json
    from tuilab.cli.output.tables import format_table
    from tuilab.core import paths
    from tuilab.host import discovery, run_store

    active = {host.run: host for host in discovery.list_hosts()}
    stored = [_summarize_run(folder, active) for folder in run_store.list_runs()]
    folder = paths.runs_dir()
    if json:
        print_json(stored)
    elif not stored:
        print(f"There are no runs yet. They will be stored in {folder}")
    else:
        rows: list[tuple[str, ...]] = [("RUN", "STATE", "WHEN", "STEPS", "RESULT", "TITLE")]
        rows += map(_describe_run, stored)
        print(f"{format_table(rows)}\n\nThey are stored in {folder}")


def _summarize_run(folder: Path, active: "dict[str, HostInfo]") -> dict[str, Any]:
    """Returns the state and the results of a stored run, or why it cannot be read."""
    from tuilab.core.run import run_files
    from tuilab.host import run_lock, run_store

    changed = datetime.fromtimestamp(run_store.last_change(folder))
    summary = {"run": folder.name, "changed": changed, "folder": folder}
    try:
        run = run_store.read_run(folder, ends_only=True)
    except InputError as error:
        if run_files.find_checkpoint(folder) is None:
            return {**summary, "state": "unreadable", "problem": error.problem}
        resume = f"tuilab train --resume {folder.name} goes on from its checkpoint"
        return {**summary, "state": "no history", "problem": f"{resume}; its log: {error.problem}"}
    state: str = run.finished.reason if run.finished else run.state
    if run.failure is not None:
        state = "failed"
    if run.is_active:
        host = active.get(folder.name)
        if host is not None and host.problem:
            state = host.state
        elif host is None:  # of another machine, if the run is locked
            state = "elsewhere" if run_lock.find_holder(folder) else "cut off"
    if run.finished is not None and run.finished.lost:
        state = "not saved"
    results = run.finished.results if run.finished else {}
    if run.epoch and not results:
        results = {"train": run.epoch.train, "validation": run.epoch.validation}
    title = run.experiment.title or run.experiment.data.title if run.experiment else ""
    return {**summary, "state": state, "step": run.step, "results": results, "title": title}


def _describe_run(summary: dict[str, Any]) -> tuple[str, ...]:
    when = f"{summary['changed']:%Y-%m-%d %H:%M}"
    start = (summary["run"], summary["state"], when)
    if "problem" in summary:
        return (*start, "", "", summary["problem"])
    result = _describe_result(summary["results"])
    return (*start, format_count(summary["step"]), result, summary["title"])


def _describe_result(results: dict[str, dict[str, float]]) -> str:
    """Returns the last metric of the test set, else of the validation or training set."""
    for split in ("test", "validation", "train"):
        for name, value in results.get(split, {}).items():
            if name != "loss":
                return f"{split} {name} {format_number(value)}"
    return "-"


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
