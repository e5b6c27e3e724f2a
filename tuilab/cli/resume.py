"""Going on with a stored run from its checkpoint."""

from collections.abc import Sequence

from tuilab.cli.overrides import changed
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import live_changes, with_value
from tuilab.core.protocol.commands import Start
from tuilab.host import discovery, run_store


def start(run: str, sets: Sequence[str] = (), device: str = "", *, paused: bool = False) -> Start:
    """The command that goes on with a stored run, by any unique part of its id.

    Only live knobs may be changed; InputError says why a run cannot go on.
    """
    path = run_store.find(run)
    if any(host.run == path.name for host in discovery.hosts()):
        raise InputError(f"it is in progress; join it with: tuilab attach {path.name}", path.name)
    checkpoint = path / run_store.CHECKPOINT
    if not checkpoint.exists():
        again = f"begin it again with: tuilab train {path / run_store.EXPERIMENT}"
        raise InputError(f"it has saved no checkpoint; {again}", path.name)
    from tuilab.engine import checkpoint_file

    glimpse = checkpoint_file.look(checkpoint)
    experiment = changed(glimpse.experiment, sets)
    if live_changes(glimpse.experiment, experiment) is None:
        raise InputError(
            "a run goes on with its own network and data; only knobs that are live can be "
            f"changed. For anything else begin anew: tuilab train {path / run_store.EXPERIMENT}",
            " ".join(f"--set {text}" for text in sets),
        )
    if glimpse.is_over and experiment == glimpse.experiment and not paused:
        done = glimpse.experiment.training.epochs
        raise InputError(
            f"all is done, after epoch {glimpse.epoch:,} of {done:,}; "
            f"to go on: --set training.epochs={2 * done}",
            path.name,
        )
    if device:
        experiment = with_value(experiment, "training.device", device)
    return Start(path.name, experiment, paused=paused, checkpoint=str(checkpoint))
