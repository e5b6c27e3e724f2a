"""Whether several seeds of an experiment can train together, as one stack of networks."""

from collections.abc import Mapping
from typing import Any

import torch
from msgspec.structs import replace
from torch import Generator, nn
from torch.nn.modules.conv import _ConvTransposeNd

from tuilab.core.errors import InputError
from tuilab.core.experiment.experiment import Experiment, name_of
from tuilab.engine.data.dataset import Examples, ProgressCallback
from tuilab.engine.data.load import load
from tuilab.engine.device.threads import MIN_PARALLEL_WORK, count_multiplications
from tuilab.engine.model.layers.torchvision_models import download_weights
from tuilab.engine.seeds.seed_group import SeedGroup
from tuilab.engine.seeds.stacked_losses import has_stacked_form
from tuilab.engine.seeds.train_together import GroupTraining
from tuilab.engine.session import PLAIN, Session
from tuilab.engine.tasks.task import TASKS, Task

MAX_BYTES = 1 << 29
"""Memory that the examples of all seeds together may take."""

COMMON = ("optimizer", "phases", "targets_for", "compute_loss", "forward", "eval_targets",
          "extra_metrics", "evaluate")  # fmt: skip
"""What a task must do as classification does, for its networks to be stacked."""


def find_obstacle(experiment: Experiment) -> str:
    """Returns why seeds of an experiment cannot train together, as far as it says; else ""."""
    training, regularization = experiment.training, experiment.regularization
    kind, averaging = TASKS[type(experiment.task)], experiment.averaging
    obstacles = {
        f"the task {name_of(experiment.task)}": any(
            getattr(kind, name) is not getattr(Task, name) for name in COMMON
        ),
        f"the loss {name_of(experiment.loss)}": not has_stacked_form(experiment.loss),
        f"the optimizer {name_of(experiment.optimizer)}": not experiment.optimizer.is_elementwise,
        f"the engine {training.engine}": training.engine != "torch",
        f"the precision {training.precision}": training.precision != "fp32",
        "activation checkpointing": training.checkpointing,
        "gradient accumulation": training.accumulation > 1,
        "augmentation": experiment.augmentation != PLAIN,
        "weight averaging": (
            averaging.step_share() is not None or averaging.epoch_share(1.0, 0) is not None
        ),
        "early stopping": regularization.patience > 0,
        "a schedule that follows the validation loss": experiment.schedule.watches_validation,
        "gradient noise": regularization.gradient_noise > 0,
        "class weights": bool(_value(experiment.loss, "balanced"))
        or bool(_value(experiment.loss, "weight")),
    }
    return next((text for text, is_there in obstacles.items() if is_there), "")


def find_obstacle_of(sessions: list[Session]) -> str:
    """Returns why these sessions cannot train together, as far as their data says; else ""."""
    first = sessions[0]
    work = first.batch_size * count_multiplications(first.experiment)
    obstacles = {
        "the size of the network": work >= MIN_PARALLEL_WORK,
        "convolutions": first.is_channels_last,
        "frozen layers": not all(parameter.requires_grad for parameter in first.parameters),
        "dropout on a GPU": first.device.type != "cpu" and _has(first.network, nn.Dropout),
        "a norm limit on transposed convolutions": (
            first.experiment.regularization.max_norm > 0 and _has(first.network, _ConvTransposeNd)
        ),
        "data of different sizes": len({_shapes(session) for session in sessions}) > 1,
        "the size of the data": len(sessions) * _count_bytes(first) > MAX_BYTES,
    }
    return next((text for text, is_there in obstacles.items() if is_there), "")


def _value(part: Any, name: str) -> Any:
    return getattr(part, name, None)


def _has(network: nn.Module, kind: type[nn.Module]) -> bool:
    return any(isinstance(module, kind) for module in network.modules())


def _shapes(session: Session) -> tuple[Any, ...]:
    return tuple(
        (split.inputs.shape, split.inputs.dtype, split.targets.shape, split.targets.dtype)
        for split in session.dataset.splits.values()
    )


def _count_bytes(session: Session) -> int:
    def count(split: Examples) -> int:
        return 4 * split.inputs.numel() + split.targets.nbytes

    return sum(map(count, session.dataset.splits.values()))


def open_session(
    experiment: Experiment, seed: int, run: str, device: torch.device, report: ProgressCallback
) -> Session:
    """Returns the session of one seed at its first step; torch's own generator is that of it."""
    experiment = replace(experiment, seed=seed)
    dataset = load(experiment, device, report)
    download_weights(experiment.plan, report)
    return Session(run, experiment, dataset, device)


def open_group(
    experiment: Experiment, runs: Mapping[int, str], device: torch.device, report: ProgressCallback
) -> tuple[GroupTraining | None, str]:
    """Returns the training of several seeds together, or None and why that is impossible.

    Args:
        runs: the id of the run of each seed.
    """
    sessions: list[Session] = []
    generators: list[Generator] = []
    for seed, run in runs.items():
        sessions.append(open_session(experiment, seed, run, device, report))
        generators.append(Generator())
        generators[-1].set_state(torch.get_rng_state())
        if len(sessions) == 1 and (obstacle := find_obstacle_of(sessions * len(runs))):
            return None, obstacle  # before more of them take memory
    if obstacle := find_obstacle_of(sessions):
        return None, obstacle
    try:
        return GroupTraining(SeedGroup(sessions, generators)), ""
    except InputError as error:
        return None, error.problem
