"""Half precision and forgotten activations: what they may change, and what not."""

from typing import Any

import pytest
import torch
from torch import nn

from tests.engine.tiny import CPU, experiment, session, steps, weights
from tuilab.engine.data.load import load
from tuilab.engine.pulse import Pulse
from tuilab.engine.session import Session
from tuilab.engine.tasks.task import Task
from tuilab.engine.train import learn, train
from tuilab.lab.errors import InputError


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
          ["Decoder", "Linear 8", "Tanh", "Linear 2"]), {"task": "autoencoder", "loss": {"name": "mse"}}),
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


class Doubling:
    """A loss scaler that says what it was asked: torch's own works on a GPU only."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def scale(self, loss: torch.Tensor) -> torch.Tensor:
        self.asked.append("scale")
        return loss * 1024

    def unscale_(self, optimizer: torch.optim.Optimizer) -> None:
        self.asked.append("unscale")
        for group in optimizer.param_groups:
            for parameter in group["params"]:
                parameter.grad /= 1024

    def step(self, optimizer: torch.optim.Optimizer) -> None:
        self.asked.append("step")
        optimizer.step()

    def update(self) -> None:
        self.asked.append("update")


def test_gradients_are_unscaled_before_they_are_clipped(monkeypatch: pytest.MonkeyPatch):
    clip = {"training": {"clip_grad_norm": 0.05}}
    plain, scaled = session(**clip), session(**clip)
    scaler = Doubling()
    monkeypatch.setattr(scaled.task, "scaler", scaler)
    batch = plain.next_batch()
    assert batch is not None and isinstance(scaled.task, Task)

    learn(plain, *batch, Pulse(plain))
    monkeypatch.setattr("tuilab.engine.checkpoints.state", lambda session: {})
    learn(scaled, *batch, Pulse(scaled))

    assert scaler.asked == ["scale", "unscale", "step", "update"]
    torch.testing.assert_close(weights(scaled), weights(plain), rtol=1e-5, atol=1e-7)
