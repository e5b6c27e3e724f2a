"""Checks a stored run without a host: from its checkpoint, with progress on stderr."""

from contextlib import closing
from pathlib import Path

from tuilab.cli.resume import build_start_command
from tuilab.cli.study import show_progress
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import Start
from tuilab.core.protocol.events import Checking
from tuilab.core.run.run import Run
from tuilab.host import run_store
from tuilab.host.run_lock import RunLock


def check_run(run: Run) -> None:
    """Runs the checks on the checkpoint of a run; adds their results to the run and to its log.

    Raises:
        InputError: if there is no usable checkpoint, or the run is in progress.
    """
    start = build_start_command(run.id, paused=True)
    with closing(RunLock.acquire(run_store.run_dir(run.id))):
        _check_run(run, start)


def _check_run(run: Run, start: Start) -> None:
    from tuilab.engine import checkpoint
    from tuilab.engine.data.load import load
    from tuilab.engine.device.devices import device_for
    from tuilab.engine.session import Session
    from tuilab.engine.studies.checks import run_checks

    device = device_for(start.experiment.training)
    dataset = load(start.experiment, device, show_progress)
    session = Session(run.id, start.experiment, dataset, device, is_resuming=True)
    checkpoint.load(session, Path(start.checkpoint))
    for event in run_checks(session):
        if isinstance(event, Checking):
            total = format_count(event.total)
            what = f"Checking {event.number} of {total}: {event.question}"
            show_progress(what, event.fraction)
            continue
        show_progress("", 1.0)
        run.apply(event)
        run_store.append_event(run_store.run_dir(run.id), event)
