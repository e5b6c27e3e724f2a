"""Resuming a stored run from its checkpoint."""

from collections.abc import Sequence
from pathlib import Path

from tuilab.cli.overrides import apply_overrides, sets_pace
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import get_live_changes, with_value
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import Start
from tuilab.core.run import run_files
from tuilab.host import data_files, discovery, run_lock, run_store


def build_start_command(
    run: str,
    sets: Sequence[str] = (),
    device: str = "",
    *,
    paused: bool = False,
    accepts_changed_data: bool = False,
) -> Start:
    """Returns the command that resumes a stored run, named by any unique part of its id.

    Only live knobs can be changed; InputError says why a run cannot be resumed.

    Args:
        accepts_changed_data: whether the run goes on although its data has changed.
    """
    folder = run_store.find_run(run)
    require_idle(folder)
    checkpoint = run_files.find_checkpoint(folder)
    restart = f"tuilab train {folder / run_store.EXPERIMENT}"
    if checkpoint is None:
        weights = folder / run_files.WEIGHTS
        option = f' --set transfer.source="{weights}"' if weights.exists() else ""
        problem = f"it has no checkpoint; start it again with: {restart}{option}"
        raise InputError(problem, folder.name)
    from tuilab.engine import checkpoint_file

    stored = checkpoint_file.read_summary(checkpoint)
    experiment = apply_overrides(stored.experiment, sets)
    if get_live_changes(stored.experiment, experiment) is None:
        raise InputError(
            "a resumed run keeps its network and its data; only live hyperparameters can be "
            f"changed. To change others, start a new run: {restart}",
            " ".join(f"--set {text}" for text in sets),
        )
    is_same = experiment == stored.experiment
    if stored.is_over and is_same and not paused and _has_ended(folder):
        epochs = stored.experiment.training.epochs
        raise InputError(
            f"it is done after epoch {format_count(stored.epoch)} of {format_count(epochs)}; "
            f"to train longer: --set training.epochs={2 * epochs}",
            folder.name,
        )
    if not accepts_changed_data:
        experiment = data_files.locate_data(experiment, data_files.check_data(folder))
    if device:
        experiment = with_value(experiment, "training.device", device)
    is_paced = paused or sets_pace(sets)  # it is paused for the lab, in which someone watches
    return Start(
        folder.name, experiment, paused=paused, checkpoint=str(checkpoint), is_paced=is_paced,
        accepts_changed_data=accepts_changed_data,
    )  # fmt: skip


def _has_ended(folder: Path) -> bool:
    """Returns whether the log has the end of a run; one that was killed there still needs it."""
    try:
        return run_store.read_run(folder, ends_only=True).finished is not None
    except InputError:
        return False


def require_idle(folder: Path) -> None:
    """Raises InputError if a process trains this run, or could go on with it."""
    if host := next((host for host in discovery.list_hosts() if host.run == folder.name), None):
        join = f"it is in progress; join it with: tuilab attach {folder.name}"
        raise InputError(host.problem or join, folder.name)
    if holder := run_lock.find_holder(folder):
        raise InputError(holder.describe(folder.name), folder.name)
