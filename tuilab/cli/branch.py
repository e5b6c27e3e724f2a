"""Branching off a stored run, from one of its snapshots or from its end."""

from collections.abc import Sequence

from tuilab.cli.overrides import apply_overrides, sets_pace
from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, get_live_changes, with_value
from tuilab.core.format import format_count
from tuilab.core.protocol.commands import Start
from tuilab.core.run.run import make_run_id
from tuilab.host import data_files, run_store


def build_branch_command(
    branch: str,
    sets: Sequence[str] = (),
    device: str = "",
    *,
    accepts_changed_data: bool = False,
) -> Start:
    """Returns the command that starts a run from a state of a stored one.

    The parent may be in progress: it is only read. Only live knobs can be changed; InputError
    says why there is nothing to branch from.

    Args:
        branch: RUN or RUN@STEP, where RUN is any unique part of an id.
        accepts_changed_data: whether it goes on although the data of the parent has changed.
    """
    from tuilab.engine import checkpoint_file, stored_states

    name, step = parse_branch(branch)
    folder = run_store.find_run(name)
    if step is None:
        state = stored_states.read_newest_state(folder)
    else:
        state = stored_states.read_state(folder, step)
    before = checkpoint_file.decode_experiment(state, folder)
    experiment = _change(before, sets, folder.name)
    position = state["position"]
    if position[1] >= experiment.training.epochs:
        raise InputError(
            f"no training is left at step {format_count(position[0])}; branch from an earlier step "
            f"(`tuilab snapshots {folder.name}` lists them), or train longer: "
            f"--set training.epochs={2 * before.training.epochs}",
            branch,
        )
    if not accepts_changed_data:
        experiment = data_files.locate_data(experiment, data_files.check_data(folder))
    if device:
        experiment = with_value(experiment, "training.device", device)
    return Start(
        make_run_id(experiment), experiment, is_paced=sets_pace(sets),
        accepts_changed_data=accepts_changed_data,
        parent=folder.name, parent_step=position[0],
    )  # fmt: skip


def parse_branch(text: str) -> tuple[str, int | None]:
    """Returns run and step of RUN@STEP; without a step, None.

    >>> parse_branch("spiral-4e2b@1,200"), parse_branch("spiral")
    (('spiral-4e2b', 1200), ('spiral', None))
    """
    name, at, step = text.partition("@")
    if not at:
        return name, None
    digits = step.replace(",", "").replace("_", "").strip()
    if not digits.isdecimal() or len(digits) > 18:
        raise InputError(f'"{step}" is not a step; write RUN@STEP, such as {name}@1200', text)
    return name, int(digits)


def _change(before: Experiment, sets: Sequence[str], run: str) -> Experiment:
    """Returns the experiment with changes; InputError if one of them needs a new run."""
    experiment = apply_overrides(before, sets)
    if get_live_changes(before, experiment) is not None:
        return experiment
    restart = f"tuilab train {run_store.run_dir(run) / run_store.EXPERIMENT}"
    problem = (
        "a branch keeps its network and its data; only live hyperparameters can be changed. To "
        f"change others, start a new run: {restart}"
    )
    if experiment.seed != before.seed:
        problem = (
            "a branch keeps its data, which the seed makes; for other random numbers from here "
            f"on: --set training.reseed={experiment.seed or 1}"
        )
    raise InputError(problem, " ".join(f"--set {text}" for text in sets))
