"""Half precision and activation checkpointing: they change only what they should."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support.bitwise import find_differences
from tests.support.datasets import CPU, ignore_progress
from tests.support.tiny_sessions import (
    flatten_parameters,
    make_experiment,
    make_session,
    train_steps,
)
from tuilab.core.errors import InputError
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train


def test_bf16_computes_in_16_bits_and_keeps_weights_of_32() -> None:
    session = make_session(
        "Linear 64", "Tanh", "Linear 3", training={"precision": "bf16"}, epochs=20
    )
    dtypes: list[torch.dtype] = []
    hook = session.network[0].register_forward_hook(lambda m, x, y: dtypes.append(y.dtype))
    results = list(train(session))
    hook.remove()

    assert set(dtypes) == {torch.bfloat16} and results
    assert {parameter.dtype for parameter in session.parameters} == {torch.float32}
    full = make_session("Linear 64", "Tanh", "Linear 3", epochs=20)
    list(train(full))
    losses = [s.finished_event("done").results["test"]["loss"] for s in (session, full)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_fp16_on_the_cpu_is_refused_with_an_alternative() -> None:
    with pytest.raises(InputError, match="use bf16"):
        make_session(training={"precision": "fp16"})


BLOCK = ["Residual", "Linear 16", "BatchNorm1d", "Tanh"]
GAN: dict[str, Any] = {"task": "gan", "loss": {"name": "bce"}, "data": {"name": "blobs"}}


AUTOENCODER = {"task": "autoencoder", "loss": {"name": "mse"}}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_checkpointing_changes_no_bit_and_runs_the_forward_pass_twice(precision: str) -> None:
    lines = ("Linear 16", BLOCK, "Dropout 0.4", "Linear 3")
    plain = make_session(*lines, training={"precision": precision})
    train_steps(plain, 4)
    checkpointed = make_session(*lines, training={"precision": precision, "checkpointing": True})
    calls: list[int] = []
    inner = next(m for m in checkpointed.network.modules() if isinstance(m, nn.Tanh))
    inner.register_forward_pre_hook(lambda module, inputs: calls.append(1))

    train_steps(checkpointed, 4)

    # Batch norm has counted each batch once.
    expected = plain.network.state_dict()
    assert find_differences(checkpointed.network.state_dict(), expected) == []
    assert len(calls) == 8


@pytest.mark.parametrize(
    ("lines", "tables"),
    [
        ((["Generator", "Linear 8", "Tanh", "Linear 2"], ["Discriminator", "Linear 8", "ReLU",
          "Linear 1"]), GAN),
        ((["Encoder", "Linear 8", "Tanh", "Linear 4", "Reparameterization"],
          ["Decoder", "Linear 8", "Tanh", "Linear 2"]), AUTOENCODER),
    ],
)  # fmt: skip
def test_checkpointing_works_in_every_task(lines: tuple[Any, ...], tables: dict[str, Any]) -> None:
    weights: list[Tensor] = []
    calls: list[int] = []
    for checkpointing in (False, True):
        options = {**tables, "training": {"checkpointing": checkpointing}}
        experiment = make_experiment(*lines, **options)
        session = Session("run", experiment, load(experiment, CPU, ignore_progress), CPU)
        calls.append(0)
        tanh = next(m for m in session.network.modules() if isinstance(m, nn.Tanh))
        tanh.register_forward_pre_hook(lambda module, inputs: calls.append(calls.pop() + 1))
        train_steps(session, 4)
        weights.append(flatten_parameters(session))

    assert torch.equal(*weights)
    assert calls[1] > calls[0]


LINES = ("Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 3")


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "muon", "lion"])
def test_gradients_are_unscaled_before_penalties_and_limits_act(optimizer: str) -> None:
    options: dict[str, Any] = {
        "training": {"clip_grad_norm": 0.05}, "regularization": {"l1": 0.01},
        "optimizer": {"name": optimizer},
    }  # fmt: skip
    plain, scaled = (make_session(*LINES, **options) for _ in range(2))
    scaled.task.scaler = torch.amp.GradScaler("cpu")

    train_steps(plain, 4)
    train_steps(scaled, 4)

    # Bitwise, as the scales are powers of two.
    assert torch.equal(flatten_parameters(scaled), flatten_parameters(plain))


def test_generator_and_discriminator_share_the_scaler() -> None:
    lines = ["Generator", "Linear 8", "Linear 2"], ["Discriminator", "Linear 8", "Linear 1"]
    plain = make_session(*lines, **GAN)
    train_steps(plain, 4)

    scaled = make_session(*lines, **GAN)  # after the other: both use the same generator
    scaled.task.scaler = torch.amp.GradScaler("cpu")
    train_steps(scaled, 4)

    assert torch.equal(flatten_parameters(scaled), flatten_parameters(plain))


def test_a_step_whose_gradients_overflow_is_skipped_and_the_scale_halved() -> None:
    session = make_session()
    session.task.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    session.task.scaler.scale(torch.zeros(1))
    before = flatten_parameters(session)
    with torch.no_grad():
        session.dataset.train.inputs.mul_(1e4)  # large inputs, large gradients

    train_steps(session, 1)

    assert torch.equal(flatten_parameters(session), before)
    assert scaler.get_scale() == 2.0**126


def test_a_checkpoint_keeps_the_scale() -> None:
    first, second = make_session(), make_session()
    first.task.scaler = torch.amp.GradScaler("cpu", init_scale=512.0, growth_interval=3)
    second.task.scaler = torch.amp.GradScaler("cpu")
    train_steps(first, 4)

    checkpoint.restore_state(second, checkpoint.capture_state(first))

    assert second.task.scaler.get_scale() == 1024.0
