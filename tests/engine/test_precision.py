"""Half precision and forgotten activations: what they may change, and what not."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.support import tiny
from tuilab.core.errors import InputError
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train


def test_bf16_computes_in_16_bits_and_keeps_weights_of_32() -> None:
    session = tiny.session(
        "Linear 64", "Tanh", "Linear 3", training={"precision": "bf16"}, epochs=20
    )
    dtypes = []
    hook = session.network[0].register_forward_hook(lambda m, x, y: dtypes.append(y.dtype))
    results = list(train(session))
    hook.remove()

    assert set(dtypes) == {torch.bfloat16} and results
    assert {parameter.dtype for parameter in session.parameters} == {torch.float32}
    full = tiny.session("Linear 64", "Tanh", "Linear 3", epochs=20)
    list(train(full))
    losses = [s.finished_event("done").results["test"]["loss"] for s in (session, full)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_fp16_on_the_cpu_is_refused_with_an_alternative() -> None:
    with pytest.raises(InputError, match="use bf16"):
        tiny.session(training={"precision": "fp16"})


BLOCK = ["Residual", "Linear 16", "BatchNorm1d", "Tanh"]
GAN = {"task": "gan", "loss": {"name": "bce"}, "data": {"name": "blobs"}}


AUTOENCODER = {"task": "autoencoder", "loss": {"name": "mse"}}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_checkpointing_changes_no_bit_and_runs_forward_twice(precision: str) -> None:
    lines = ("Linear 16", BLOCK, "Dropout 0.4", "Linear 3")
    usual = tiny.session(*lines, training={"precision": precision})
    tiny.steps(usual, 4)
    checkpointed = tiny.session(*lines, training={"precision": precision, "checkpointing": True})
    calls = []
    inner = next(m for m in checkpointed.network.modules() if isinstance(m, nn.Tanh))
    inner.register_forward_pre_hook(lambda module, given: calls.append(1))

    tiny.steps(checkpointed, 4)

    assert torch.equal(tiny.weights(usual), tiny.weights(checkpointed))
    for one, other in zip(usual.network.buffers(), checkpointed.network.buffers(), strict=True):
        assert torch.equal(one, other)  # batch norm has seen each batch once
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
def test_checkpointing_works_in_every_task(lines: Any, tables: dict[str, Any]) -> None:
    ends, calls = [], []
    for checkpointing in (False, True):
        options = {**tables, "training": {"checkpointing": checkpointing}}
        config = tiny.experiment(*lines, **options)
        session = Session("run", config, load(config, tiny.CPU, lambda what, done: None), tiny.CPU)
        calls.append(0)
        tanh = next(m for m in session.network.modules() if isinstance(m, nn.Tanh))
        tanh.register_forward_pre_hook(lambda module, given: calls.append(calls.pop() + 1))
        tiny.steps(session, 4)
        ends.append(tiny.weights(session))

    assert torch.equal(*ends)
    assert calls[1] > calls[0]


LINES = ("Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 3")


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "muon", "lion"])
def test_gradients_are_unscaled_before_penalties_and_limits_act(optimizer: str) -> None:
    options: dict[str, Any] = {
        "training": {"clip_grad_norm": 0.05}, "regularization": {"l1": 0.01},
        "optimizer": {"name": optimizer},
    }  # fmt: skip
    plain, scaled = tiny.session(*LINES, **options), tiny.session(*LINES, **options)
    scaled.task.scaler = torch.amp.GradScaler("cpu")

    tiny.steps(plain, 4)
    tiny.steps(scaled, 4)

    assert torch.equal(tiny.weights(scaled), tiny.weights(plain))  # scales are powers of two


def test_both_sides_of_a_gan_share_the_scaler() -> None:
    lines = ["Generator", "Linear 8", "Linear 2"], ["Discriminator", "Linear 8", "Linear 1"]
    plain = tiny.session(*lines, **GAN)
    tiny.steps(plain, 4)

    scaled = tiny.session(*lines, **GAN)  # after the other: both use the same generator
    scaled.task.scaler = torch.amp.GradScaler("cpu")
    tiny.steps(scaled, 4)

    assert torch.equal(tiny.weights(scaled), tiny.weights(plain))


def test_a_step_whose_gradients_overflow_is_left_out_and_the_scale_halved() -> None:
    session = tiny.session()
    session.task.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    session.task.scaler.scale(torch.zeros(1))
    before = tiny.weights(session)
    with torch.no_grad():
        session.dataset.train.inputs.mul_(1e4)  # large inputs, large gradients

    tiny.steps(session, 1)

    assert torch.equal(tiny.weights(session), before)
    assert scaler.get_scale() == 2.0**126


def test_a_checkpoint_keeps_the_scale() -> None:
    first, second = tiny.session(), tiny.session()
    first.task.scaler = torch.amp.GradScaler("cpu", init_scale=512.0, growth_interval=3)
    second.task.scaler = torch.amp.GradScaler("cpu")
    tiny.steps(first, 4)

    checkpoint.restore_state(second, checkpoint.capture_state(first))

    assert second.task.scaler.get_scale() == 1024.0
