"""Half precision and forgotten activations: what they may change, and what not."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.support.tiny import CPU, experiment, session, steps, weights
from tuilab.core.errors import InputError
from tuilab.engine import checkpoint
from tuilab.engine.data.load import load
from tuilab.engine.session import Session
from tuilab.engine.train import train


def test_bf16_computes_in_16_bits_and_keeps_weights_of_32():
    subject = session("Linear 64", "Tanh", "Linear 3", training={"precision": "bf16"}, epochs=20)
    seen = []
    hook = subject.network[0].register_forward_hook(lambda m, given, made: seen.append(made.dtype))
    results = list(train(subject))
    hook.remove()

    assert set(seen) == {torch.bfloat16} and results
    assert {parameter.dtype for parameter in subject.parameters} == {torch.float32}
    full = session("Linear 64", "Tanh", "Linear 3", epochs=20)
    list(train(full))
    losses = [s.finished("done").results["test"]["loss"] for s in (subject, full)]
    assert losses[0] == pytest.approx(losses[1], rel=0.1)


def test_fp16_on_the_cpu_is_refused_with_what_to_take():
    with pytest.raises(InputError, match="take bf16"):
        session(training={"precision": "fp16"})


BLOCK = ["Residual", "Linear 16", "BatchNorm1d", "Tanh"]
GAN = {"task": "gan", "loss": {"name": "bce"}, "data": {"name": "blobs"}}


AUTOENCODER = {"task": "autoencoder", "loss": {"name": "mse"}}


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_forgetting_activations_changes_no_bit_and_runs_forward_twice(precision: str):
    lines = ("Linear 16", BLOCK, "Dropout 0.4", "Linear 3")
    usual = session(*lines, training={"precision": precision})
    steps(usual, 4)
    thrifty = session(*lines, training={"precision": precision, "checkpointing": True})
    calls = []
    inner = next(m for m in thrifty.network.modules() if isinstance(m, nn.Tanh))
    inner.register_forward_pre_hook(lambda module, given: calls.append(1))

    steps(thrifty, 4)

    assert torch.equal(weights(usual), weights(thrifty))
    for one, other in zip(usual.network.buffers(), thrifty.network.buffers(), strict=True):
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
def test_activations_are_forgotten_in_every_task(lines: Any, tables: dict[str, Any]):
    ends, calls = [], []
    for checkpointing in (False, True):
        knobs = {**tables, "training": {"checkpointing": checkpointing}}
        chosen = experiment(*lines, **knobs)
        subject = Session("run", chosen, load(chosen, CPU, lambda what, done: None), CPU)
        calls.append(0)
        tanh = next(m for m in subject.network.modules() if isinstance(m, nn.Tanh))
        tanh.register_forward_pre_hook(lambda module, given: calls.append(calls.pop() + 1))
        steps(subject, 4)
        ends.append(weights(subject))

    assert torch.equal(*ends)
    assert calls[1] > calls[0]


LINES = ("Linear 8", "Tanh", "Linear 8", "Tanh", "Linear 3")


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "muon", "lion"])
def test_gradients_are_unscaled_before_penalties_and_limits_act(optimizer: str):
    knobs: dict[str, Any] = {
        "training": {"clip_grad_norm": 0.05}, "regularization": {"l1": 0.01},
        "optimizer": {"name": optimizer},
    }  # fmt: skip
    plain, scaled = session(*LINES, **knobs), session(*LINES, **knobs)
    scaled.task.scaler = torch.amp.GradScaler("cpu")

    steps(plain, 4)
    steps(scaled, 4)

    assert torch.equal(weights(scaled), weights(plain))  # scales are powers of two


def test_both_sides_of_a_gan_share_the_scaler():
    lines = ["Generator", "Linear 8", "Linear 2"], ["Discriminator", "Linear 8", "Linear 1"]
    plain = session(*lines, **GAN)
    steps(plain, 4)

    scaled = session(*lines, **GAN)  # after it: both draw from the same chance
    scaled.task.scaler = torch.amp.GradScaler("cpu")
    steps(scaled, 4)

    assert torch.equal(weights(scaled), weights(plain))


def test_a_step_whose_gradients_overflow_is_left_out_and_the_scale_halved():
    subject = session()
    subject.task.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    subject.task.scaler.scale(torch.zeros(1))
    before = weights(subject)
    with torch.no_grad():
        subject.dataset.train.inputs.mul_(1e4)  # large inputs, large gradients

    steps(subject, 1)

    assert torch.equal(weights(subject), before)
    assert scaler.get_scale() == 2.0**126


def test_a_checkpoint_keeps_the_scale():
    first, second = session(), session()
    first.task.scaler = torch.amp.GradScaler("cpu", init_scale=512.0, growth_interval=3)
    second.task.scaler = torch.amp.GradScaler("cpu")
    steps(first, 4)

    checkpoint.put_back(second, checkpoint.state(first))

    assert second.task.scaler.get_scale() == 1024.0
