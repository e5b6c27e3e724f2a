"""Half precision and forgotten activations: what they may change, and what not."""

import pytest
import torch
from torch import nn

from tests.engine.tiny import session, steps, weights
from tuilab.engine.pulse import Pulse
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


def test_forgetting_activations_changes_no_bit_and_runs_forward_twice():
    lines = ("Linear 16", ["Residual", "Linear 16", "Tanh"], "Dropout 0.4", "Linear 3")
    usual = session(*lines)
    steps(usual, 4)
    thrifty = session(*lines, training={"checkpointing": True})
    calls = []
    inner = next(m for m in thrifty.network.modules() if isinstance(m, nn.Tanh))
    inner.register_forward_pre_hook(lambda module, given: calls.append(1))

    steps(thrifty, 4)

    assert torch.equal(weights(usual), weights(thrifty))
    assert len(calls) == 8


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
