"""Where a loss stopped being a number: its step is taken again, and every operation watched."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from tuilab.engine import checkpoint
from tuilab.engine.session import Session

PATIENCE = 2.0
"""Seconds that a replay may take; after a longer way back nothing is said."""


@dataclass(slots=True)
class NonFiniteTrace:
    """What was seen first that is not finite."""

    step: int = 0
    what: str = ""
    "Empty while everything is finite."

    def note(self, what: str, *tensors: Tensor) -> None:
        """Look at what an operation gave, unless something was found already."""
        if not self.what and not all(bool(t.isfinite().all()) for t in tensors):
            self.what = what


def first_not_finite(session: Session, step: int) -> str:
    """In words, the first operation whose numbers were not finite; empty where that is not found.

    Goes back to the last good state, trains from there to the step before, and watches that one
    and `step` itself. The session stays as it was.
    """
    good = session.good
    if good is None or good["position"][0] >= step:
        return ""
    # Whatever goes wrong here must not hide the failure that is told.
    with suppress(Exception), _restored(session):
        checkpoint.put_back(session, good)
        return _replayed(session, step)
    return ""


def _replayed(session: Session, step: int) -> str:
    begun, start = time.perf_counter(), session.step
    while session.step < step and time.perf_counter() - begun < PATIENCE:
        is_near = session.step >= step - 2
        witness = NonFiniteTrace(session.step + 1)
        with _watched(session, witness) if is_near else nullcontext():
            _step(session, witness if is_near else None)
        if witness.what:
            again = f"Replayed from step {start:,}: " if session.step - start > 1 else ""
            text = f"at step {witness.step:,} {witness.what}"
            return f"{again}{text}" if again else text[:1].upper() + text[1:]
    return ""


def _step(session: Session, witness: NonFiniteTrace | None) -> None:
    """One step of the training loop, without its reports."""
    from tuilab.engine.train import (
        optimizer_step,  # the loop itself imports what explains its failures
    )

    while (batch := session.next_batch()) is None:
        session.end_epoch()
    session.set_rate()
    inputs, targets = batch
    wanted = session.task.targets_for(inputs, targets)
    for turn in session.phases:
        loss, output = optimizer_step(session, turn, inputs, wanted, None)
        if witness is not None:
            size = f"{float(output.abs().max()):.3g}" if output.numel() else "0"
            # Gradients come after the loss: what was found in them is only its consequence.
            if not bool(loss.isfinite().all()) and "gradient" in witness.what:
                witness.what = ""
            witness.note(f"the loss itself is not finite, of outputs up to {size}", loss)
            for label, parameters in session.labelled.items():
                witness.note(f"the step of the optimizer makes the weights of {label} not finite",
                             *(parameter.detach() for parameter in parameters))  # fmt: skip
    session.task.average.step(session.experiment.averaging)
    session.step += 1
    session.offset += len(targets)


@contextmanager
def _watched(session: Session, witness: NonFiniteTrace) -> Iterator[None]:
    """Hooks on every module and every parameter, while it lasts."""
    hooks: list[Any] = []
    for module, name in _named(session).items():
        hooks.append(module.register_forward_hook(partial(_forward, witness, name)))
    for label, parameters in session.labelled.items():
        for parameter in parameters:
            if parameter.requires_grad:
                look = partial(_gradient, witness, label)
                hooks.append(parameter.register_hook(look))  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _forward(
    witness: NonFiniteTrace, name: str, module: nn.Module, inputs: Any, output: Any
) -> None:
    before = [t.detach() for t in inputs if isinstance(t, Tensor) and t.is_floating_point()]
    given = output if isinstance(output, tuple) else (output,)
    tensors = [t.detach() for t in given if isinstance(t, Tensor)]
    came = max((float(t.abs().max()) for t in before if t.numel()), default=0.0)
    weights = [p.detach().abs().max() for p in module.parameters(recurse=False)]
    largest = f", its largest weight is {float(torch.stack(weights).max()):.3g}" if weights else ""
    witness.note(f"the output of {name} is not finite: what came in is up to {came:.3g}{largest}",
                 *tensors)  # fmt: skip


def _gradient(witness: NonFiniteTrace, label: str, gradient: Tensor) -> None:
    witness.note(f"the gradient of {label} is not finite, while its loss still is", gradient)


def _named(session: Session) -> dict[nn.Module, str]:
    """Every module by its layer, as the charts name it; what has no weights by what is before."""
    owners = {id(p): label for label, ps in session.labelled.items() for p in ps}
    names: dict[nn.Module, str] = {}
    after = "the input"
    for module in session.network.modules():
        own = next(module.parameters(recurse=False), None)
        if own is not None:
            after = owners.get(id(own), type(module).__name__)
            names[module] = after
        else:
            names[module] = f"{type(module).__name__} after {after}"
    return names


@contextmanager
def _restored(session: Session) -> Iterator[None]:
    """Whatever happens inside, the session is afterwards as it was."""
    before = checkpoint.state(session)
    gradients = [parameter.grad for parameter in session.parameters]
    told = session.lr_used, session.penalty
    try:
        yield
    finally:
        checkpoint.put_back(session, before)
        session.lr_used, session.penalty = told
        for parameter, gradient in zip(session.parameters, gradients, strict=True):
            parameter.grad = gradient
