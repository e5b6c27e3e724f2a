"""A run that is inspected, searched and replayed ends bitwise as one that is not."""

from collections.abc import Callable, Container, Generator, Iterator
from typing import Any

import pytest
import torch

from tests.support.all_requests import inspect_everything
from tests.support.bitwise import find_differences
from tests.support.datasets import CPU, ignore_progress
from tuilab.core.experiment.experiment import experiment_from_dict
from tuilab.core.experiment.validation import find_errors
from tuilab.core.protocol.events import Progressed
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.inspect.dispatch import Dispatcher
from tuilab.engine.nan_trace import NonFiniteOrigin, find_non_finite
from tuilab.engine.preserve import clone_tensors, preserving_random_state
from tuilab.engine.session import Session
from tuilab.engine.studies import batch_size_finder, lr_finder
from tuilab.engine.studies.cross_validation import cross_validate
from tuilab.engine.tasks.gan import GAN
from tuilab.engine.train import train

STEPS = 10
"""More than two epochs of all data sets except the text."""

REGULARIZED = ["Linear 8", "BatchNorm1d", "Tanh", "Dropout 0.3", "Linear 3"]
BLOBS = {"name": "blobs", "centers": 3, "samples": 64, "batch_size": 12}
GLYPHS = {"name": "glyphs", "samples": 56, "batch_size": 12}

CASES: dict[str, dict[str, Any]] = {
    "convnet": {
        "network": ["Conv2d 4 kernel_size=3", "BatchNorm2d", "ReLU", "Dropout2d 0.2", "MaxPool2d 4",
                    "Flatten", "Dropout 0.3", "Linear 10"],
        "data": GLYPHS, "augmentation": {"shift": 1, "cutout": 2},
        "optimizer": {"name": "sgd", "momentum": 0.9},
    },
    "lstm": {
        "network": ["LSTM 6 num_layers=2 dropout=0.2", "Linear 3"],
        "data": {"name": "waves", "samples": 56, "batch_size": 12}, "optimizer": {"name": "adam"},
        "training": {"clip_grad_norm": 0.1},
    },
    "transformer": {
        "network": ["PatchEmbedding 7 8", "ClassToken", "PositionalEncoding kind=learned",
                    "TransformerEncoderLayer 2 dim_feedforward=16 dropout=0.1", "SelectPosition 0",
                    "Linear 10"],
        "data": GLYPHS, "optimizer": {"name": "adamw"}, "schedule": {"name": "one_cycle"},
    },
    "language model": {
        "network": ["Embedding 8", "PositionalEncoding kind=learned", "DecoderBlock 2 dropout=0.1",
                    "Linear 97"],
        "data": {"name": "python_source", "length": 16, "size": 20, "batch_size": 8},
        "task": {"name": "language_model", "sample_length": 4}, "optimizer": {"name": "adamw"},
    },
    "gan": {
        "network": [["Generator", "Linear 8", "ReLU", "Linear 2"],
                    ["Discriminator", "Linear 8", "ReLU", "Dropout 0.2", "Linear 1"]],
        "data": {"name": "gaussians_ring", "samples": 64, "batch_size": 12},
        "task": {"name": "gan", "latent": 3, "discriminator_steps": 2}, "loss": {"name": "bce"},
        "optimizer": {"name": "adam"}, "averaging": {"name": "ema"},
    },
    "variational autoencoder": {
        "network": [["Encoder", "Flatten", "Linear 6", "Reparameterization"],
                    ["Decoder", "Linear 784", "Unflatten (1,28,28)"]],
        "data": GLYPHS, "task": {"name": "autoencoder", "noise": 0.1}, "loss": {"name": "mse"},
    },
    "mixup": {
        "network": REGULARIZED, "data": BLOBS, "augmentation": {"mixup": 0.4, "noise": 0.1},
        "training": {"accumulation": 2}, "optimizer": {"name": "muon"},
        "regularization": {"gradient_noise": 0.1, "l1": 1e-3, "max_norm": 2.0},
    },
    "ema": {
        "network": REGULARIZED, "data": BLOBS, "averaging": {"name": "ema"},
        "regularization": {"patience": 3, "l2": 0.01}, "optimizer": {"name": "rmsprop"},
        "training": {"precision": "bf16"},
    },
    "scaler": {
        "network": REGULARIZED, "data": BLOBS, "optimizer": {"name": "adamw"},
        "training": {"clip_grad_norm": 0.1},
    },
    "swa": {
        "network": REGULARIZED, "data": BLOBS, "averaging": {"name": "swa", "start": 0.1},
        "optimizer": {"name": "lbfgs", "max_iter": 3}, "schedule": {"name": "plateau"},
    },
}  # fmt: skip

SLOW_CASES: dict[str, dict[str, Any]] = {
    **CASES,
    "checkpointing": {  # its import takes seconds
        "network": REGULARIZED, "data": BLOBS, "training": {"checkpointing": True},
    },
}  # fmt: skip


# --- searches -----------------------------------------------------------------------------------


def search(session: Session, find: Callable[[Session], Iterator[Any]]) -> None:
    """Runs a search to its end, and another one that is canceled."""
    assert list(find(session))
    canceled = find(session)
    assert isinstance(canceled, Generator)
    next(canceled)
    canceled.close()


def inspect_and_search(session: Session, dispatcher: Dispatcher) -> None:
    """Does everything that must not change the session."""
    before = clone_tensors(state_of(session))
    gradients = [parameter.grad for parameter in session.parameters]

    inspect_everything(session, dispatcher)
    assert find_non_finite(session, session.step) == NonFiniteOrigin()
    if not (session.experiment.optimizer.needs_closure or isinstance(session.task, GAN)):
        search(session, lr_finder.try_learning_rates)
    search(session, batch_size_finder.try_batch_sizes)

    assert find_differences(before, state_of(session)) == []
    pairs = zip(session.parameters, gradients, strict=True)
    assert all(parameter.grad is gradient for parameter, gradient in pairs)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in session.network.modules())


def state_of(session: Session) -> dict[str, Any]:
    """Returns the state of a run without what depends on the clock."""
    state = checkpoint.capture_state(session)
    del state["seconds"]
    if not session.needs_every_validation:  # the clock decides which epochs are measured
        del state["validation_losses"]
    return state | {
        "gradients": [parameter.grad for parameter in session.parameters],
        "modes": [module.training for module in session.network.modules()],
        "requires_grad": [parameter.requires_grad for parameter in session.parameters],
        "groups": [
            {name: value for name, value in group.items() if name != "params"}
            for group in session.optimizer.param_groups
        ],
        "order": session.epoch_order(),
        "rates": [session.last_lr, session.lr],
        "task": sorted(vars(session.task)),
    }


# --- the runs -----------------------------------------------------------------------------------


def run(session: Session, inspected_after: Container[int]) -> tuple[dict[str, Any], list[float]]:
    """Trains `STEPS` steps; returns the final state and the loss of each step."""
    dispatcher = Dispatcher(session)
    session.good_state = checkpoint.capture_state(session)
    session.report_at_step = 1
    losses = []
    for event in train(session):
        if isinstance(event, Progressed):
            losses.append(event.loss)
        if event is None and session.report_at_step == session.step:
            session.report_at_step = session.step + 1
            if session.step in inspected_after:
                inspect_and_search(session, dispatcher)
            if session.step == STEPS:
                break
    return state_of(session), losses


def compare(name: str, inspected_after: Container[int], patch: pytest.MonkeyPatch) -> None:
    """Trains with and without inspections, and asserts that both runs are the same."""
    patch.setattr(lr_finder, "MAX_TRIALS", 20)
    patch.setattr(batch_size_finder, "MAX_TRIALS", 2)
    patch.setattr("tuilab.engine.inspect.landscape.landscape_inspector.MAX_SECONDS", 0.002)
    case = SLOW_CASES[name]
    training = {"epochs": 4, "device": "cpu", **case.get("training", {})}
    experiment = experiment_from_dict({**case, "training": training})
    assert find_errors(experiment) == []
    dataset = load(experiment, CPU, ignore_progress)

    def begin() -> Session:
        session = Session("run", experiment, dataset, CPU)  # seeds the random generators
        if name == "scaler":  # as for fp16, which needs a GPU; its scale grows every other step
            session.task.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0, growth_interval=2)
        return session

    plain, losses = run(begin(), ())
    inspected, inspected_losses = run(begin(), inspected_after)

    assert plain["position"][0] == STEPS and len(losses) == STEPS
    assert inspected_losses == losses
    assert find_differences(plain, inspected) == []


@pytest.mark.parametrize("name", CASES)
def test_an_inspected_searched_and_replayed_run_ends_as_a_plain_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(name, (2, 8), monkeypatch)


def test_a_cross_validation_changes_neither_the_run_nor_the_threads() -> None:
    case = {"network": REGULARIZED, "data": BLOBS, "training": {"epochs": 1, "device": "cpu"}}
    experiment = experiment_from_dict(case)
    with preserving_random_state(CPU):
        session = Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)
        threads = torch.get_num_threads() + 1  # each fold is a session, which sets them to 1
        torch.set_num_threads(threads)
        before = clone_tensors(state_of(session))

        search(session, lambda s: cross_validate(s.experiment, 2, 0, CPU, ignore_progress))

        assert find_differences(before, state_of(session)) == []
        assert torch.get_num_threads() == threads


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW_CASES)
def test_a_run_that_is_inspected_after_every_step_ends_as_a_plain_one(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare(name, range(STEPS), monkeypatch)
